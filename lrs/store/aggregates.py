"""The aggregates that the board shows, as SQL over the facts. No number about too few learners leaves this module.

Everything is counted per distinct pseudonym with `uniqExact`: an approximate count near the threshold would decide by
chance. Days are Asia/Tokyo days. SQL comes from the templates below only, values only as typed parameters.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.kernel import metrics
from lrs.kernel.curriculum import Curriculum, curriculum
from lrs.store.aggregate_rows import Activity, CodeRow, DayRow, Filters, Fresh, Success, Summary, SummaryRow
from lrs.store.suppression import Node, hidden_cells, too_few

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrs.store.engine import Engine

TIME_ZONE = "Asia/Tokyo"
DEFAULT_DAYS = 366

_DAY = "toDate(occurred_at, 'Asia/Tokyo')"

# The same 16 bytes as a number: counting distinct strings would hash each again, at twice the time.
_WHO = "reinterpretAsUInt128(pseudonym)"

_FRESH = "SELECT toUnixTimestamp64Milli(max(stored_at)), count() FROM activities"

# A wrong clock may date a statement years ahead; such days do not move the end of the default window.
_EXTENT = "SELECT min({day}), maxIf({day}, {day} <= {today:Date}), max({day}), count() FROM activities"

_APPS = "SELECT DISTINCT app FROM activities ORDER BY app LIMIT 200"

# `others` are the learners with something else than an answer: statements minus answers would tell about them.
_BY_DAY = """
SELECT {day} AS day, uniqExact({who}) AS learners, count() AS statements, countIf(role = 'answer') AS answers,
       uniqExactIf({who}, role = 'answer') AS answering, uniqExactIf({who}, role != 'answer') AS others
FROM activities WHERE {where} GROUP BY day ORDER BY day
"""

# Totals are over the days that are shown, and answers over the days whose answers are shown. So no total minus what is
# shown, for whatever two windows of days, gives a day that is not.
_SUMMARY = """
SELECT uniqExactMergeIf(learner_state, shown), sumIf(statements, shown), sumIf(answers, shown_answers),
       sumIf(correct, shown_answers), sumIf(scored, shown_answers), uniqExactIfMergeIf(scored_state, shown_answers),
       countIf(shown), countIf(NOT shown)
FROM (
    SELECT {day} AS day, uniqExactState({who}) AS learner_state, count() AS statements,
           countIf(role = 'answer') AS answers, countIf(role = 'answer' AND success) AS correct,
           countIf(role = 'answer' AND isNotNull(success)) AS scored,
           uniqExactIfState({who}, role = 'answer' AND isNotNull(success)) AS scored_state,
           uniqExact({who}) >= {least:UInt32} AS shown,
           uniqExactIf({who}, role = 'answer') AS answering, uniqExactIf({who}, role != 'answer') AS others,
           shown AND (answering = 0 OR answering >= {least:UInt32}) AND (others = 0 OR others >= {least:UInt32})
           AS shown_answers
    FROM activities WHERE {where} GROUP BY day
)
"""

_CODES = "SELECT DISTINCT curriculum_code FROM activities WHERE {where}"

# Each answer counts for all nodes that its code lies under: number 0 stands for codes that lie under none of them.
_BY_CODE = """
SELECT node, grade, uniqExact({who}), count(), countIf(success), countIf(isNotNull(success)),
       uniqExactIf({who}, isNotNull(success))
