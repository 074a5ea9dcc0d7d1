"""What a drawing shows, and what it keeps to itself."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.api.board.charts.days import SIZES, DayValue, Size, daily_bars
from lrs.api.board.charts.rates import RateCell, RateLine, rate_field, step_of
from lrs.api.board.charts.svg import Svg, text_width, wrapped
from lrs.api.board.messages import catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

SVG = "{http://www.w3.org/2000/svg}"
START = date(2026, 4, 1)


def drawn(chart: Svg) -> ET.Element:
    return ET.fromstring(chart.inline())  # noqa: S314 - our own drawing


def shapes(chart: Svg, css: str) -> list[ET.Element]:
    return [element for element in drawn(chart).iter() if element.get("class") == css]


def texts(chart: Svg) -> list[str]:
    return ["".join(element.itertext()) for element in drawn(chart).iter(f"{SVG}text")]


def bars(numbers: Sequence[int | None], size: Size = SIZES[0], language: str = "en") -> Svg:
    values = [DayValue(START + timedelta(days=index), number) for index, number in enumerate(numbers)]
    say = catalogue("ja" if language == "ja" else "en")
    return daily_bars(values, size, say, measure="answers", name="test")


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**7)), min_size=1, max_size=400), st.sampled_from(SIZES))
def test_every_day_is_inside_and_as_high_as_its_number(numbers: list[int | None], size: Size) -> None:
    chart = bars(numbers, size)
    found = shapes(chart, "c-answers")
    seen = [number for number in numbers if number]
    assert len(found) == len(seen)
    heights = [float(bar.get("height", 0)) for bar in found]
    for bar, height in zip(found, heights, strict=True):
        x, y, width = (float(bar.get(name, 0)) for name in ("x", "y", "width"))
        assert -0.1 <= x <= x + width <= size.width + 0.1
        assert 0 <= y <= y + height <= size.height
    highest = max(seen, default=0)
    for number, height in zip(seen, heights, strict=True):
        assert height == pytest.approx(max(heights) * number / highest, abs=0.2)
    assert len(shapes(chart, "c-hatch-paper")) == sum(number is None for number in numbers)


@pytest.mark.parametrize("days", [1, 5, 9, 30, 69, 71, 200, 366, 1100])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_labels_of_days_do_not_touch_at_any_width(days: int, language: str) -> None:
    for size in SIZES:
        chart = bars([1] * days, size, language)
        below = [text for text in drawn(chart).iter(f"{SVG}text") if float(text.get("y", 0)) > size.height - 10]
        assert below
        edges = []
        for text in below:
            width, x = text_width("".join(text.itertext()), 12), float(text.get("x", 0))
            edges.append((x - width, x) if text.get("text-anchor") == "end" else (x - width / 2, x + width / 2))
        assert all(end < start for (_, end), (start, _) in pairwise(edges)), edges
        assert edges[-1][1] <= size.width


def test_a_screen_reader_hears_what_the_bars_say_and_what_is_not_shown() -> None:
    title, description = (drawn(bars([3, None, 40])).findtext(f"{SVG}{name}") for name in ("title", "desc"))
    assert title == "Answers by day"
    assert description == "From 1 April 2026 to 3 April 2026. Highest: 40 answers on 3 April 2026. Days not shown: 1."
    assert drawn(bars([None])).findtext(f"{SVG}desc") == "Days not shown: 1."


def test_cells_write_their_rate_and_hidden_ones_write_nothing() -> None:
    cells = {3: RateCell(0.39, hidden=False), 4: RateCell(None, hidden=True), 5: RateCell(None, hidden=False)}
    lines = [RateLine("分数の計算", cells), RateLine("<b>&", {3: RateCell(0.85, hidden=False)})]
    for size in SIZES:
        chart = rate_field(lines, size, catalogue("ja"), title="正答率", name="test")
        assert texts(chart) == ["小3", "小4", "小5", "分数の計算", "39%", "–", "<b>&", "85%"]
        assert len(shapes(chart, "c-hatch-paper")) == 1
        assert [len(shapes(chart, f"c-rate{step}")) for step in range(5)] == [1, 0, 0, 0, 1]


def test_colour_follows_the_number_as_it_is_written() -> None:
    assert [step_of(rate) for rate in (0, 0.39, 0.4, 0.549, 0.6951, 0.7, 0.844, 0.85, 1)] == [0, 0, 1, 2, 3, 3, 3, 4, 4]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "M", "Z"]) | st.just(" "), max_size=120))
def test_wrapped_text_fits_and_loses_nothing_unless_it_says_so(words: str) -> None:
    rows = wrapped(words, 12, 200, 99)
    assert "".join(rows).replace(" ", "") == words.replace(" ", "")
    short = wrapped(words, 12, 200, 2)
    assert len(short) <= 2
    assert short == rows or short[-1].endswith("…")


def test_japanese_breaks_between_characters_and_english_between_words() -> None:
    assert wrapped("分数の乗法及び除法", 10, 50, 3) == ["分数の乗法", "及び除法"]
    assert wrapped("number and calculation", 10, 70, 3) == ["number and", "calculation"]


def test_a_file_of_its_own_carries_its_title_and_what_the_page_said() -> None:
    alone = bars([1, 2]).alone(["運営主体：みどり市", "学習者が10人未満の数値は表示しません。"])
    written = ["".join(text.itertext()) for text in ET.fromstring(alone).iter(f"{SVG}text")]  # noqa: S314
    assert {"Answers by day", "運営主体：みどり市", "学習者が10人未満の数値は表示しません。"} <= set(written)
    assert "<style>" in alone
