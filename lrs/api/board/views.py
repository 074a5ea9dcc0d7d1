"""What the templates show: rows turned into words and charts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from lrs.api.board.charts.days import SIZES, DayValue, Size, daily_bars
from lrs.api.board.charts.rates import RateCell, RateLine, rate_field
from lrs.kernel.curriculum import Code, curriculum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrs.api.board.charts.svg import Svg
    from lrs.api.board.messages import Catalogue
    from lrs.api.board.parameters import Question
    from lrs.store.aggregate_rows import Activity, CodeRow, DayRow, Filters, Fresh, Success, Summary, SummaryRow

DAILY_MEASURES = ("learners", "answers")


@dataclass(frozen=True, slots=True)
class Drawing:
    """One chart in every size."""

    measure: str
    sizes: dict[str, Markup]


@dataclass(frozen=True, slots=True)
class Overview:
    """The overview page; no rows: nothing matches the filters."""

    filters: Filters
    fresh: Fresh
    summary: SummaryRow
    rows: list[DayRow]
    drawings: list[Drawing]


@dataclass(frozen=True, slots=True)
class CodeRows:
    """One curriculum code with its rows by grade."""

    entry: Code
    label: str
    language: str
    rows: list[CodeRow]


@dataclass(frozen=True, slots=True)
class CurriculumView:
    """The curriculum page: a place in the tree, its own rows, and the codes below it with and without answers."""

    filters: Filters
    fresh: Fresh
    path: list[CodeRows]
    here: CodeRows | None
    below: list[CodeRows]
    silent: list[CodeRows]
    drawing: Drawing | None


def overview_view(activity: Activity, summary: Summary, filters: Filters, say: Catalogue) -> Overview:
    """The overview of these answers."""
    drawings = [
        Drawing(measure, {size.name: _inline(activity_chart(activity.rows, measure, size, say)) for size in SIZES})
        for measure in DAILY_MEASURES
        if activity.rows
    ]
    return Overview(filters, summary.fresh, summary.row, activity.rows[::-1], drawings)


def activity_chart(rows: Sequence[DayRow], measure: str, size: Size, say: Catalogue) -> Svg:
    """Bars of one measure by day; at least one row."""
    values = [DayValue(row.day, row.learners if measure == "learners" else row.answers) for row in rows]
    return daily_bars(values, size, say, measure=measure, name=f"{measure}-{size.name}")


def curriculum_view(success: Success, question: Question, say: Catalogue) -> CurriculumView:
    """The curriculum page of this answer."""
    tree = curriculum()
    by_code: dict[str, list[CodeRow]] = {}
    for row in success.rows:
        by_code.setdefault(row.code, []).append(row)

    def place(entry: Code) -> CodeRows:
        language = say.language if _is_subject(entry) else "ja"
        return CodeRows(entry, label(entry, say), language, by_code.get(entry.code, []))

    children = [place(entry) for entry in tree.children(question.code)]
    path = [place(entry) for entry in tree.path(question.code or "")]
    lines = rate_lines(success, say)
    drawing = None
    if lines:
        sizes = {size.name: _inline(success_chart(lines, question, size, say)) for size in SIZES}
        drawing = Drawing("success_rate", sizes)
    return CurriculumView(
        filters=question.filters,
        fresh=success.fresh,
        path=path,
        here=path[-1] if path else None,
        below=[child for child in children if child.rows],
        silent=[child for child in children if not child.rows],
        drawing=drawing,
    )


def rate_lines(success: Success, say: Catalogue) -> list[RateLine]:
    """The codes below the one asked about, or that one itself where nothing is below it."""
    below = [row for row in success.rows if row.depth == 1] or success.rows
    cells: dict[str, dict[int, RateCell]] = {}
    for row in below:
        hidden = row.suppressed and row.success_rate is None
        cells.setdefault(row.code, {})[row.grade] = RateCell(row.success_rate, hidden)
    entries = [entry for entry in map(curriculum().get, cells) if entry is not None]
    return [RateLine(label(entry, say), cells[entry.code]) for entry in entries]


def success_chart(lines: Sequence[RateLine], question: Question, size: Size, say: Catalogue) -> Svg:
    """Rates by code and grade; at least one line."""
    entry = curriculum().get(question.code or "")
    title = say("chart.rates_of", code=label(entry, say)) if entry else say("chart.rates_of_all")
    return rate_field(lines, size, say, title=title, name=f"rates-{size.name}")


def label(entry: Code, say: Catalogue) -> str:
    """What a code is called in lists: a subject with its kind of school, else the table's own text."""
    if _is_subject(entry):
        return say("curriculum.subject", subject=say(f"subject.{entry.subject}"), stage=say(f"stage.{entry.stage}"))
    return " ".join(entry.text.split())


def _is_subject(entry: Code) -> bool:
    return entry.parent is None and bool(entry.subject)


def _inline(chart: Svg) -> Markup:
    # Every text in the drawing was escaped where it was written.
    return Markup(chart.inline())  # noqa: S704
