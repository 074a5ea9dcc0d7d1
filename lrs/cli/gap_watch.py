"""What an accountant remembers between two looks: a gap counts when it stays, what is on its way when it is overdue.

Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from lrs.kernel.reasons import Outcome
from lrs.store.accounting import Balance, Gap, HopCounts, LogSpan, balance
from lrs.store.holdings import HOPS, LETTERS, PROCESSOR, RECORDER

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING: Mapping[int, tuple[int, int]] = MappingProxyType({})


class Look(NamedTuple):
    """What was read at one moment (`at` in seconds), in this order from the end.

    `old_letters`: for each partition what was refused up to the `old` mark, and how much of that was kept by now.
    """

    at: float
    log: Mapping[int, LogSpan]
    recorder: HopCounts
    loader: HopCounts
    passed_by: Mapping[int, int] | None
    kept: Mapping[int, int] | None = None
    old_letters: Mapping[int, tuple[int, int]] = _NOTHING

    def balance(self) -> Balance:
        """Where all that came in is."""
        return balance(self.log, self.recorder, self.loader, self.passed_by, self.kept)


class Mark(NamedTuple):
    """What there was at a moment: ends of the log, rows of the archive, how far the recorder was, what it refused."""

    at: float
    ends: dict[int, int]
    rows: dict[int, int]
    counted: dict[int, int]
    refused: dict[int, int]


class GapWatch:
    """For each hop how many statements are missing, or on their way for longer than `overdue_seconds`."""

    def __init__(self, overdue_seconds: float) -> None:
        self._overdue_seconds = overdue_seconds
        self._marks: deque[Mark] = deque()
        self._suspects: set[tuple[str, int, str]] = set()
        self.gaps: list[Gap] = []
        self.unsure = False

    def take(self, look: Look) -> dict[str, int]:
        """Statements missing by hop. `gaps` has the sums that do not come out; `unsure`: look again soon."""
        found = [gap for gap in look.balance().gaps if not gap.waiting]
        seen = {_key(gap) for gap in found}
        # Two questions are never put at one moment: what the second look does not see was no gap.
        self.gaps = [gap for gap in found if _key(gap) in self._suspects] + self._overdue(look)
        self.unsure = not seen <= self._suspects
        self._suspects = seen
        return {hop: self._missing(hop) for hop in HOPS}

    def old(self, at: float) -> Mark | None:
        """The newest mark of which everything should have come through at `at`."""
        return next((mark for mark in reversed(self._marks) if mark.at <= at - self._overdue_seconds), None)

    def _missing(self, hop: str) -> int:
        """The larger of what is said of a partition: several sums may speak of the same statements."""
        by_partition: dict[int, int] = {}
        for gap in self.gaps:
            if gap.hop == hop:
                by_partition[gap.partition] = max(by_partition.get(gap.partition, 0), gap.statements)
        return sum(by_partition.values())

    def _overdue(self, look: Look) -> list[Gap]:
        self._marks.append(
            Mark(
                look.at,
                {partition: span.end for partition, span in look.log.items()},
                {partition: look.recorder.held("statements", partition) for partition in look.log},
                look.recorder.ends(),
                {partition: look.recorder.outcome(Outcome.REFUSED, partition) for partition in look.recorder.counts},
            )
        )
        while len(self._marks) > 1 and self._marks[1].at <= look.at - self._overdue_seconds:
            self._marks.popleft()
        late = [
            Gap(LETTERS, partition, refused, kept, "overdue", waiting=True)
            for partition, (refused, kept) in look.old_letters.items()
        ]
        mark = self.old(look.at)
        if mark is None:
            return []
        reached = look.recorder.ends()
        late += [
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
