"""Communication 2.1.3: the formats exact, ids and canonical."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.lrs import Lrs
from tests.conformance.statements import complete, inside, iri, learner, new_id, statement


def test_ids_leaves_of_every_part_no_more_than_names_it(lrs: Lrs) -> None:
    sent = complete()
    for whole, part in ((sent, None), ({**inside(complete()), "id": new_id()}, "object")):
        lrs.store(whole)
        found = lrs.find(whole["id"], format="ids")
        found, origin = (found[part], whole[part]) if part else (found, whole)
        assert {key: value for key, value in found["actor"].items() if key != "objectType"} == {
            "account": origin["actor"]["account"]
        }
        assert found["verb"] == {"id": origin["verb"]["id"]}
        assert {key: value for key, value in found["object"].items() if key != "objectType"} == {
            "id": origin["object"]["id"]
        }
        assert found["result"] == origin["result"]


@pytest.mark.parametrize("kind", ["Agent", "Group"])
def test_ids_of_an_identified_party_is_its_identifier(lrs: Lrs, kind: str) -> None:
    members = {"member": [learner()]} if kind == "Group" else {}
    party = {"objectType": kind, "name": "A", "mbox": "mailto:a@example.jp", **members}
    [statement_id] = lrs.store(statement(actor=party, object=party))
    found = lrs.find(statement_id, format="ids")
    for part in ("actor", "object"):
        assert found[part] == {"objectType": kind, "mbox": "mailto:a@example.jp"}


def test_ids_of_an_anonymous_group_are_those_of_its_members(lrs: Lrs) -> None:
    member = learner()
    [statement_id] = lrs.store(
        statement(actor={"objectType": "Group", "name": "3-2", "member": [{**member, "name": "A"}]})
    )
    found = lrs.find(statement_id, format="ids")["actor"]
    assert found["objectType"] == "Group"
    assert [one["account"] for one in found["member"]] == [member["account"]]
    assert "name" not in found["member"][0]


LANGUAGES = {"en-US": "one half", "ja": "半分", "de": "die Hälfte"}


def spoken(lrs: Lrs, statement_id: str, accept: str, form: str = "canonical") -> dict[str, Any]:
    parameters = {"statementId": statement_id, "format": form}
    answer = lrs.ask("GET", "statements", params=parameters, headers={"Accept-Language": accept})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("accept", "tag"),
    [
        ("ja", "ja"),
        ("en-US", "en-US"),
        ("en", "en-US"),
        ("de, ja;q=0.5", "de"),
        ("de;q=0.4, ja;q=0.5", "ja"),
        ("fr, de;q=0.1", "de"),
        ("JA-jp", "ja"),
        ("de;q=0, ja;q=0.1", "ja"),
    ],
)
def test_canonical_leaves_of_each_language_map_the_one_that_is_wanted_most(lrs: Lrs, accept: str, tag: str) -> None:
    definition = {"name": LANGUAGES, "description": LANGUAGES, "type": "urn:example:t"}
    activity = {"id": iri(), "definition": definition}
    sent = statement(
        verb={"id": "http://adlnet.gov/expapi/verbs/answered", "display": LANGUAGES},
        object=activity,
        context={"contextActivities": {"parent": [{"id": iri(), "definition": definition}]}},
    )
    one = {tag: LANGUAGES[tag]}
    for whole, part in ((sent, None), (inside(sent), "object")):
        found = spoken(lrs, lrs.store(whole)[0], accept)
        found = found[part] if part else found
        assert found["verb"]["display"] == one
        for place in (found["object"], found["context"]["contextActivities"]["parent"][0]):
            assert place["definition"]["name"] == place["definition"]["description"] == one
            assert place["definition"]["type"] == "urn:example:t"


@pytest.mark.parametrize("accept", ["fr", "", "*", "xx;q=0.5", "no such thing"])
def test_canonical_always_leaves_one_language(lrs: Lrs, accept: str) -> None:
    sent = statement(verb={"id": "http://adlnet.gov/expapi/verbs/answered", "display": LANGUAGES})
    [statement_id] = lrs.store(sent)
    assert len(spoken(lrs, statement_id, accept)["verb"]["display"]) == 1


def test_canonical_keeps_the_names_of_agents_and_the_rest_of_definitions(lrs: Lrs) -> None:
    sent = complete()
    lrs.store(sent)
    found = spoken(lrs, sent["id"], "en")
    assert found["actor"] == sent["actor"]
    for name in ("type", "moreInfo", "interactionType", "correctResponsesPattern", "extensions"):
        assert found["object"]["definition"][name] == sent["object"]["definition"][name]
    assert [one["id"] for one in found["object"]["definition"]["choices"]] == ["a", "b"]


@pytest.mark.parametrize("form", ["exact", "ids"])
def test_accept_language_changes_nothing_in_the_other_formats(lrs: Lrs, form: str) -> None:
    sent = complete()
    lrs.store(sent)
    assert spoken(lrs, sent["id"], "ja", form) == lrs.find(sent["id"], format=form)
    if form == "exact":
        assert spoken(lrs, sent["id"], "ja", form)["verb"] == sent["verb"]


def test_more_keeps_the_format(lrs: Lrs) -> None:
    actor = {**learner(), "name": "A"}
    lrs.store(statement(actor=actor), statement(actor=actor))
    answer = lrs.ask("GET", "statements", params={"agent": json.dumps(actor), "format": "ids", "limit": "1"})
    answer = lrs.http.get(answer.json()["more"], headers={"X-Experience-API-Version": lrs.version})
    [found] = answer.json()["statements"]
    assert "name" not in found["actor"]
