"""The balance hour by hour: for each partition, hour of `stored` and app what a hop counted and what its tables hold.

Asked for a stretch of hours at a time, so that neither side ever holds all of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.kernel.errors import RetryError
from lrs.kernel.reasons import Outcome
from lrs.store.accounting import FACTS, KEPT, PASSED, STATEMENTS, Gap
from lrs.store.holdings import LETTERS, LOADER, PROCESSOR, RECORDER, before
from lrs.store.tallies import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lrs.store.engine import Engine
    from lrs.store.tallies import Tallies

_HOUR = "intDiv(toUnixTimestamp64Milli(stored_at), 3600000) * 3600"
_WITHIN = (
    "stored_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC') "
    "AND stored_at < fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC')"
)
_ROWS = f"""
SELECT partition, {_HOUR} AS hour, app,
    countIf(offset < arrayElement({{ends:Array(UInt64)}}, partition + 1)),
    countIf(offset < arrayElement({{passed:Array(UInt64)}}, partition + 1))
FROM {{rows}} WHERE {_WITHIN} GROUP BY partition, hour, app
"""  # noqa: S608 - fixed names
_LEAVING = f"(partition, offset) NOT IN (SELECT partition, offset FROM retracted WHERE {_WITHIN})"  # noqa: S608
_TRIES = 20

Key = tuple[int, int, str]
"""Partition, hour in Unix seconds, app."""


class Hours(NamedTuple):
    """Hours of `stored` from `since` up to, not including, `until`; Unix seconds."""

    since: int
    until: int


class Rows(NamedTuple):
    """How many rows of one partition, hour and app a hop's tables hold.

    `rows` before the end of the hop's account, `passed` before the end of the next hop's.
    """

    partition: int
    hour: int
    app: str
    rows: int
    passed: int


@dataclass(frozen=True, slots=True)
class HourCounts:
    """What one hop counted and holds of some hours; `ends`: for each partition how far the account goes."""

    cells: list[Cell]
    rows: list[Rows]
    ends: dict[int, int]

    def to_json(self) -> dict[str, Any]:
        """Plain lists, for a process that has no access to this store."""
        cells, rows = [list(cell) for cell in self.cells], [list(row) for row in self.rows]
        return {"cells": cells, "rows": rows, "ends": list(self.ends.items())}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> HourCounts:
        """The reverse of `to_json`."""
        return cls([Cell(*cell) for cell in data["cells"]], [Rows(*row) for row in data["rows"]], dict(data["ends"]))


@dataclass(slots=True)
class HourBalance:
    """Where the statements of one app and hour are, over all partitions."""

    hour: int
    app: str
    archived: int = 0
    refused: int = 0
    duplicate: int = 0
    published: int = 0
    withheld: int = 0
    loaded: int = 0

    @property
    def received(self) -> int:
        """What the recorder settled."""
        return self.archived + self.refused + self.duplicate


@dataclass(slots=True)
class _Sums:
    outcomes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    first: int = 1 << 63
    last: int = -1
    rows: int = 0
    passed: int = 0

    @property
    def offsets(self) -> tuple[tuple[int, int], ...]:
        return ((self.first, self.last),) if self.first <= self.last else ()


def hour_counts(engine: Engine, tallies: Tallies, hop: str, hours: Hours, passed: Mapping[int, int]) -> HourCounts:
    """What `hop` counted and holds of some hours; `passed`: for each partition the end of the next hop's account.

    Of `LETTERS` what it counted alone: the letters themselves may be too old.

    Sums and the offsets that they go up to fit each other: they are read until nothing was counted in between.
    """
    cells, ends = _steady(tallies, hop, lambda: tallies.cells(hop, *hours))
    params = {
        "since_ms": hours.since * 1000,
        "until_ms": hours.until * 1000,
        "ends": before(ends),
        "passed": before(passed),
    }
    return HourCounts(cells, _rows(engine, hop, params), ends)


def partition_counts(tallies: Tallies, hop: str, *, partition: int, since: int) -> HourCounts:
    """What `hop` counted of one partition from the hour `since` on, without the rows."""
    cells, ends = _steady(tallies, hop, lambda: tallies.cells_of(hop, partition, since))
    return HourCounts(cells, [], ends)


def compare(recorder: HourCounts, loader: HourCounts, letters: HourCounts) -> tuple[list[Gap], list[HourBalance]]:
    """Every sum of a partition, hour and app that does not come out, and the sums of each hour and app.

    `recorder` must have been asked after the others, with the loader's ends as `passed`.
    """
    recorded, loaded, kept = _sums(recorder), _sums(loader), _sums(letters)
    empty = _Sums()
    gaps: list[Gap] = []
    balances: dict[tuple[int, str], HourBalance] = {}
    for key in sorted({*recorded, *loaded, *kept}, key=lambda key: (key[1], key[2], key[0])):
        ours, theirs = recorded.get(key, empty), loaded.get(key, empty)
        gaps += _gaps(key, ours, theirs)
        ends = recorder.ends.get(key[0], 0), letters.ends.get(key[0], 0)
        gaps += _letter_gaps(key, ours, kept.get(key, empty), *ends)
        _add(balances.setdefault(key[1:], HourBalance(*key[1:])), ours, theirs)
    return gaps, list(balances.values())


def _gaps(key: Key, ours: _Sums, theirs: _Sums) -> Iterator[Gap]:
    partition, hour, app = key
    archived, published = ours.outcomes[Outcome.ARCHIVED], theirs.outcomes[Outcome.PUBLISHED]
    accounted = published + theirs.outcomes[Outcome.WITHHELD]
    # What the archive has lost may or may not have been passed on.
    lost = max(0, archived - ours.rows)
    passed = min(max(accounted, ours.passed), ours.passed + lost)
    sums = (
        (RECORDER, archived, ours.rows, STATEMENTS, ours),
        (PROCESSOR, passed, accounted, PASSED, ours),
        (LOADER, published, theirs.rows, FACTS, theirs),
    )
    for hop, expected, found, meaning, where in sums:
        if expected != found:
            yield Gap(hop, partition, expected, found, meaning, app, hour, where.offsets)


def _letter_gaps(key: Key, ours: _Sums, kept: _Sums, counted: int, reached: int) -> Iterator[Gap]:
    """`counted` and `reached`: how far recorder and letters are."""
    partition, hour, app = key
    refused, found = ours.outcomes[Outcome.REFUSED], kept.outcomes[Outcome.REFUSED]
    # The recorder counts a moment after it has sent the letters.
    if found < refused or (found > refused and reached <= counted):
        waiting = found < refused and ours.last >= reached
        offsets = ours.offsets or kept.offsets
        yield Gap(LETTERS, partition, refused, found, KEPT, app, hour, offsets, waiting=waiting)


def _add(balance: HourBalance, ours: _Sums, theirs: _Sums) -> None:
    balance.archived += ours.outcomes[Outcome.ARCHIVED]
    balance.refused += ours.outcomes[Outcome.REFUSED]
    balance.duplicate += ours.outcomes[Outcome.DUPLICATE]
    balance.published += theirs.outcomes[Outcome.PUBLISHED]
    balance.withheld += theirs.outcomes[Outcome.WITHHELD]
    balance.loaded += theirs.rows


def _sums(counts: HourCounts) -> dict[Key, _Sums]:
    found: dict[Key, _Sums] = defaultdict(_Sums)
    for cell in counts.cells:
        sums = found[cell.partition, cell.hour, cell.app]
        sums.outcomes[cell.outcome] += cell.count
        sums.first = min(sums.first, cell.first_offset)
        sums.last = max(sums.last, cell.last_offset)
    for row in counts.rows:
        sums = found[row.partition, row.hour, row.app]
        sums.rows += row.rows
        sums.passed += row.passed
    return found


def _steady(tallies: Tallies, hop: str, read: Callable[[], list[Cell]]) -> tuple[list[Cell], dict[int, int]]:
    spans = tallies.account(hop).spans
    for _ in range(_TRIES):
        cells = read()
        again = tallies.account(hop).spans
        if again == spans:
            return cells, {partition: end for partition, (_, end) in spans.items()}
        spans = again
    raise RetryError("the accounting", f"the {hop} counts faster than it can be read")


def _rows(engine: Engine, hop: str, params: Mapping[str, object]) -> list[Rows]:
    def ask(rows: str, condition: str = "") -> list[Rows]:
        sql = _ROWS.replace("{rows}", rows).replace(" GROUP BY", f"{condition} GROUP BY")
        return [Rows(*row) for row in engine.query(sql.strip(), params, maintenance=True)]

    if hop == LETTERS:
        return []
    if hop == RECORDER:
        return ask("statements")
    taken = ask("retracted FINAL")
    for _ in range(_TRIES):
        present = ask("activities", f" AND {_LEAVING}")
        now = ask("retracted FINAL")
        if sorted(now) == sorted(taken):
            return [*present, *now]
        taken = now
    raise RetryError("the facts", "retractions are being applied")
