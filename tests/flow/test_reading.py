"""GET of statements and activities over HTTP: references, related filters, formats, pages."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.support.http_zone import VERSIONS, VOIDED, new_id, statement

STATEMENTS = "/xAPI/statements"
V2 = {"X-Experience-API-Version": "2.0.0"}


def _learner() -> dict[str, Any]:
    return {"objectType": "Agent", "account": {"homePage": "https://board.example.jp", "name": new_id()}}


def _activity() -> str:
    return f"https://drill.example.jp/items/{new_id()}"


async def _send(app: httpx.AsyncClient, version: str = "1.0.3", **changes: Any) -> str:  # noqa: ANN401 - any property
    headers = {"X-Experience-API-Version": version}
    answer = await app.post(STATEMENTS, json=statement(**changes), headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()[0])


async def _refer(app: httpx.AsyncClient, target: str, **changes: Any) -> str:  # noqa: ANN401 - any property
    return await _send(app, object={"objectType": "StatementRef", "id": target}, **changes)


async def _ids(app: httpx.AsyncClient, **params: str) -> list[str]:
    answer = await app.get(STATEMENTS, params=params)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["statements"]]


# --- references ---


async def test_a_filter_finds_what_refers_to_a_match_even_to_a_voided_one(app: httpx.AsyncClient) -> None:
    learner, activity, verb, registration = _learner(), _activity(), f"https://drill.example.jp/v/{new_id()}", new_id()
    target = await _send(
        app, actor=learner, object={"id": activity}, verb={"id": verb}, context={"registration": registration}
    )
    voiding = await _refer(app, target, verb={"id": VOIDED})
    reference = await _refer(app, target)
    further = await _refer(app, reference)
    for params in (
        {"agent": json.dumps(learner)},
        {"activity": activity},
        {"verb": verb},
        {"registration": registration},
        {"agent": json.dumps(learner), "activity": activity, "verb": verb},
    ):
        assert await _ids(app, **params) == [further, reference, voiding], params
        assert await _ids(app, **params, ascending="true", limit="2") == [voiding, reference]


async def test_time_counts_for_the_referring_statement_alone(app: httpx.AsyncClient) -> None:
    verb = f"https://drill.example.jp/v/{new_id()}"
    target = await _send(app, verb={"id": verb})
    stored = (await app.get(STATEMENTS, params={"statementId": target})).json()["stored"]
    reference = await _refer(app, target)
    assert await _ids(app, verb=verb, since=stored) == [reference]
    assert await _ids(app, verb=verb, until=stored) == [target]


async def test_a_reference_may_come_before_what_it_refers_to(app: httpx.AsyncClient) -> None:
    verb, target = f"https://drill.example.jp/v/{new_id()}", new_id()
    reference = await _refer(app, target)
    await _send(app, verb={"id": verb}, id=target)
    assert await _ids(app, verb=verb) == [target, reference]


async def test_a_void_may_come_before_its_target_and_cannot_be_voided(app: httpx.AsyncClient) -> None:
    target = new_id()
    voiding = await _refer(app, target, verb={"id": VOIDED})
    await _refer(app, voiding, verb={"id": VOIDED})
    await _send(app, id=target)
    assert (await app.get(STATEMENTS, params={"statementId": target})).status_code == 404
    assert (await app.get(STATEMENTS, params={"voidedStatementId": target})).status_code == 200
    assert (await app.get(STATEMENTS, params={"statementId": voiding})).status_code == 200


# --- related ---


@pytest.mark.parametrize("nested", [False, True])
async def test_related_agents_are_found_wherever_they_stand(app: httpx.AsyncClient, *, nested: bool) -> None:
    names = ["instructor", "team", "member", "object", "contextAgent", "contextGroup"]
    agents = {name: _learner() for name in names}
    team = {**agents["team"], "objectType": "Group", "member": [agents["member"]]}
    context = {
        "instructor": agents["instructor"],
        "team": team,
        "contextAgents": [{"objectType": "contextAgent", "agent": agents["contextAgent"]}],
        "contextGroups": [{"objectType": "contextGroup", "group": {**agents["contextGroup"], "objectType": "Group"}}],
    }
    inner = {"object": agents["object"], "context": context}
    if nested:
        inner = {"object": {**statement(**inner), "objectType": "SubStatement"}}
    sent = await _send(app, "2.0.0", **inner)
    for name, agent in agents.items():
        plain = [sent] if name == "object" and not nested else []
        assert await _ids(app, agent=json.dumps(agent)) == plain, name
        assert await _ids(app, agent=json.dumps(agent), related_agents="true") == [sent], name


async def test_members_of_an_actor_and_of_an_object_count_as_the_group_itself(app: httpx.AsyncClient) -> None:
    one, other = _learner(), _learner()
    acted = await _send(app, actor={"objectType": "Group", "member": [one]})
    done_to = await _send(app, object={"objectType": "Group", "member": [other]})
    assert await _ids(app, agent=json.dumps(one)) == [acted]
    assert await _ids(app, agent=json.dumps(other)) == [done_to]


async def test_the_authority_is_a_related_agent(app: httpx.AsyncClient) -> None:
    registration = new_id()
    sent = await _send(app, context={"registration": registration})
    authority = (await app.get(STATEMENTS, params={"statementId": sent})).json()["authority"]
    params = {"agent": json.dumps(authority), "registration": registration}
    assert await _ids(app, **params) == []
    assert await _ids(app, **params, related_agents="true") == [sent]


@pytest.mark.parametrize("kind", ["parent", "grouping", "category", "other"])
@pytest.mark.parametrize("nested", [False, True])
async def test_related_activities_are_found_wherever_they_stand(
    app: httpx.AsyncClient, kind: str, *, nested: bool
) -> None:
    activity, own = _activity(), _activity()
    inner: dict[str, Any] = {"object": {"id": own}, "context": {"contextActivities": {kind: {"id": activity}}}}
    if nested:
        inner = {"object": {**statement(**inner), "objectType": "SubStatement"}}
    sent = await _send(app, **inner)
    assert await _ids(app, activity=activity) == []
    assert await _ids(app, activity=activity, related_activities="true") == [sent]
    assert await _ids(app, activity=own) == ([] if nested else [sent])
    assert await _ids(app, activity=own, related_activities="true") == [sent]


# --- formats ---


async def test_ids_reduces_everything_to_what_identifies_it(app: httpx.AsyncClient) -> None:
    learner, activity = _learner(), _activity()
    named = {**learner, "name": "花子"}
    defined = {"id": activity, "objectType": "Activity", "definition": {"name": {"ja": "割り算"}}}
    inner = {
        "actor": {"objectType": "Group", "name": "1組", "member": [named]},
        "object": defined,
        "context": {"instructor": named, "contextActivities": {"parent": [defined]}},
    }
    sub = {**statement(**inner), "objectType": "SubStatement"}
    sent = await _send(app, actor=named, object=sub, context=inner["context"])
    reduced = {
        "actor": {"objectType": "Group", "member": [learner]},
        "verb": {"id": statement()["verb"]["id"]},
        "object": {"id": activity},
        "context": {"instructor": learner, "contextActivities": {"parent": [{"id": activity}]}},
    }
    for params in ({"statementId": sent}, {"agent": json.dumps(learner)}):
        found = (await app.get(STATEMENTS, params={**params, "format": "ids"})).json()
        found = found if "id" in found else found["statements"][0]
        assert found["actor"] == learner
        assert found["verb"] == reduced["verb"]
        assert found["context"] == reduced["context"]
        assert {name: value for name, value in found["object"].items() if name != "objectType"} == reduced


async def test_canonical_has_the_stores_definition_in_the_language_that_suits(app: httpx.AsyncClient) -> None:
    activity = _activity()
    await _send(
        app, object={"id": activity, "definition": {"name": {"ja": "割り算"}, "description": {"fr": "Division"}}}
    )
    sent = await _send(
        app,
        object={"id": activity, "definition": {"name": {"en-GB": "Division", "fr": "Division"}}},
        verb={**statement()["verb"], "display": {"ja": "解答した", "en-US": "answered"}},
    )
    for header, name, display in (
        ("ja", {"ja": "割り算"}, {"ja": "解答した"}),
        ("fr;q=0.3, en;q=0.7", {"en-GB": "Division"}, {"en-US": "answered"}),
    ):
        params = {"statementId": sent, "format": "canonical"}
        found = (await app.get(STATEMENTS, params=params, headers={"Accept-Language": header})).json()
        assert found["object"]["definition"] == {"name": name, "description": {"fr": "Division"}}
        assert found["verb"]["display"] == display
        exact = (await app.get(STATEMENTS, params={"statementId": sent}, headers={"Accept-Language": header})).json()
        assert set(exact["object"]["definition"]["name"]) == {"en-GB", "fr"}


# --- activities ---


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_definition_is_there_at_once_and_merged(app: httpx.AsyncClient, version: str) -> None:
    headers = {"X-Experience-API-Version": version}
    activity, other = _activity(), _activity()
    params = {"activityId": activity}
    unknown = await app.get("/xAPI/activities", params=params, headers=headers)
    assert (unknown.status_code, unknown.json()) == (200, {"objectType": "Activity", "id": activity})
    first = {"name": {"ja": "割り算"}, "type": "https://example.jp/question", "extensions": {"https://e.jp/a": 1}}
    await _send(app, version, object={"id": activity, "definition": first})
    found = await app.get("/xAPI/activities", params=params, headers=headers)
    assert found.json() == {"objectType": "Activity", "id": activity, "definition": first}
    second = {"name": {"en": "Division"}, "type": "https://example.jp/drill"}
    context = {"contextActivities": {"grouping": {"id": activity, "definition": second}}}
    await _send(app, version, object={"id": other}, context=context)
    merged = (await app.get("/xAPI/activities", params=params, headers=headers)).json()["definition"]
    assert merged == {**first, "name": {"ja": "割り算", "en": "Division"}, "type": "https://example.jp/drill"}


@pytest.mark.parametrize("params", [{}, {"activityId": ""}, {"activityId": "1"}, {"activityid": "https://e.jp/1"}])
async def test_activities_are_asked_for_by_an_iri(app: httpx.AsyncClient, params: dict[str, str]) -> None:
    answer = await app.get("/xAPI/activities", params=params)
    assert answer.status_code == 400
    assert answer.json()["path"] in {"activityId", "activityid"}


# --- pages ---


async def test_more_keeps_format_and_filter_while_statements_arrive(app: httpx.AsyncClient) -> None:
    learner = {**_learner(), "name": "花子"}
    context = {"instructor": learner}
    sent = [await _send(app, context=context) for _ in range(5)]
    params = {"agent": json.dumps(learner), "related_agents": "true", "format": "ids", "limit": "2"}
    page = (await app.get(STATEMENTS, params=params)).json()
    found: list[dict[str, Any]] = page["statements"]
    while page["more"]:
        await _send(app, context=context)
        page = (await app.get(page["more"].removeprefix("/a"))).json()
        found += page["statements"]
    assert [one["id"] for one in found] == sent[::-1]
    assert all("name" not in one["context"]["instructor"] for one in found)


async def test_a_changed_more_link_is_a_400(app: httpx.AsyncClient) -> None:
    for _ in range(2):
        await _send(app)
    more = (await app.get(STATEMENTS, params={"limit": "1"})).json()["more"].removeprefix("/a")
    token = more.partition("cursor=")[2]
    for other in (token[:-1], token[1:], token[:9] + ("A" if token[9] != "A" else "B") + token[10:], "", token * 50):
        answer = await app.get(f"{STATEMENTS}?cursor={other}")
        assert (answer.status_code, answer.json()["path"]) == (400, "cursor"), other
