"""The pages: the same texts in both languages, and every stranger's text escaped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from lrs.api.frame import LANGUAGES
from lrs.api.letters import rendering
from lrs.api.letters.answers import content_of, detail_json, page_json
from lrs.api.letters.rendering import Pages, language_of, texts
from lrs.kernel.codec import codec
from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.store.dead_letter_queries import Letter, LetterCounts
from tests.support.log import received

EVIL = "<img src=x onerror=alert(1)>\u202e\x1b"
KEY = re.compile(r"say\.([a-z_]+)")


def letter(**changes: Any) -> Letter:  # noqa: ANN401 - any field
    made = Letter("received", 1, 2, b"\x01" * 16, "drill", 5, 6, "invalid", "$.actor", "a rule", 7, b"{}")
    return made._replace(**changes)


def shown(language: str, one: Letter, of_app: str = "") -> str:
    return Pages(operator="Osaka").one(language, one, content_of(one), of_app=of_app)[0]


def listed(language: str, one: Letter, of_app: str = "") -> str:
    counts = LetterCounts(1, [(one.reason, 1)], [(one.app, 1)], [(3600, 1)])
    given = {"app": one.app, "since": one.app}
    return Pages(operator="Osaka").list(language, [one], counts, given=given, after="1-1-1-received", of_app=of_app)[0]


def keys(tree: dict[str, Any], before: str = "") -> set[str]:
    return {
        key
        for name, value in tree.items()
        for key in (keys(value, f"{before}{name}.") if isinstance(value, dict) else {before + name})
    }


def test_both_languages_say_the_same_things() -> None:
    assert keys(texts("ja")) == keys(texts("en"))


def test_every_text_is_used_and_every_used_one_is_there() -> None:
    folder = Path(rendering.__file__).with_name("pages")
    used = {key for page in folder.glob("*.html") for key in KEY.findall(page.read_text("utf-8"))}
    assert used == set(texts("en"))


@pytest.mark.parametrize("reason", Refusal)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_is_explained(language: str, reason: Refusal) -> None:
    explained = texts(language)["reason"]
    assert set(explained) == set(Refusal)
    page = shown(language, letter(reason=reason.value))
    assert all(text.replace("'", "&#39;") in page for text in explained[reason].values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("of_app", ["", EVIL])
def test_what_strangers_wrote_is_escaped_everywhere(language: str, of_app: str) -> None:
    value = received(b"\x02" * 16, EVIL.encode(), xapi_version=EVIL)[1]
    one = letter(app=EVIL, path=EVIL, rule=EVIL, reason=EVIL, original=value)
    for page in (shown(language, one, of_app), listed(language, one, of_app)):
        assert "<img" not in page
        assert "&lt;img" in page


def test_a_page_hides_no_character_that_it_shows() -> None:
    page = shown("en", letter(path=EVIL, rule=EVIL, original=EVIL.encode()))
    assert "\\u202e\\u001b" in page
    assert not {"\u202e", "\x1b"} & set(page)


def test_a_vendors_page_neither_lists_apps_nor_offers_a_replay() -> None:
    assert "ayumi refused replay" in listed("en", letter())
    assert "ayumi refused replay" not in listed("en", letter(), "drill")
    assert "By app" not in listed("en", letter(), "drill")


@pytest.mark.parametrize(
    ("given", "accept", "language"),
    [
        ({"lang": "en"}, "ja", "en"),
        ({}, "en-GB,ja;q=0.5", "en"),
        ({}, "fr, en", "en"),
        ({}, "fr", "ja"),
        ({}, "", "ja"),
    ],
)
def test_the_language_is_the_one_asked_for_or_the_browsers(given: dict[str, str], accept: str, language: str) -> None:
    assert language_of(given, accept) == language


def test_a_language_that_is_not_there_is_refused() -> None:
    with pytest.raises(RefusedError):
        language_of({"lang": "fr"}, "")


def test_the_statement_of_an_envelope_is_shown_and_of_anything_else_all_of_it() -> None:
    value = received(b"\x02" * 16, b'{"a":1}')[1]
    assert detail_json(letter(original=value))["statement"] == '{\n  "a": 1\n}'
    assert detail_json(letter(original=b"no envelope"))["statement"] == "no envelope"
    assert content_of(letter(source="accepted", original=value)).statement == value
    assert codec("received").decode(content_of(letter(source="accepted", original=value)).statement)


def test_a_page_tells_where_the_next_begins() -> None:
    counts = LetterCounts(1, [], [], [(3600, 1)])
    page = page_json([letter()], counts, more=True)
    assert (page["after"], page["counts"]["hours"]) == ("6-1-2-received", {"1970-01-01T01:00:00.000Z": 1})
    assert page_json([letter()], counts, more=False)["after"] is None
