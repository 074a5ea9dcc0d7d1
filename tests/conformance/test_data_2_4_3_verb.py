"""Data 2.4.3: verbs, and language maps (4.2) wherever they stand."""

from __future__ import annotations

import pytest

from tests.conformance.lrs import Lrs
from tests.conformance.statements import GONE, changed, complete, inside, statement

MAPS = [
    "verb.display",
    "object.definition.name",
    "object.definition.description",
    "object.definition.choices[0].description",
    "attachments[0].display",
    "attachments[0].description",
]
TAGS = [
    "en",
    "ja",
    "es-MX",
    "sr-Latn-RS",
    "cmn",
    "tlh",
    "zh-Hant-TW",
    "de-CH-1996",
    "es-419",
    "x-school",
    "en-US-x-kids",
]
NO_TAGS = ["", "a", "something", "a12345678", "zh-z-aaa-z-bbb-c-ccc", "en_US", "en-", "en--US", "日本語", "en US"]


@pytest.mark.parametrize("path", MAPS)
def test_language_tags_of_the_form_of_rfc_5646_are_taken(lrs: Lrs, path: str) -> None:
    lrs.store(*(changed(complete(), path, {tag: "text"}) for tag in TAGS))


@pytest.mark.parametrize("tag", NO_TAGS)
@pytest.mark.parametrize("path", MAPS)
def test_a_language_tag_of_another_form_is_refused(lrs: Lrs, path: str, tag: str) -> None:
    assert lrs.refused(changed(complete(), path, {"en": "text", tag: "text"})).startswith(f"$.{path}")


def test_context_language_is_a_language_tag(lrs: Lrs) -> None:
    ids = lrs.store(*(changed(complete(), "context.language", tag) for tag in TAGS))
    assert [lrs.find(one)["context"]["language"] for one in ids] == TAGS


@pytest.mark.parametrize("tag", NO_TAGS)
def test_context_language_of_another_form_is_refused(lrs: Lrs, tag: str) -> None:
    assert lrs.refused(changed(complete(), "context.language", tag)) == "$.context.language"
    assert lrs.refused(inside(changed(complete(), "context.language", tag))) == "$.object.context.language"


def test_an_empty_language_map_is_taken(lrs: Lrs) -> None:
    lrs.store(*(changed(complete(), path, {}) for path in MAPS))


def test_a_verb_needs_an_id_and_no_display(lrs: Lrs) -> None:
    verb = {"id": "http://adlnet.gov/expapi/verbs/answered"}
    assert lrs.stored(statement(verb=verb))["verb"] == verb
    assert lrs.refused(changed(complete(), "verb.id", GONE)) == "$.verb.id"
    assert lrs.refused(inside(changed(complete(), "verb.id", GONE))) == "$.object.verb.id"
