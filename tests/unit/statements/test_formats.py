"""Languages, definitions and formats, without a store."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lrs.kernel.statements.definitions import merged
from lrs.kernel.statements.formats import activities_of, as_canonical, as_ids
from lrs.kernel.statements.preferences import Languages

_MAP = {"ja": "あ", "en-US": "a", "en-GB": "b", "fr": "c", "zh-Hant-TW": "d"}


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("", "ja"),
        ("fr", "fr"),
        ("FR", "fr"),
        ("en-GB", "en-GB"),
        ("en", "en-US"),
        ("en-gb, en;q=0.9", "en-GB"),
        ("fr;q=0.1, en-GB;q=0.2", "en-GB"),
        ("*, fr;q=0", "ja"),
        ("fr;q=0, ja;q=0, *;q=0.5", "en-US"),
        ("de, *;q=0.1", "ja"),
        ("de", "ja"),
        ("fr-CA", "fr"),
        ("fr-CA, en;q=0.5", "fr"),
        ("zh-Hant", "zh-Hant-TW"),
        ("en;q=0.5, ja;q=0.5", "en-US"),
        ("nonsense;;q, ,fr ; q = 0.4", "fr"),
        ("fr;q=1.5", "ja"),
        ("é", "ja"),
        ("," * 5000 + "fr", "ja"),
    ],
)
def test_one_language_is_chosen_as_the_header_asks(header: str, tag: str) -> None:
    assert Languages(header).best(_MAP) == {tag: _MAP[tag]}


def test_a_map_of_one_or_none_is_left_as_it_is() -> None:
    assert Languages("fr;q=0").best({"fr": "x"}) == {"fr": "x"}
    assert Languages("fr").best({}) == {}


def test_definitions_add_up_and_the_newer_counts() -> None:
    older = {
        "name": {"ja": "古い", "en": "old"},
        "type": "https://e.jp/a",
        "extensions": {"https://e.jp/x": 1, "https://e.jp/y": {"a": 1}},
        "choices": [{"id": "1", "description": {"en": "one"}}, {"id": "3"}],
    }
    newer = {
        "name": {"ja": "新しい"},
        "description": {"en": "d"},
        "type": "https://e.jp/b",
        "extensions": {"https://e.jp/y": {"b": 2}},
        "choices": [{"id": "1", "description": {"ja": "いち"}}, {"id": "2"}],
    }
    assert merged(json.dumps(one).encode() for one in (older, newer)) == {
        "name": {"ja": "新しい", "en": "old"},
        "description": {"en": "d"},
        "type": "https://e.jp/b",
        "extensions": {"https://e.jp/x": 1, "https://e.jp/y": {"b": 2}},
        "choices": [{"id": "1", "description": {"en": "one", "ja": "いち"}}, {"id": "2"}],
    }


def _statement(**changes: Any) -> bytes:  # noqa: ANN401 - any property
    made = {"actor": {"mbox": "mailto:a@e.jp", "name": "n"}, "verb": {"id": "https://e.jp/v"}, **changes}
    return json.dumps(made).encode()


def test_numbers_keep_their_digits_in_every_format() -> None:
    raw = (
        _statement(object={"id": "https://e.jp/1"})[:-1] + b',"result":{"score":{"raw":1.10,"max":123456789012345678}}}'
    )
    for found in (as_ids(raw), as_canonical(raw, {}, Languages(""))):
        assert b'"score":{"raw":1.10,"max":123456789012345678}' in found


def test_ids_keeps_the_type_of_an_agent_that_is_an_object() -> None:
    agent = {"objectType": "Agent", "name": "n", "mbox": "mailto:b@e.jp"}
    assert json.loads(as_ids(_statement(object=agent)))["object"] == {"objectType": "Agent", "mbox": "mailto:b@e.jp"}
    reference = {"objectType": "StatementRef", "id": "6690e6c9-3ef0-4ed3-8b37-7f3964730bee"}
    assert json.loads(as_ids(_statement(object=reference)))["object"] == reference


def test_canonical_prefers_the_stores_definition_and_keeps_what_only_the_statement_has() -> None:
    own = {"name": {"ja": "自分", "en": "own"}}
    stored = {
        "https://e.jp/1": {
            "name": {"ja": "店", "en": "store"},
            "type": "https://e.jp/t",
            "scale": [{"id": "1", "description": {"ja": "い", "en": "i"}}, {"id": "2"}],
        }
    }
    context = {"contextActivities": {"other": [{"id": "https://e.jp/1"}, {"id": "https://e.jp/2", "definition": own}]}}
    sub = {
        "objectType": "SubStatement",
        **json.loads(_statement(object={"id": "https://e.jp/1", "definition": own}, context=context)),
    }
    raw = _statement(object=sub)
    assert list(activities_of(raw)) == ["https://e.jp/1", "https://e.jp/1", "https://e.jp/2"]
    found = json.loads(as_canonical(raw, stored, Languages("en")))["object"]
    defined = {
        "name": {"en": "store"},
        "type": "https://e.jp/t",
        "scale": [{"id": "1", "description": {"en": "i"}}, {"id": "2"}],
    }
    assert found["object"] == {"id": "https://e.jp/1", "definition": defined}
    assert found["context"]["contextActivities"]["other"] == [
        {"id": "https://e.jp/1", "definition": defined},
        {"id": "https://e.jp/2", "definition": {"name": {"en": "own"}}},
    ]
    assert found["actor"]["name"] == "n"
