"""How many records of each hop ended where: the accounting that proves that nothing went missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lrs.kernel.errors import StopError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrs.store.engine import Engine

_COLUMNS = ("hop", "operator", "partition", "hour", "app", "outcome", "reason", "first_offset", "last_offset", "count")
_HIGH_WATER = """
SELECT max(last_offset), count() FROM tallies
WHERE hop = {hop:String} AND operator = {operator:String} AND partition = {partition:UInt16}
"""
_TOTALS = """
SELECT partition, outcome, reason, sum(count) FROM tallies
WHERE hop = {hop:String} AND operator = {operator:String} GROUP BY partition, outcome, reason
"""
_ACCOUNT = """
SELECT partition, outcome, reason, sum(count), min(first_offset), max(last_offset) FROM tallies
WHERE hop = {hop:String} AND operator = {operator:String} GROUP BY partition, outcome, reason
"""
_HOURS = """
SELECT toUnixTimestamp(hour), count() FROM (
    SELECT hour, partition, app FROM tallies
    WHERE hop = {hop:String} AND operator = {operator:String} AND toUnixTimestamp(hour) >= {since:UInt32}
    GROUP BY hour, partition, app
) GROUP BY hour ORDER BY hour
"""
_SUM = """
SELECT partition, toUnixTimestamp(hour), app, outcome, reason, sum(count), min(first_offset), max(last_offset)
FROM tallies
WHERE hop = {hop:String} AND operator = {operator:String} AND __ AND toUnixTimestamp(hour) >= {since:UInt32}
GROUP BY partition, hour, app, outcome, reason ORDER BY hour, app, partition, outcome, reason
"""
_CELLS = _SUM.replace("__", "toUnixTimestamp(hour) < {until:UInt32}")
_CELLS_OF = _SUM.replace("__", "partition = {partition:UInt16}")
_BY_HOUR = """
SELECT toUnixTimestamp(hour), app, outcome, reason, sum(count) FROM tallies
WHERE hop = {hop:String} AND operator = {operator:String}
GROUP BY hour, app, outcome, reason ORDER BY hour, app, outcome, reason
"""


class Tally(NamedTuple):
    """`count` records of one batch that ended alike. Offsets are those of the source record in `received`."""

    hop: str
    partition: int
    first_offset: int
    last_offset: int
    app: str
    hour: int
    """Unix seconds of the hour of `stored`."""
    outcome: str
    reason: str
    count: int  # type: ignore[assignment]  # the term; the tuple's method of that name is not used


class HourCount(NamedTuple):
    """What one app's statements of one hour became."""

    hour: int
    app: str
    outcome: str
    reason: str
    count: int  # type: ignore[assignment]  # the term; the tuple's method of that name is not used


class Account(NamedTuple):
    """What a hop has counted at one moment: for each partition its sums, and the offsets that it went through.

    `spans` holds the first of them and the one behind the last. One insert is one part, so the two always fit.
    """

    counts: dict[int, dict[tuple[str, str], int]]
    spans: dict[int, tuple[int, int]]


class Cell(NamedTuple):
    """`Tally`s of one partition, hour and app that ended alike, added up."""

    partition: int
    hour: int
    app: str
    outcome: str
    reason: str
    count: int  # type: ignore[assignment]  # the term; the tuple's method of that name is not used
    first_offset: int
    last_offset: int


