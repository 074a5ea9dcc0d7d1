"""A count by day as bars. A day without a bar had nothing; a hatched stub is a day whose number is not shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from lrs.api.board.charts.svg import Svg, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrs.api.board.messages import Catalogue

_STUB = 10.0
_LETTER = 12.0


@dataclass(frozen=True, slots=True)
class Size:
    """One of the sizes a chart is drawn in; a page shows the one that fits, so that text keeps its size."""

    name: str
    width: float
    height: float


SIZES = (Size("narrow", 320, 190), Size("medium", 600, 220), Size("wide", 1040, 240))


@dataclass(frozen=True, slots=True)
class DayValue:
    """One day; `value` None: there is a number, and it is not shown."""

    day: date
    value: int | None


def daily_bars(values: Sequence[DayValue], size: Size, say: Catalogue, *, measure: str, name: str) -> Svg:
    """`measure` names texts and colour; `values` are in ascending order, at least one."""
    first, last = values[0].day, values[-1].day
    top, ticks = _scale(max((entry.value or 0 for entry in values), default=0))
    left = max(text_width(say.count(tick), _LETTER) for tick in ticks) + 8
    plot = _Plot(left, 22, size.width - 2, size.height - 24, first, (last - first).days + 1, top)
    title = say(f"measure.{measure}.by_day")
    chart = Svg(size.width, size.height, name=name, title=title, description=_described(values, say, measure))
    chart.text(say(f"measure.{measure}.unit"), 0, 12)
    for tick in ticks:
        chart.add("line", "c-grid" if tick else "c-axis", x1=plot.left, x2=plot.right, y1=plot.y(tick), y2=plot.y(tick))
        chart.text(say.count(tick), plot.left - 6, plot.y(tick) + 4, anchor="end")
    for entry in values:
        _draw_day(chart, plot, entry, f"c-{measure}")
    for day, words in _labels(plot, say):
        centre = min(max(plot.x(day) + plot.step / 2, plot.left), plot.right)
        anchor = "end" if centre + text_width(words, _LETTER) / 2 > plot.right else "middle"
        chart.add("line", "c-axis", x1=centre, x2=centre, y1=plot.bottom, y2=plot.bottom + 4)
        chart.text(words, plot.right if anchor == "end" else centre, plot.bottom + 18, anchor=anchor)
    return chart


@dataclass(frozen=True, slots=True)
class _Plot:
    left: float
    top: float
    right: float
    bottom: float
    first: date
    days: int
    most: int

    @property
    def step(self) -> float:
        return (self.right - self.left) / self.days

    def x(self, day: date) -> float:
        return self.left + (day - self.first).days * self.step

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * value / self.most


def _draw_day(chart: Svg, plot: _Plot, entry: DayValue, css: str) -> None:
    width = min(max(plot.step * 0.76, 1.0), 40.0)
    x = plot.x(entry.day) + (plot.step - width) / 2
    if entry.value is None:
        chart.hatched(x, plot.bottom - _STUB, width, _STUB)
    elif entry.value:
        y = plot.y(entry.value)
        chart.add("rect", css, x=x, y=y, width=width, height=plot.bottom - y, rx=min(2.0, width / 4))


def _scale(most: int) -> tuple[int, list[int]]:
    """The axis' end and its ticks: whole numbers, at most five."""
    if most <= 0:
        return 1, [0]
    rough = most / 4
    power = 10 ** math.floor(math.log10(rough)) if rough >= 1 else 1
    step = max(1, int(next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough) * power))
    end = math.ceil(most / step) * step
    return end, list(range(0, end + 1, step))


def _labels(plot: _Plot, say: Catalogue) -> list[tuple[date, str]]:
    """As many days, Mondays or months as fit without touching."""
    days = [plot.first + timedelta(days=index) for index in range(plot.days)]
    room = 10 * _LETTER / 2 + 12
    if plot.days > 70:
        marks = [day for day in days if day.day == 1] or days[:1]
        every = math.ceil(len(marks) * room * 1.15 / (plot.right - plot.left))
        kept = marks[:: max(1, every)]
        years = {min(day for day in kept if day.year == year) for year in {day.year for day in kept}}
        return [(day, say.month(day, with_year=day in years)) for day in kept]
    marks = days if plot.days <= 10 else [day for day in days if day.weekday() == 0] or days[:1]
    every = math.ceil(len(marks) * room / (plot.right - plot.left))
    return [(day, say.short_day(day)) for day in marks[:: max(1, every)]]


def _described(values: Sequence[DayValue], say: Catalogue, measure: str) -> str:
    shown = [entry for entry in values if entry.value is not None]
    hidden = say("chart.hidden_days", count=say.count(len(values) - len(shown))) if len(shown) < len(values) else ""
    if not shown:
        return hidden
    peak = max(shown, key=lambda entry: entry.value or 0)
    return say(
        "chart.days",
        first=say.day(values[0].day), last=say.day(values[-1].day), peak=say.count(peak.value or 0),
        unit=say(f"measure.{measure}.unit"), day=say.day(peak.day), hidden=hidden,
    )  # fmt: skip
