"""Communication 2.4, 2.5, 2.8: agents, activities, about."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.conformance.lrs import Lrs, refusal
from tests.conformance.statements import iri, learner, new_id, statement

PERSON = {"objectType", "name", "mbox", "mbox_sha1sum", "openid", "account"}


def person(lrs: Lrs, agent: dict[str, Any]) -> dict[str, Any]:
    answer = lrs.ask("GET", "agents", params={"agent": json.dumps(agent)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def activity(lrs: Lrs, activity_id: str) -> dict[str, Any]:
    answer = lrs.ask("GET", "activities", params={"activityId": activity_id})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


# --- 2.4: agents ---


@pytest.mark.parametrize(
    "identifier",
    [
        {"mbox": f"mailto:{new_id()}@example.jp"},
        {"mbox_sha1sum": new_id().replace("-", "") + "0" * 8},
        {"openid": iri("people")},
        {"account": {"homePage": "https://board.example.jp", "name": new_id()}},
    ],
    ids=lambda one: next(iter(one)),
)
def test_an_agent_that_nobody_knows_is_a_person_with_what_was_asked_for(lrs: Lrs, identifier: dict[str, Any]) -> None:
    found = person(lrs, {"objectType": "Agent", **identifier})
    [(name, value)] = identifier.items()
    assert (found["objectType"], found[name]) == ("Person", [value])
    assert set(found) <= PERSON


def test_the_names_under_which_an_agent_was_sent_are_listed_at_once(lrs: Lrs) -> None:
    agent = learner()
    lrs.store(statement(actor={**agent, "name": "山田"}))
    lrs.store(statement(actor={**agent, "name": "Yamada"}))
    assert sorted(person(lrs, agent)["name"]) == ["Yamada", "山田"]


@pytest.mark.parametrize(
    "agent",
    [
        None,
        "",
        "a",
        "{",
        "[]",
        "{}",
        '{"mbox":"should.fail.com"}',
        '{"name":"A"}',
        '{"objectType":"Activity","id":"a:b"}',
    ],
)
def test_an_agent_that_is_missing_or_none_is_refused(lrs: Lrs, agent: str | None) -> None:
    answer = lrs.ask("GET", "agents", params={} if agent is None else {"agent": agent})
    assert refusal(answer)["path"].startswith("agent")


# --- 2.5: activities ---


def test_an_activity_is_returned_as_it_was_sent_at_once(lrs: Lrs) -> None:
    definition = {
        "name": {"en": "Fractions", "ja": "分数"},
        "description": {"en": "Choose one"},
        "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
        "moreInfo": "https://drill.example.jp/about",
        "interactionType": "choice",
        "correctResponsesPattern": ["a"],
        "choices": [{"id": "a", "description": {"en": "one half"}}],
        "extensions": {"https://drill.example.jp/ext/level": {"a": None}},
    }
    activity_id = iri()
    target = {"objectType": "Activity", "id": activity_id, "definition": definition}
    lrs.store(statement(object=target))
    assert activity(lrs, activity_id) == target


def test_definitions_of_one_activity_are_put_together(lrs: Lrs) -> None:
    activity_id = iri()
    for definition in ({"name": {"en": "Fractions"}}, {"name": {"ja": "分数"}, "type": "urn:example:t"}):
        lrs.store(statement(object={"id": activity_id, "definition": definition}))
    found = activity(lrs, activity_id)["definition"]
    assert (found["name"], found["type"]) == ({"en": "Fractions", "ja": "分数"}, "urn:example:t")


def test_an_activity_that_nobody_knows_is_its_id(lrs: Lrs) -> None:
    activity_id = iri()
    assert activity(lrs, activity_id) == {"objectType": "Activity", "id": activity_id}


def test_ids_of_activities_are_compared_as_they_are_written(lrs: Lrs) -> None:
    activity_id = iri("Path")
    lrs.store(statement(object={"id": activity_id, "definition": {"type": "urn:example:t"}}))
    assert "definition" not in activity(lrs, activity_id.replace("/Path/", "/path/"))
    assert "definition" not in activity(lrs, activity_id.replace("/Path/", "/x/../Path/"))


@pytest.mark.parametrize("parameters", [{}, {"activityId": ""}, {"activityId": "items/1"}, {"activityid": "a:b"}])
def test_an_activityid_that_is_missing_or_no_iri_is_refused(lrs: Lrs, parameters: dict[str, str]) -> None:
    assert refusal(lrs.ask("GET", "activities", params=parameters))["path"].lower() == "activityid"


# --- 2.8: about ---


def test_about_lists_the_versions_to_everybody_whatever_they_speak(stranger: httpx.Client) -> None:
    for headers in (
        {},
        {"X-Experience-API-Version": "0.8"},
        {"X-Experience-API-Version": "2.0.0"},
        {"Authorization": "Basic YTpi"},
    ):
        answer = stranger.get("/xAPI/about", headers=headers)
        assert answer.status_code == 200
        assert {"1.0.3", "2.0.0"} <= set(answer.json()["version"])
        assert set(answer.json()) <= {"version", "extensions"}
