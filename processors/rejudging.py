"""Which dead letters would be kept today: the recorder's own rules over their originals. Puts nothing anywhere.

The recorder decides again about whatever is replayed; this only spares the log what it would refuse a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from lrs.kernel.codec import ContractError, codec
from lrs.kernel.reasons import Refusal
from lrs.kernel.replaying import Candidate, Replayed, Verdict
from lrs.kernel.topics import partition_of
from processors.settling import Keep, Outcome, Refuse, Rules, read_record, settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrs.kernel.records import Received
    from lrs.kernel.settings import Settings
    from lrs.store.ids import IdEntry


class TakenIds(Protocol):
    """The id index, read only."""

    def get_many(self, ids: Sequence[bytes]) -> list[IdEntry | None]:
        """The entry of each id; None for one never taken."""
        ...


class _Anew(NamedTuple):
    """A record as it would lie on the log."""

    partition: int
    offset: int
    timestamp: int
    value: bytes


class Rejudging:
    """A `lrs.kernel.replaying.Judge`."""

    def __init__(self, settings: Settings, ids: TakenIds) -> None:
        """`ids` are those that the recorder took."""
        self._ids = ids
        self._partitions = settings.broker.partitions
        self._rules = Rules(self._partitions, settings.gateway.max_statement_kb * 1024)

    def __call__(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Judge them as if they came now, one after the other: of two with one id the first wins."""
        verdicts = [Verdict(Replayed.REFUSED, reason=Refusal.WRONG_ENVELOPE)] * len(candidates)
        read: list[tuple[int, Received, _Anew, Keep | Refuse]] = []
        for place, candidate in enumerate(candidates):
            try:
                record: Received = codec("received").decode(candidate.original)
            except ContractError:
                continue
            record["stored_at_ms"] = candidate.stored_at_ms
            # No record has an offset below 0, so none of them is taken for one that was archived.
            where = partition_of(record["statement_id"], self._partitions), -1 - place
            anew = _Anew(*where, candidate.stored_at_ms, codec("received").encode(record))
            read.append((place, record, anew, read_record(anew, self._rules)))
        asked = [one.statement_id for *_, one in read if isinstance(one, Keep)]
        known = {key: entry for key, entry in zip(asked, self._ids.get_many(asked), strict=True) if entry is not None}
        settled = settle([(anew, one) for *_, anew, one in read], known, 0)
        for (place, record, *_), outcome in zip(read, settled.outcomes, strict=True):
            verdicts[place] = _verdict(outcome, record)
        return verdicts


def _verdict(outcome: Outcome, record: Received) -> Verdict:
    if isinstance(outcome, Refuse):
        return Verdict(Replayed.REFUSED, reason=outcome.reason)
    return Verdict(Replayed.REPLAYED, record) if isinstance(outcome, Keep) else Verdict(Replayed.STORED)
