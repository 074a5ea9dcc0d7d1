"""Exactly once by offsets: which rows of a batch a table does not hold yet."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Row = TypeVar("Row")


class HighWaters(Generic[Row]):
    """For each partition the last offset that one table holds. For one writer thread.

    Redelivery rewinds and repeats in order, also within one batch, so "at or below the high-water" is exactly "already
    there". What the table said is remembered, and forgotten when an insert fails: then nobody knows what it holds.
    """

    def __init__(self, read: Callable[[int], int], place: Callable[[Row], tuple[int, int]]) -> None:
        """`read` asks the table for a partition's high-water, -1 when empty; `place` is a row's (partition, offset)."""
        self._read = read
        self._place = place
        self._known: dict[int, int] = {}

    def read(self, partition: int) -> int:
        """Ask the table now, and remember."""
        found = self._known[partition] = self._read(partition)
        return found

    @contextlib.contextmanager
    def fresh(self, rows: Sequence[Row]) -> Iterator[list[Row]]:
        """The rows the table does not hold, to be inserted inside the context; an error forgets the partitions."""
        marks: dict[int, int] = {}
        kept: list[Row] = []
        for row in rows:
            partition, offset = self._place(row)
            mark = marks.get(partition)
            if mark is None:
                mark = self._known[partition] if partition in self._known else self.read(partition)
                marks[partition] = mark
            if offset > mark:
                marks[partition] = offset
                kept.append(row)
        for partition in marks:
            self._known.pop(partition, None)
        yield kept
        self._known |= marks
