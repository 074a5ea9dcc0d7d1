"""Does the sum come out? What each hop counted, what the tables hold, and every place where the two differ.

received = archived + refused + duplicate; archived = published + withheld; published = loaded, of which retracted were
taken out again. Partition numbers are carried through, so each equation holds for each partition alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.kernel.reasons import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrs.store.engine import Engine
    from lrs.store.tallies import Tallies

RECORDER = "recorder"
LOADER = "loader"

_ROWS = {
    "statements": "statements",
    "activities": "activities WHERE (partition, offset) NOT IN (SELECT partition, offset FROM retracted)",
    "retracted": "retracted FINAL",
    "retractions": "retractions",
}
_COUNTED = "SELECT partition, count(), count() FROM {rows} GROUP BY partition ORDER BY partition"
# Counted by ranges of offsets, so that the exact sets stay small and may spill.
_CHECKED = """
SELECT partition, sum(rows), sum(places) FROM (
    SELECT partition, intDiv(offset, 1048576) AS range, count() AS rows, uniqExact(offset) AS places
    FROM {rows} GROUP BY partition, range
) GROUP BY partition ORDER BY partition
"""
_TABLES = {RECORDER: ("statements",), LOADER: ("activities", "retracted", "retractions")}


class Held(NamedTuple):
    """What a table holds of one partition: rows, and distinct (partition, offset). The two differ only by a defect."""

    rows: int
    places: int


class Gap(NamedTuple):
    """A sum that does not come out. `hop` is where to look, `partition` that of `received`."""

    hop: str
    partition: int
    expected: int
    found: int
    meaning: str


@dataclass(frozen=True, slots=True)
class HopCounts:
    """What one hop counted, and what its tables hold, by partition."""

    hop: str
    counts: Mapping[int, Mapping[tuple[str, str], int]]
    tables: Mapping[str, Mapping[int, Held]]

    def outcome(self, outcome: str, partition: int | None = None) -> int:
        """How many records ended so, in one partition or in all."""
        return sum(self.reasons(outcome, partition).values())

    def reasons(self, outcome: str, partition: int | None = None) -> dict[str, int]:
        """For each reason how many records ended with `outcome`."""
        sums: dict[str, int] = {}
        for number, counts in self.counts.items():
            for (found, reason), count in counts.items():
                if found == outcome and partition in (None, number):
                    sums[reason] = sums.get(reason, 0) + count
        return dict(sorted(sums.items()))

    def counted(self, partition: int) -> int:
        """How many records of a partition the hop counted."""
        return sum(self.counts.get(partition, {}).values())

    def held(self, table: str, partition: int | None = None) -> int:
        """How many rows a table holds, in one partition or in all."""
        return sum(held.rows for number, held in self.tables.get(table, {}).items() if partition in (None, number))

    def to_json(self) -> dict[str, Any]:
        """Plain lists and names, for a process that has no access to this store."""
        return {
            "hop": self.hop,
            "counts": [[p, *key, count] for p, counts in self.counts.items() for key, count in counts.items()],
            "tables": {table: [[p, *held] for p, held in parts.items()] for table, parts in self.tables.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> HopCounts:
        """The reverse of `to_json`."""
        counts: dict[int, dict[tuple[str, str], int]] = {}
        for partition, outcome, reason, count in data["counts"]:
            counts.setdefault(partition, {})[outcome, reason] = count
        tables = {
            name: {part: Held(rows, places) for part, rows, places in rows_} for name, rows_ in data["tables"].items()
        }
        return cls(data["hop"], counts, tables)


@dataclass(frozen=True, slots=True)
class Balance:
    """Where all that came in is now. Balanced when there is no gap."""

    received: int
    archived: int
    refused: Mapping[str, int]
    duplicate: int
    published: int
    withheld: Mapping[str, int]
    loaded: int
    retracted: int
    gaps: list[Gap] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Whether every sum comes out."""
        return not self.gaps


def hop_counts(engine: Engine, tallies: Tallies, hop: str, *, thorough: bool = True) -> HopCounts:
    """What `hop` (`RECORDER` or `LOADER`) counted and its tables hold.

    `thorough` also counts distinct coordinates: the check that nothing was written twice, about 0.2 s per million rows.
    """
    counts = tallies.by_partition(hop)
    sql = _CHECKED if thorough else _COUNTED
    tables: dict[str, dict[int, Held]] = {}
    for table in _TABLES[hop]:
        found = engine.query(sql.replace("{rows}", _ROWS[table]).strip(), maintenance=True)
        tables[table] = {int(partition): Held(int(rows), int(places)) for partition, rows, places in found}
    return HopCounts(hop, counts, tables)


def balance(log_ends: Mapping[int, int], recorder: HopCounts, loader: HopCounts) -> Balance:
    """Compare the end offsets of `received` with what the recorder and the loader counted and hold."""
    gaps = [
        gap
        for partition in sorted({*log_ends, *recorder.counts, *loader.counts})
        for gap in (
            *_recorder_gaps(recorder, partition, log_ends.get(partition, 0)),
            *_loader_gaps(recorder, loader, partition),
        )
    ]
    return Balance(
        received=sum(log_ends.values()),
        archived=recorder.outcome(Outcome.ARCHIVED),
        refused=recorder.reasons(Outcome.REFUSED),
        duplicate=recorder.outcome(Outcome.DUPLICATE),
        published=loader.outcome(Outcome.PUBLISHED),
        withheld=loader.reasons(Outcome.WITHHELD),
        loaded=loader.held("activities") + loader.held("retracted"),
        retracted=loader.held("retracted"),
        gaps=[*gaps, *_doubles(recorder), *_doubles(loader)],
    )


def _recorder_gaps(recorder: HopCounts, partition: int, log_end: int) -> list[Gap]:
    archived = recorder.outcome(Outcome.ARCHIVED, partition)
    return _differences(
        RECORDER,
        partition,
        (log_end, recorder.counted(partition), "received, and archived + refused + duplicate"),
        (archived, recorder.held("statements", partition), "archived, and statements in the archive"),
    )


def _loader_gaps(recorder: HopCounts, loader: HopCounts, partition: int) -> list[Gap]:
    published = loader.outcome(Outcome.PUBLISHED, partition)
    loaded = loader.held("activities", partition) + loader.held("retracted", partition)
    return _differences(
        LOADER,
        partition,
        (
            recorder.outcome(Outcome.ARCHIVED, partition),
            loader.counted(partition),
            "archived, and published + withheld",
        ),
        (published, loaded, "published, and facts loaded (present + retracted)"),
    )


def _differences(hop: str, partition: int, *sums: tuple[int, int, str]) -> list[Gap]:
    return [Gap(hop, partition, expected, found, why) for expected, found, why in sums if expected != found]


def _doubles(hop: HopCounts) -> list[Gap]:
    return [
        Gap(hop.hop, partition, held.places, held.rows, f"distinct (partition, offset), and rows of {table}")
        for table, parts in hop.tables.items()
        for partition, held in parts.items()
        if held.rows != held.places
    ]
