"""The hand-written encoder against the contract."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.codec import codec
from lrs.kernel.records import Activity
from processors.activity_encoder import encode_activity

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


@given(ACTIVITIES)
def test_its_bytes_are_those_of_the_codec(record: dict[str, object]) -> None:
    assert encode_activity(cast("Activity", record)) == codec("activity").encode(record)


def test_it_writes_every_field_of_the_newest_schema_in_order() -> None:
    # A field that is added to the contract has to be added to the encoder as well.
    schema: Any = codec("activity").schema
    assert [field["name"] for field in schema["fields"]] == list(Activity.__annotations__)
