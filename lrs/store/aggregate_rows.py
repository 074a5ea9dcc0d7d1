"""What an aggregate is asked with and answers with. A number that is None while `suppressed` is not to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Filters:
    """What to count: days inclusive, empty means all."""

    first: date | None = None
    last: date | None = None
    app: str = ""
    subject: str = ""
    grades: tuple[int, ...] = ()


class DayRow(NamedTuple):
    """One day. A number that is None while `suppressed` stands on too few learners."""

    day: date
    suppressed: bool
    learners: int | None
    statements: int | None
    answers: int | None


class CodeRow(NamedTuple):
    """One code in one grade; `depth` is 0 for the code asked about. `success_rate` None: nothing scored, or hidden."""

    code: str
    text: str
    parent: str
    depth: int
    grade: int
    suppressed: bool
    learners: int | None
    answers: int | None
    success_rate: float | None


class SummaryRow(NamedTuple):
    """Totals over the days that are shown."""

    suppressed: bool
    learners: int | None
    statements: int | None
    answers: int | None
    success_rate: float | None
    days: int
    suppressed_days: int


class Fresh(NamedTuple):
    """`through` is the newest stored time in the facts; everything older was counted. None: there are no facts."""

    through: datetime | None


class Activity(NamedTuple):
    """Days in ascending order; a day without facts has no row."""

    fresh: Fresh
    rows: list[DayRow]


class Success(NamedTuple):
    """Rows in the order of the curriculum tables, then grade."""

    fresh: Fresh
    rows: list[CodeRow]


class Summary(NamedTuple):
    """One row of totals."""

    fresh: Fresh
    row: SummaryRow
