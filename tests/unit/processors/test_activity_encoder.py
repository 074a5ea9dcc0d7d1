"""What is written and read by hand of the topic `activity`, against the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.codec import ContractError, codec
from lrs.kernel.records import Activity, Withheld
from lrs.kernel.withheld_records import read_withheld_record
from processors.activity_encoder import encode_activity, encode_withheld

KEY = st.binary(min_size=16, max_size=16)
INT = st.integers(-(2**31), 2**31 - 1)
LONG = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(max_size=80)
NUMBER = st.none() | st.floats(allow_nan=False)

ACTIVITIES = st.fixed_dictionaries(
    {
        "partition": INT,
        "offset": LONG,
        "app": TEXT,
        "stored_at_ms": LONG,
        "statement_key": KEY,
        "pseudonym": KEY,
        "registration_key": st.none() | KEY,
        "key_epoch": INT,
        "occurred_at_ms": LONG,
        "verb": TEXT,
        "role": TEXT,
        "activity_key": KEY,
        "activity_id": TEXT,
        "curriculum_code": TEXT,
        "subject": TEXT,
        "grade": INT,
        "school_code": TEXT,
        "score_scaled": NUMBER,
        "success": st.none() | st.booleans(),
        "completion": st.none() | st.booleans(),
        "duration_seconds": NUMBER,
    }
)


WITHHELD = st.fixed_dictionaries(
    {
        "partition": INT,
        "offset": LONG,
        "app": TEXT,
        "stored_at_ms": LONG,
        "reason": TEXT,
        "retracts": st.none() | KEY,
    }
)


@given(ACTIVITIES)
def test_its_bytes_are_those_of_the_codec(record: dict[str, object]) -> None:
    assert encode_activity(cast("Activity", record)) == codec("activity").encode(record)


def test_it_writes_every_field_of_the_newest_schema_in_order() -> None:
    # A field that is added to the contract has to be added to the encoder as well.
    schema: Any = codec("activity").schema
    assert [field["name"] for field in schema["fields"]] == list(Activity.__annotations__)
    schema = codec("withheld").schema
    assert [field["name"] for field in schema["fields"]] == list(Withheld.__annotations__)


@given(WITHHELD)
def test_what_is_withheld_is_written_and_read_as_by_the_codec(record: dict[str, object]) -> None:
    value = encode_withheld(cast("Withheld", record))
    assert value == codec("withheld").encode(record)
    assert read_withheld_record(value) == record


def _read(read: Callable[[bytes], object], value: bytes) -> object:
    try:
        return read(value)
    except ContractError:
        return None


@given(WITHHELD, st.data())
def test_damaged_bytes_of_what_is_withheld_read_as_the_codec_reads_them(
    record: dict[str, object], data: st.DataObject
) -> None:
    value = bytearray(codec("withheld").encode(record))
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(value[: data.draw(st.integers(0, len(value)))] + data.draw(st.binary(max_size=3)))
    assert _read(read_withheld_record, damaged) == _read(codec("withheld").decode, damaged)


@pytest.mark.parametrize("value", [None, b"", codec("withheld").header])
def test_what_is_no_record_is_refused(value: bytes | None) -> None:
    with pytest.raises(ContractError):
        read_withheld_record(value)
