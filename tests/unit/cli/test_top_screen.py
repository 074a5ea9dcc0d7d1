"""Facts about `ayumi top` on a terminal."""

from __future__ import annotations

import io
import json

import orjson
import pytest
from rich.console import Console

from lrs.cli.top_screen import screen
from tests.support.operations import HOSTILE, Made


def drawn(made: Made, language: str = "en", width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(screen(json.loads(orjson.dumps(made.snapshot(60).to_json())), language))
    return console.export_text()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_first_line_says_whether_all_is_well(language: str) -> None:
    assert drawn(Made(), language).splitlines()[0].startswith("✓ ")
    assert drawn(Made(gap=True), language).splitlines()[0].startswith("✗ ")


def test_a_gap_is_named_with_hop_app_hour_partition_and_offsets() -> None:
    text = drawn(Made(gap=True), width=200)
    line = next(line for line in text.splitlines() if line.startswith("  loader: 1"))
    assert "app-001" in line
    assert "Partition 1" in line
    assert "3-3, 7-9" in line


def test_a_large_zone_takes_no_more_lines_than_a_small_one() -> None:
    large = drawn(Made(apps=100, partitions=64)).splitlines()
    assert len(large) < 50
    assert any("100 apps" in line for line in large)


def test_what_an_app_calls_itself_moves_no_cursor_and_is_no_markup() -> None:
    text = drawn(Made(apps=1, names=(HOSTILE,)), width=200)
    assert "[/bold]" in text
    assert "\x1b" not in text
