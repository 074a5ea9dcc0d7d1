"""Success rates by curriculum code (rows) and grade (columns): a field of cells, each with its number written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lrs.api.board.charts.svg import Svg, text_width, wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrs.api.board.charts.days import Size
    from lrs.api.board.messages import Catalogue

# Steps of the colour scale, each its upper end. Colour only repeats what the number says.
STEPS = (0.4, 0.55, 0.7, 0.85)

_CELL = 30.0
_GAP = 3.0
_LETTER = 12.0
_LINE = 17.0
_LINES = 2
_COLUMN = 110.0


@dataclass(frozen=True, slots=True)
class RateCell:
    """`hidden`: there is a rate, and it is not shown. `rate` None and not hidden: nothing was scored."""

    rate: float | None
    hidden: bool


@dataclass(frozen=True, slots=True)
class RateLine:
    """One curriculum code; `cells` by grade, a grade that is missing has no answers."""

    label: str
    cells: Mapping[int, RateCell]


def rate_field(lines: Sequence[RateLine], size: Size, say: Catalogue, *, title: str, name: str) -> Svg:
    """At least one line. Labels stand left of their cells where there is room, above them where there is not."""
    grades = sorted({grade for line in lines for grade in line.cells})
    above = size.width < 500
    label = 0.0 if above else _label_width(lines, size)
    column = min((size.width - label) / max(1, len(grades)), _COLUMN)
    texts = [wrapped(line.label, _LETTER, size.width if above else label - 16, _LINES) for line in lines]
    heights = [len(text) * _LINE + _CELL + 10 if above else max(_CELL + 6, len(text) * _LINE + 8) for text in texts]
    head = 22.0
    chart = Svg(size.width, head + sum(heights) + 2, name=name, title=title, description=_described(lines, say))
    for index, grade in enumerate(grades):
        chart.text(say.short_grade(grade), label + (index + 0.5) * column, 13, anchor="middle")
    y = head
    for line, text, height in zip(lines, texts, heights, strict=True):
        for number, row in enumerate(text):
            start = y + _LINE - 3 if above else y + (height - len(text) * _LINE) / 2 + _LINE - 4
            chart.text(row, 0, start + number * _LINE, css="c-text", size=_LETTER)
        top = y + len(text) * _LINE + 3 if above else y + (height - _CELL) / 2
        for index, grade in enumerate(grades):
            if cell := line.cells.get(grade):
                _draw_cell(chart, cell, _Box(label + index * column, top, column - _GAP), say)
        y += height
        chart.add("line", "c-grid", x1=0, x2=size.width, y1=y, y2=y)
    return chart


def step_of(rate: float) -> int:
    """The step of the colour scale, 0 to 4, of a rate as it is written: in whole per cent."""
    return sum(round(rate, 2) >= end for end in STEPS)


def _label_width(lines: Sequence[RateLine], size: Size) -> float:
    """As wide as the longest label, within bounds that leave room for all grades and wrap what is longer."""
    longest = max(text_width(line.label, _LETTER) for line in lines) + 20
    return min(max(longest, size.width * 0.2), size.width * (0.48 if size.width < 900 else 0.56))


class _Box(NamedTuple):
    x: float
    y: float
    width: float


def _draw_cell(chart: Svg, cell: RateCell, box: _Box, say: Catalogue) -> None:
    x, y, width = box
    middle, base = x + width / 2, y + _CELL / 2 + 4.5
    if cell.hidden:
        chart.hatched(x, y, width, _CELL, radius=4)
    elif cell.rate is None:
        chart.add("rect", "c-none", x=x + 0.5, y=y + 0.5, width=width - 1, height=_CELL - 1, rx=4)
        chart.text("–", middle, base, anchor="middle")
    else:
        step = step_of(cell.rate)
        chart.add("rect", f"c-rate{step}", x=x, y=y, width=width, height=_CELL, rx=4)
        chart.text(say.percent(cell.rate), middle, base, css=f"c-on{step}", size=13, anchor="middle", bold=True)


def _described(lines: Sequence[RateLine], say: Catalogue) -> str:
    cells = [cell for line in lines for cell in line.cells.values()]
    rates = [cell.rate for cell in cells if cell.rate is not None and not cell.hidden]
    hidden = sum(cell.hidden for cell in cells)
    words = say("chart.rates", codes=say.count(len(lines)))
    if rates:
        words += " " + say("chart.rates_span", least=say.percent(min(rates)), most=say.percent(max(rates)))
    if hidden:
        words += " " + say("chart.hidden_cells", count=say.count(hidden))
    return words