FROM activities
ARRAY JOIN arrayElement(
    {targets:Array(Array(UInt16))},
    1 + transform(curriculum_code, {codes:Array(String)}, {numbers:Array(UInt16)}, 0)
) AS node
WHERE {where} GROUP BY node, grade
"""


class Aggregates:
    """Answers the board's questions from the facts. Blocking; safe to call from many threads."""

    def __init__(self, engine: Engine, *, min_learners: int, tree: Curriculum | None = None) -> None:
        """`min_learners` is the least number of distinct learners that a shown number stands on."""
        self._engine = engine
        self.min_learners = min_learners
        self._tree = tree or curriculum()

    def fresh(self) -> Fresh:
        """How far the facts reach. Asked before the numbers, so that these are never older than it says."""
        ((stored_ms, rows),) = self._engine.query(_FRESH)
        return Fresh(datetime.fromtimestamp(stored_ms / 1000, UTC) if rows else None)

    def window(self, today: date) -> tuple[date, date] | None:
        """The days that a page shows unasked: up to `DEFAULT_DAYS` that end with the newest. None: no facts."""
        ((first, past, last, rows),) = self._engine.query(_sql(_EXTENT), {"today": today})
        if not rows:
            return None
        end: date = past if first <= past else last
        return max(first, end - timedelta(days=DEFAULT_DAYS - 1)), end

    def apps(self) -> list[str]:
        """The apps that facts came from."""
        return [str(app) for (app,) in self._engine.query(_APPS)]

    def activity(self, filters: Filters) -> Activity:
        """Statements, answers and active learners by day."""
        where, params = _where(filters)
        with _timed("activity"):
            fresh = self.fresh()
            found = self._engine.query(_sql(_BY_DAY, where), params)
        rows = [self._day(row) for row in found]
        _count_suppressed("activity", rows)
        return Activity(fresh, rows)

    def summary(self, filters: Filters) -> Summary:
        """Totals over the days that `activity` shows for the same filters."""
        where, params = _where(filters)
        with _timed("summary"):
            fresh = self.fresh()
            sql = _sql(_SUMMARY, where)
            ((learners, statements, answers, correct, scored, scorers, shown, hidden),) = self._engine.query(
                sql, {**params, "least": self.min_learners}
            )
        if hidden and not shown:
            return Summary(fresh, SummaryRow(True, None, None, None, None, 0, hidden))  # noqa: FBT003 - a row's value
        rate = None if too_few(scorers, self.min_learners) else _rate(correct, scored)
        return Summary(fresh, SummaryRow(False, learners, statements, answers, rate, shown, hidden))  # noqa: FBT003

    def success(self, filters: Filters, *, code: str | None = None, depth: int = 1) -> Success:
        """Answers and their success rate for a code (None: above all subjects) and the levels below it, by grade.

        Codes that no table lists are left out: they have no place in the tree.
        """
        # The grade filter only chooses which rows to show: what is hidden must not depend on what else was asked for.
        where, params = _where(Filters(filters.first, filters.last, filters.app, filters.subject), "role = 'answer'")
        with _timed("success"):
            fresh = self.fresh()
            used = [found for (found,) in self._engine.query(_sql(_CODES, where), params)]
            cells = self._cells(where, params, used, code, depth)
        hidden = hidden_cells({key: Node(cell.parent, cell.learners) for key, cell in cells.items()}, self.min_learners)
        rows = [self._row(key, cell, key in hidden, code) for key, cell in cells.items()]
        shown = [
            row
            for row in rows
            if row is not None and row.depth <= depth and (not filters.grades or row.grade in filters.grades)
        ]
        _count_suppressed("success", shown)
        return Success(fresh, sorted(shown, key=self._order))

    def _cells(
        self, where: str, params: dict[str, Any], used: Sequence[str], code: str | None, depth: int
    ) -> dict[tuple[str, int], _Cell]:
        above = {step.code for step in self._tree.path(code)} if code else set()
        targets = {leaf: self._targets(leaf, above, code, depth) for leaf in used if leaf in self._tree}
        if not targets:
            return {}
        nodes = sorted({node for path in targets.values() for node in path})
        number = {node: index for index, node in enumerate(nodes)}
        given = {
            **params,
            "codes": list(targets),
            "numbers": list(range(1, len(targets) + 1)),
            "targets": [[], *([number[node] for node in path] for path in targets.values())],
        }
        found = self._engine.query(_sql(_BY_CODE, where), given)
        cells: dict[tuple[str, int], _Cell] = {}
        for node, grade, *numbers in found:
            entry = self._tree.get(nodes[node])
            parent = (entry.parent, int(grade)) if entry is not None and entry.parent else None
            cells[nodes[node], int(grade)] = _Cell(parent, *numbers)
        return cells

    def _targets(self, leaf: str, above: set[str], code: str | None, depth: int) -> list[str]:
        """The nodes that an answer to `leaf` counts for: what is shown, and the siblings that suppression looks at."""
        path = [step.code for step in self._tree.path(leaf)]
        below = path.index(code) if code in path else (-1 if code is None else len(path))
        return [
            node
            for index, node in enumerate(path)
            if index == 0 or path[index - 1] in above or below < index <= below + depth
        ]

    def _day(self, found: tuple[Any, ...]) -> DayRow:
        day, learners, statements, answers, answering, others = found
        if too_few(learners, self.min_learners):
            return DayRow(day, True, None, None, None)  # noqa: FBT003 - a row's value
        if too_few(answering, self.min_learners) or too_few(others, self.min_learners):
            return DayRow(day, True, learners, statements, None)  # noqa: FBT003
        return DayRow(day, False, learners, statements, answers)  # noqa: FBT003

    def _row(self, key: tuple[str, int], cell: _Cell, hidden: bool, top: str | None) -> CodeRow | None:  # noqa: FBT001
        """The row of a cell at or below `top`; None for the relatives that only suppression needed."""
        path = [step.code for step in self._tree.path(key[0])]
        if top is not None and top not in path:
            return None
        depth = len(path) - (0 if top is None else path.index(top) + 1)
        entry = self._tree.path(key[0])[-1]
        place = (entry.code, entry.text, entry.parent or "", depth, key[1])
        if hidden:
            return CodeRow(*place, True, None, None, None)  # noqa: FBT003
        if too_few(cell.scorers, self.min_learners):
            return CodeRow(*place, True, cell.learners, cell.answers, None)  # noqa: FBT003
        return CodeRow(*place, False, cell.learners, cell.answers, _rate(cell.correct, cell.scored))  # noqa: FBT003

    def _order(self, row: CodeRow) -> tuple[list[str], int]:
        return [step.code for step in self._tree.path(row.code)], row.grade


