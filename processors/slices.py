"""One slice of accepted statements to the records of `activity`: decode, publish each statement, encode. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, cast

from lrs.kernel.codec import ContractError, codec
from lrs.kernel.logs import get_logger
from lrs.kernel.reasons import Withholding
from processors.activity_encoder import encode_activity, encode_withheld
from processors.publishing import publish, withhold

if TYPE_CHECKING:
    from lrs.kernel.pseudonyms import Pseudonyms
    from lrs.kernel.records import AcceptedSlice, Withheld
    from processors.reference_entries import Views

_log = get_logger(__name__)


class Outcomes(NamedTuple):
    """What became of a slice: (key, value) records in offset order, and how many of them were withheld for what."""

    partition: int
    records: list[tuple[bytes | None, bytes]]
    withheld: Counter[str]


def publish_slice(value: bytes | None, partition: int, views: Views, keys: Pseudonyms) -> Outcomes:
    """The records that a slice becomes. Raises `ContractError` when the value is not a slice of this partition."""
    taken: AcceptedSlice = codec("accepted").decode(value)
    if taken["partition"] != partition:
        msg = f"a slice of partition {taken['partition']} on partition {partition}"
        raise ContractError(msg)
    records: list[tuple[bytes | None, bytes]] = []
    withheld: Counter[str] = Counter()
    for accepted in taken["statements"]:
        try:
            outcome = publish(accepted, partition, views, keys)
            if "reason" not in outcome:
                records.append((outcome["statement_key"], encode_activity(outcome)))
                continue
        except Exception as error:  # noqa: BLE001 - one statement that we fail on must not hold back all others
            # The error's text may quote the statement: only its kind and where it lies are logged.
            _log.error("publish_failed", partition=partition, offset=accepted["offset"], error=type(error).__name__)
            outcome = withhold(accepted, partition, Withholding.UNREADABLE)
        without = cast("Withheld", outcome)
        withheld[without["reason"]] += 1
        records.append((keys.statement_key(accepted["statement_id"]), encode_withheld(without)))
    return Outcomes(partition, records, withheld)
