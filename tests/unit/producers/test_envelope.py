"""The fast encoder writes what the contract's codec writes."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.codec import ContractError, codec
from lrs.kernel.records import Origin, Received
from producers.envelope import ReceivedEncoder

_ENCODER = ReceivedEncoder()
_RECORDS = st.fixed_dictionaries(
    {
        "statement_id": st.binary(min_size=16, max_size=16),
        "app": st.text(st.characters(codec="utf-8"), max_size=200),
        "entrance": st.sampled_from(["GATEWAY", "SDK"]),
        "xapi_version": st.sampled_from(["1.0.3", "2.0.0"]),
        "stored_at_ms": st.none() | st.integers(-(2**63), 2**63 - 1),
        "authority": st.none() | st.binary(max_size=300),
        "statement": st.binary(max_size=20_000),
    }
)


def _by_origin(record: Received) -> tuple[Origin, list[tuple[bytes, bytes]]]:
    fields: dict[str, Any] = dict(record)
    return Origin(*(fields[name] for name in Origin._fields)), [(record["statement_id"], record["statement"])]


@given(_RECORDS)
def test_any_record_has_the_bytes_that_the_schema_gives_it(record: dict[str, object]) -> None:
    received = cast("Received", record)
    value = _ENCODER.encode(received)
    assert value == codec("received").encode(received)
    assert _ENCODER.encode_many(*_by_origin(received)) == [value]
    assert codec("received").decode(value) == record


def _record(**changes: object) -> Received:
    record: dict[str, object] = {
        "statement_id": bytes(16),
        "app": "drill-a",
        "entrance": "SDK",
        "xapi_version": "1.0.3",
        "stored_at_ms": None,
        "authority": None,
        "statement": b"{}",
    }
    return cast("Received", record | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"statement_id": bytes(15)},
        {"app": None},
        {"app": "\ud800"},
        {"entrance": "POST"},
        {"stored_at_ms": "now"},
        {"statement": "{}"},
        {"authority": "{}"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_record_that_does_not_fit_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ContractError, match="not a received record"):
        _ENCODER.encode(_record(**changes))
    with pytest.raises(ContractError, match="not a received record"):
        _ENCODER.encode_many(*_by_origin(_record(**changes)))