class _Cell(NamedTuple):
    parent: tuple[str, int] | None
    learners: int
    answers: int
    correct: int
    scored: int
    scorers: int


def _sql(template: str, where: str = "1") -> str:
    """The template with its fixed expressions; values never come this way."""
    return template.replace("{day}", _DAY).replace("{who}", _WHO).replace("{where}", where)


def _where(filters: Filters, *fixed: str) -> tuple[str, dict[str, Any]]:
    """Conditions from a closed set, and their typed parameters."""
    terms: dict[str, tuple[str, Any]] = {
        "first": (_DAY + " >= {first:Date}", filters.first),
        "last": (_DAY + " <= {last:Date}", filters.last),
        "app": ("app = {app:String}", filters.app),
        "subject": ("subject = {subject:String}", filters.subject),
        "grades": ("grade IN {grades:Array(UInt8)}", list(filters.grades)),
    }
    given = {name: (sql, value) for name, (sql, value) in terms.items() if value}
    where = " AND ".join([*fixed, *(sql for sql, _ in given.values())]) or "1"
    return where, {name: value for name, (_, value) in given.items()}


def _rate(correct: int, scored: int) -> float | None:
    return round(correct / scored, 4) if scored else None


def _count_suppressed(aggregate: str, rows: Sequence[DayRow] | Sequence[CodeRow]) -> None:
    metrics.BOARD_SUPPRESSED.labels(aggregate).inc(sum(row.suppressed for row in rows))


@contextmanager
def _timed(aggregate: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    metrics.BOARD_QUERY_SECONDS.labels(aggregate).observe(time.perf_counter() - started)
