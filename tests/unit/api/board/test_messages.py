"""Both languages say the same things, and every text that is asked for is there."""

from __future__ import annotations

import re
import string
from datetime import date
from pathlib import Path

import pytest

from lrs.api import board
from lrs.api.board.measures import BY_AGGREGATE, PARTS
from lrs.api.board.messages import LANGUAGES, catalogue, choose_language
from lrs.kernel.curriculum import Stage, curriculum

HOUSE = Path(board.__file__).parent


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_catalogues_have_the_same_keys_and_fill_in_the_same_values() -> None:
    ja, en = catalogue("ja").texts, catalogue("en").texts
    assert ja.keys() == en.keys()
    for key in ja:
        # A language may leave out a value that it does not need, as Japanese grades do; it may not ask for another.
        assert fields(ja[key]) == fields(en[key]), key
        assert ja[key].strip(), key
        assert en[key].strip(), key


def test_every_text_that_is_asked_for_by_name_is_there() -> None:
    sources = [path.read_text("utf-8") for path in [*HOUSE.rglob("*.py"), *HOUSE.rglob("*.html")]]
    asked = {key for source in sources for key in re.findall(r"""\bsay\(\s*["']([a-z0-9_.]+)["']\s*[,)]""", source)}
    assert len(asked) > 60
    assert asked <= catalogue("en").texts.keys()
    rules = {rule for source in sources for rule in re.findall(r'ParameterError\([^,]+, "([a-z]+)"', source)}
    assert {f"rule.{rule}" for rule in rules} == {key for key in catalogue("en").texts if key.startswith("rule.")}


def test_every_measure_declares_what_it_means_and_which_question_it_answers() -> None:
    for measure in {measure for measures in BY_AGGREGATE.values() for measure in measures}:
        for language in LANGUAGES:
            texts = measure.texts(catalogue(language))
            assert set(texts) == set(PARTS)
            assert texts["question"].endswith("?" if language == "en" else "。")


def test_every_subject_and_stage_of_the_tables_has_a_name() -> None:
    for language in LANGUAGES:
        say = catalogue(language)
        for subject in {code.subject for code in curriculum().codes()}:
            assert say(f"subject.{subject}")
        for stage in Stage:
            assert say(f"stage.{stage}")
        assert len({say.grade(grade) for grade in range(14)}) == 13
        assert len({say.short_grade(grade) for grade in range(14)}) == 13


@pytest.mark.parametrize(
    ("asked", "accepted", "expected"),
    [
        ("", "", "ja"),
        ("en", "ja", "en"),
        ("xx", "en", "en"),
        ("", "EN-us", "en"),
        ("", "de, en;q=0.1", "en"),
        ("", "en;q=x, ja;q=0.2", "ja"),
        ("", ";;,,q", "ja"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_best_accepted(asked: str, accepted: str, expected: str) -> None:
    assert choose_language(asked, accepted) == expected


def test_days_and_numbers_are_written_as_the_language_does() -> None:
    day = date(2026, 4, 1)
    assert [catalogue(language).day(day) for language in LANGUAGES] == ["2026年4月1日", "1 April 2026"]
    assert [catalogue(language).short_day(day) for language in LANGUAGES] == ["4月1日", "1 Apr"]
    assert catalogue("ja").count(12345) == "12,345"
    assert catalogue("en").percent(0.666) == "67%"
