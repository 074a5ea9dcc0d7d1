"""Sets of offsets behave as sets do."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from processors.offset_set import OffsetSet, ranges

_OFFSETS = st.sets(st.integers(0, 200_000) | st.integers(0, 130))


@given(_OFFSETS, _OFFSETS, st.integers(0, 200_000), st.integers(0, 200_000))
def test_they_agree_with_plain_sets(ours: set[int], theirs: set[int], first: int, end: int) -> None:
    mine, other = OffsetSet(ours), OffsetSet(theirs)
    assert list(mine) == sorted(ours)
    assert len(mine) == len(ours)
    assert list(mine.without(other)) == sorted(ours - theirs)
    assert list(mine.between(first, end)) == sorted(offset for offset in ours if first <= offset < end)
    assert all((offset in mine) == (offset in ours) for offset in ours | theirs)


@given(_OFFSETS, _OFFSETS)
def test_words_of_64_bits_add_to_what_is_there(ours: set[int], words: set[int]) -> None:
    mine = OffsetSet(ours)
    for number in {offset // 64 for offset in words}:
        mine.add_word(number, sum(1 << offset % 64 for offset in words if offset // 64 == number))
    assert list(mine) == sorted(ours | words)


def test_an_offset_is_new_once() -> None:
    offsets = OffsetSet()
    assert [offsets.add(65_536), offsets.add(65_536), offsets.add(65_535)] == [True, False, True]


@given(_OFFSETS)
def test_ranges_hold_every_offset_and_no_other(ours: set[int]) -> None:
    found = ranges(sorted(ours))
    assert [offset for first, last in found for offset in range(first, last + 1)] == sorted(ours)
    assert all(after[0] > before[1] + 1 for before, after in pairwise(found))
