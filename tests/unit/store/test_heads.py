"""The head of a row comes back as it was written, whatever an app is called."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lrs.store.heads import Head, Place, read_head, write_head

PLACES = st.builds(
    Place,
    st.integers(0, 2**42),
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**63),
    st.binary(min_size=16, max_size=16),
    st.text(st.characters(codec="utf-8")),
    st.booleans(),
)


@given(PLACES, st.sampled_from(["1.0.3", "2.0.0"]), st.binary())
def test_a_head_is_read_back_whole(place: Place, version: str, authority: bytes) -> None:
    stored_at_ms, partition, offset, statement_id, app, is_voiding = place
    head = write_head(stored_at_ms, partition, offset, is_voiding, app, version, authority)
    assert read_head(statement_id, head) == Head(place, version, authority)
