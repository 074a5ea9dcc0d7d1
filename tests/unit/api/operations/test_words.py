"""Facts about the page's texts: both languages say everything, and write values as a reader expects."""

from __future__ import annotations

import inspect
import re

import pytest

from lrs.api.board.messages import LANGUAGES, Language, catalogue
from lrs.api.operations import findings
from lrs.api.operations.observation import GROUPS
from lrs.api.operations.snapshot import Pace
from lrs.api.operations.words import words
from lrs.kernel.reasons import Refusal


def own(language: Language) -> set[str]:
    """The keys that are not the board's."""
    return words(language).texts.keys() - catalogue(language).texts.keys()


def test_both_languages_have_the_same_keys_and_blanks() -> None:
    assert own("ja") == own("en")
    for key in own("ja"):
        blanks = [set(re.findall(r"\{(\w+)\}", words(language).texts[key])) for language in LANGUAGES]
        assert blanks[0] == blanks[1], key


def test_no_text_of_the_board_is_hidden_by_one_of_the_page() -> None:
    for language in LANGUAGES:
        board = catalogue(language).texts
        assert {key: words(language).texts[key] for key in board} == board


def test_every_finding_says_what_it_is_and_what_to_do() -> None:
    kinds = set(re.findall(r"(?:_bad|_warn|make)\(\s*\"(\w+)\"", inspect.getsource(findings)))
    assert len(kinds) == 17
    told = {key.split(".")[1] for key in own("en") if re.fullmatch(r"finding\.\w+\.what", key)}
    assert kinds == told
    assert {key.split(".")[1] for key in own("en") if re.fullmatch(r"finding\.\w+\.do", key)} == kinds


def test_every_value_of_a_closed_set_has_a_name() -> None:
    keys = own("en")
    assert {f"pace.{pace}" for pace in Pace} <= keys
    assert {f"reason.{reason}" for reason in Refusal} <= keys
    assert {f"group.{group}" for group in GROUPS} <= keys
    assert {f"unit.{noun}" for noun in GROUPS.values()} <= keys


@pytest.mark.parametrize(
    ("seconds", "english", "japanese"),
    [
        (0.012, "12 ms", "12 ミリ秒"),
        (0.9496, "950 ms", "950 ミリ秒"),
        (3.21, "3.2 s", "3.2 秒"),
        (59.6, "60 s", "60 秒"),
        (150, "2 min", "2 分"),
        (3 * 3600, "3 h", "3 時間"),
        (7 * 86_400, "7 days", "7 日"),
    ],
)
def test_a_duration_is_written_in_the_largest_unit_of_which_there_are_two(
    seconds: float, english: str, japanese: str
) -> None:
    assert (words("en").duration(seconds), words("ja").duration(seconds)) == (english, japanese)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (274_000, "274 kB"), (71_143_628_800, "71.1 GB")],
)
def test_a_size_is_written_in_decimal_units(count: int, expected: str) -> None:
    assert words("en").size(count) == expected


@pytest.mark.parametrize(
    ("rate", "expected"), [(0, "0"), (0.04, "0.0"), (1.25, "1.2"), (9.96, "10"), (1234.5, "1,234")]
)
def test_a_rate_has_a_fraction_only_where_it_is_small(rate: float, expected: str) -> None:
    assert words("en").rate(rate) == expected
