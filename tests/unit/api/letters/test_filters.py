"""Parameters of the dead letters: what makes sense is read, all else is refused by its name."""

from __future__ import annotations

import pytest

from lrs.api.letters.filters import (
    check_names,
    cursor_text,
    read_cursor,
    read_filter,
    read_place,
    read_since,
    read_wanted,
)
from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.store.dead_letter_queries import LetterCursor, LetterFilter, LetterPlace

NOW_MS = 1_780_000_000_000


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("90m", NOW_MS - 90 * 60_000),
        ("2h", NOW_MS - 7_200_000),
        ("3d", NOW_MS - 3 * 86_400_000),
        ("99999d", 0),
        ("2026-05-01T09:00:00+09:00", 1_777_593_600_000),
        ("2026-05-01T00:00:00Z", 1_777_593_600_000),
    ],
)
def test_a_time_is_so_long_ago_or_has_its_offset(text: str, at_ms: int) -> None:
    assert read_since(text, NOW_MS) == at_ms


@pytest.mark.parametrize(
    "text", ["2h ", "-2h", "2w", "h", "123456d", "２h", "2026-05-01", "2026-05-01T09:00", "0001-01-01T00:00:00Z",
        "9999-99-99", "tomorrow", "2099-01-01T00:00:00Z"]
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as error:
        read_since(text, NOW_MS)
    assert error.value.path == "since"


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({"reason": "ugly"}, "reason"),
        ({"app": "a" * 129}, "app"),
        ({"app": "a\n"}, "app"),
        ({"all": "yes"}, "all"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "１"}, "limit"),
        ({"limit": "9" * 30}, "limit"),
        ({"after": "1-2-3"}, "after"),
        ({"after": "1-70000-3-received"}, "after"),
        ({"after": "1-2-9999999999999999999-received"}, "after"),
        ({"after": "1-2-3-nowhere"}, "after"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_name(given: dict[str, str], parameter: str) -> None:
    with pytest.raises(RefusedError) as error:
        read_wanted(given, NOW_MS)
    assert error.value.path == parameter


def test_without_a_word_the_newest_open_letters_are_meant() -> None:
    assert read_wanted({}, NOW_MS) == (LetterFilter(), 50, None)
    assert read_filter({"all": "1", "app": "読み書き"}, NOW_MS) == LetterFilter(app="読み書き", open_only=False)


@pytest.mark.parametrize("reason", Refusal)
def test_every_reason_can_be_asked_for(reason: Refusal) -> None:
    assert read_filter({"reason": reason.value}, NOW_MS).reason == reason.value


def test_names_that_nobody_knows_or_that_come_twice_are_refused_and_empty_values_are_none() -> None:
    allowed = frozenset({"app", "reason"})
    assert check_names([("app", ""), ("reason", "invalid")], allowed) == {"reason": "invalid"}
    for given in ([("nonsense", "1")], [("app", "a"), ("app", "b")]):
        with pytest.raises(RefusedError):
            check_names(given, allowed)


def test_a_cursor_comes_back_as_it_was() -> None:
    cursor = LetterCursor(NOW_MS, 65_535, (1 << 63) - 1, "accepted")
    assert read_cursor(cursor_text(cursor)) == cursor


@pytest.mark.parametrize(
    "place", [("nowhere", "1", "2"), ("received", "65536", "2"), ("received", "-1", "2"),
        ("received", "1", "9" * 19), ("received", "1", "x"), ("received", "1", "٣")]
)  # fmt: skip
def test_a_place_that_cannot_be_is_none(place: tuple[str, str, str]) -> None:
    assert read_place(*place) is None
    assert read_place("received", "3", "4") == LetterPlace("received", 3, 4)
