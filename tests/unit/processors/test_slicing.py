"""Slices of accepted statements, held to the codec."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.codec import codec
from lrs.kernel.records import AcceptedSlice
from lrs.kernel.statements import Statement
from processors.settling import Keep
from processors.slicing import slices

LONG = st.integers(0, 1 << 62)


def kept(offset: int, raw: bytes, *, app: str = "drill", stored_at_ms: int = 1_780_000_000_000) -> Keep:
    facets = Statement(raw, None, bytes(16), "", "", "Activity", "", None, False, None, None)  # noqa: FBT003
    return Keep(offset, offset.to_bytes(16), app, stored_at_ms, None, "1.0.3", facets)


def decoded(values: list[bytes]) -> list[AcceptedSlice]:
    return [codec("accepted").decode(value) for value in values]


@given(
    st.integers(0, 1000),
    st.lists(st.tuples(LONG, st.binary(max_size=300), st.text(max_size=80), LONG), max_size=20),
)
def test_a_slice_is_what_the_codec_would_write(partition: int, given_: list[tuple[int, bytes, str, int]]) -> None:
    keeps = [kept(offset, raw, app=app, stored_at_ms=stored) for offset, raw, app, stored in given_]
    for value in slices(partition, keeps, 7):
        assert codec("accepted").encode(codec("accepted").decode(value)) == value


@given(st.integers(0, 50), st.integers(1, 12))
def test_slices_hold_every_statement_once_in_offset_order_and_no_more_than_allowed(count: int, most: int) -> None:
    keeps = [kept(offset * 3, b"{%d}" % offset) for offset in range(count)]
    found = decoded(list(slices(2, keeps, most)))
    assert all(one["partition"] == 2 and 0 < len(one["statements"]) <= most for one in found)
    statements = [statement for one in found for statement in one["statements"]]
    assert [statement["offset"] for statement in statements] == [offset * 3 for offset in range(count)]
    assert [statement["statement"] for statement in statements] == [one.statement.raw for one in keeps]


def test_large_statements_make_smaller_slices() -> None:
    keeps = [kept(offset, b"x" * 400_000) for offset in range(5)]
    assert [len(one["statements"]) for one in decoded(list(slices(0, keeps, 200)))] == [2, 2, 1]


def test_a_statement_larger_than_a_slice_is_a_slice_of_its_own() -> None:
    keeps = [kept(0, b"x"), kept(1, b"x" * 3_000_000), kept(2, b"x")]
    assert [len(one["statements"]) for one in decoded(list(slices(0, keeps, 200)))] == [1, 1, 1]
