"""What an accountant remembers between two looks: a gap counts when it stays, what is on its way when it is overdue.

Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from lrs.store.accounting import Gap, HopCounts, LogSpan, balance
from lrs.store.holdings import HOPS, PROCESSOR, RECORDER

if TYPE_CHECKING:
    from collections.abc import Mapping


class Look(NamedTuple):
    """What was read at one moment (`at` in seconds), in this order from the end."""

    at: float
    log: Mapping[int, LogSpan]
    recorder: HopCounts
    loader: HopCounts
    passed_by: Mapping[int, int] | None


class _Mark(NamedTuple):
    at: float
    ends: dict[int, int]
    rows: dict[int, int]


class GapWatch:
    """For each hop how many statements are missing, or on their way for longer than `overdue_seconds`."""

    def __init__(self, overdue_seconds: float) -> None:
        self._overdue_seconds = overdue_seconds
        self._marks: deque[_Mark] = deque()
        self._suspects: set[tuple[str, int, str]] = set()
        self.gaps: list[Gap] = []
        self.unsure = False

    def take(self, look: Look) -> dict[str, int]:
        """Statements missing by hop. `gaps` has the sums that do not come out; `unsure`: look again soon."""
        found = [gap for gap in balance(look.log, look.recorder, look.loader, look.passed_by).gaps if not gap.waiting]
        seen = {_key(gap) for gap in found}
        # Two questions are never put at one moment: what the second look does not see was no gap.
        self.gaps = [gap for gap in found if _key(gap) in self._suspects] + self._overdue(look)
        self.unsure = not seen <= self._suspects
        self._suspects = seen
        return {hop: self._missing(hop) for hop in HOPS}

    def _missing(self, hop: str) -> int:
        """The larger of what is said of a partition: several sums may speak of the same statements."""
        by_partition: dict[int, int] = {}
        for gap in self.gaps:
            if gap.hop == hop:
                by_partition[gap.partition] = max(by_partition.get(gap.partition, 0), gap.statements)
        return sum(by_partition.values())

    def _overdue(self, look: Look) -> list[Gap]:
        self._marks.append(
            _Mark(
                look.at,
                {partition: span.end for partition, span in look.log.items()},
                {partition: look.recorder.held("statements", partition) for partition in look.log},
            )
        )
        while len(self._marks) > 1 and self._marks[1].at <= look.at - self._overdue_seconds:
            self._marks.popleft()
        mark = self._marks[0]
        if mark.at > look.at - self._overdue_seconds:
            return []
        reached = look.recorder.ends()
        late = [
            Gap(RECORDER, partition, end, reached.get(partition, look.log[partition].begin), "overdue", waiting=True)
            for partition, end in mark.ends.items()
        ]
        if look.passed_by is not None:
            late += [
                Gap(PROCESSOR, partition, rows, look.passed_by.get(partition, 0), "overdue", waiting=True)
                for partition, rows in mark.rows.items()
            ]
        return [gap for gap in late if gap.expected > gap.found]


def _key(gap: Gap) -> tuple[str, int, str]:
    return gap.hop, gap.partition, gap.meaning
