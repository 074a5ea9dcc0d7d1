"""Counts what became of records until it is written: each source offset once, whatever was replayed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lrs.store.tallies import Tallies, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

_HOUR_MS = 3_600_000
POSITION = "position"


def position_of(hop: str) -> str:
    """The hop under which the table has where `hop` is on its own topic: rows that count nothing."""
    return f"{hop}.{POSITION}"


class Count(NamedTuple):
    """How one record ended. `reason` is empty where the outcome says it all."""

    offset: int
    app: str
    stored_at_ms: int
    outcome: str
    reason: str


@dataclass(slots=True)
class _Open:
    """Of one partition: the last offset counted, and the counts that are not written yet, from offset `first` on.

    `reached` is where the hop is on its own topic, and `noted` how much of that is written.
    """

    counted: int
    noted: int
    reached: int
    first: int = -1
    counts: Counter[tuple[str, int, str, str]] = field(default_factory=Counter)


class OpenTallies:
    """The tallies of one hop between a batch and its accounting. For one thread at a time."""

    def __init__(self, tallies: Tallies, hop: str) -> None:
        self._tallies = tallies
        self._hop = hop
        self._position = position_of(hop)
        self._open: dict[int, _Open] = {}

    def take_over(self, partition: int) -> int:
        """Read back the last source offset that is counted; -1 when none. Raises `RetryError`."""
        counted = self._tallies.high_water(self._hop, partition)
        noted = self._tallies.high_water(self._position, partition)
        self._open[partition] = _Open(counted, noted, noted)
        return counted

    def position(self, partition: int) -> int | None:
        """The offset of the hop's own topic before which all is in the store, as of `take_over`; None if never noted.

        A store that was restored is older than the group's committed offset, and only it can tell so.
        """
        noted = self._open[partition].noted
        return None if noted < 0 else noted

    def reach(self, partition: int, next_offset: int) -> None:
        """Everything before `next_offset` of the hop's own topic is in the store; noted together with the counts."""
        of = self._open[partition]
        of.reached = max(of.reached, next_offset)

    def add(self, partition: int, counts: Iterable[Count]) -> Counter[tuple[str, str]]:
        """Count records; those at or before what is counted are passed over, also when a batch repeats itself.

        Returns how many of each (outcome, reason) were new.
        """
        of = self._open[partition]
        fresh: list[tuple[str, int, str, str]] = []
        for offset, app, stored_at_ms, outcome, reason in counts:
            if offset <= of.counted:
                continue
            if not of.counts and not fresh:
                of.first = offset
            of.counted = offset
            fresh.append((app, stored_at_ms // _HOUR_MS, outcome, reason))
        found = Counter(fresh)
        of.counts.update(found)
        endings: Counter[tuple[str, str]] = Counter()
        for (_, _, outcome, reason), count in found.items():
            endings[outcome, reason] += count
        return endings

    def write(self) -> None:
        """Write what is open. Raises `RetryError`: call it again before anything is added."""
        rows = [
            Tally(self._hop, partition, of.first, of.counted, app, hour * 3600, outcome, reason, count)
            for partition, of in self._open.items()
            for (app, hour, outcome, reason), count in of.counts.items()
        ]
        rows += [
            Tally(self._position, partition, of.reached, of.reached, "", 0, POSITION, "", 0)
            for partition, of in self._open.items()
            if of.reached > of.noted
        ]
        self._tallies.insert(rows)
        for of in self._open.values():
            of.counts.clear()
            of.noted = of.reached

    def let_go(self, partition: int) -> None:
        """Forget a partition with everything that is not written."""
        self._open.pop(partition, None)