class Tallies:
    """The table `tallies` of one database."""

    def __init__(self, engine: Engine, operator: str) -> None:
        """`operator` is written to and asked of every row."""
        self._engine = engine
        self._operator = operator
        self._high_waters: dict[tuple[str, int], int] = {}

    @property
    def operator(self) -> str:
        """Whose rows these are."""
        return self._operator

    def high_water(self, hop: str, partition: int) -> int:
        """The last source offset of the partition that the hop has counted, read now; -1 when none."""
        params = {"hop": hop, "operator": self._operator, "partition": partition}
        [(last, rows)] = self._engine.query(_HIGH_WATER, params)
        found = int(last) if rows else -1
        self._high_waters[hop, partition] = found
        return found

    def insert(self, rows: Sequence[Tally]) -> None:
        """Count one batch: one part, after the batch's data is in its table. Rows counted before are left out.

        A row's offsets span the records it counts, or the whole batch. Raises `StopError` for a row that reaches over
        the high-water: counting it would count some records twice. Raises `RetryError`; the same call is then safe.
        """
        fresh = [row for row in rows if self._is_fresh(row)]
        if not fresh:
            return
        touched = {(row.hop, row.partition) for row in fresh}
        known = {key: self._high_waters.pop(key) for key in touched}
        self._engine.insert("tallies", _COLUMNS, [self._values(row) for row in fresh])
        for key in touched:
            last = max(row.last_offset for row in fresh if (row.hop, row.partition) == key)
            self._high_waters[key] = max(known[key], last)

    def totals(self, hop: str) -> dict[tuple[str, str], int]:
        """For each outcome and reason how many."""
        sums: dict[tuple[str, str], int] = {}
        for counts in self.by_partition(hop).values():
            for key, count in counts.items():
                sums[key] = sums.get(key, 0) + count
        return sums

    def by_partition(self, hop: str) -> dict[int, dict[tuple[str, str], int]]:
        """For each partition, for each outcome and reason how many."""
        found: dict[int, dict[tuple[str, str], int]] = {}
        for partition, outcome, reason, count in self._engine.query(_TOTALS, self._who(hop)):
            found.setdefault(partition, {})[outcome, reason] = count
        return found

    def account(self, hop: str) -> Account:
        """What the hop has counted, and how far."""
        counts: dict[int, dict[tuple[str, str], int]] = {}
        spans: dict[int, tuple[int, int]] = {}
        for partition, outcome, reason, count, first, last in self._engine.query(_ACCOUNT, self._who(hop)):
            counts.setdefault(partition, {})[outcome, reason] = count
            known = spans.get(partition, (first, last + 1))
            spans[partition] = min(known[0], first), max(known[1], last + 1)
        return Account(counts, spans)

    def hours(self, hop: str, since: int) -> list[tuple[int, int]]:
        """Each hour of `stored` from `since` on (Unix seconds) that has tallies, and how many cells it has."""
        return [
            (int(hour), int(cells)) for hour, cells in self._engine.query(_HOURS, {**self._who(hop), "since": since})
        ]

    def cells(self, hop: str, since: int, until: int) -> list[Cell]:
        """The sums of the hours from `since` up to `until`."""
        params = {**self._who(hop), "since": since, "until": until}
        return [Cell(*row) for row in self._engine.query(_CELLS, params)]

    def cells_of(self, hop: str, partition: int, since: int) -> list[Cell]:
        """The sums of one partition's hours from `since` on."""
        params = {**self._who(hop), "since": since, "partition": partition}
        return [Cell(*row) for row in self._engine.query(_CELLS_OF, params)]

    def by_hour(self, hop: str) -> list[HourCount]:
        """For each hour of `stored`, app, outcome and reason how many, oldest first."""
        return [HourCount(*row) for row in self._engine.query(_BY_HOUR, self._who(hop))]

    def _who(self, hop: str) -> dict[str, str]:
        return {"hop": hop, "operator": self._operator}

    def _is_fresh(self, row: Tally) -> bool:
        known = self._high_waters.get((row.hop, row.partition))
        high = self.high_water(row.hop, row.partition) if known is None else known
        if row.first_offset <= high < row.last_offset:
            msg = f"{row.hop} would count offsets {row.first_offset} to {high} of partition {row.partition} twice"
            raise StopError(
                msg,
                remedy="Restart the part: it then resumes after what is counted.",
            )
        return row.last_offset > high

    def _values(self, row: Tally) -> tuple[object, ...]:
        return (
            row.hop,
            self._operator,
            row.partition,
            row.hour,
            row.app,
            row.outcome,
            row.reason,
            *row[2:4],
            row.count,
        )
