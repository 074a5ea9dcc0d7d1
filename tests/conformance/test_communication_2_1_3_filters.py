"""Communication 2.1.3, 2.1.4: which statements a GET returns, and in which order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.lrs import Lrs
from tests.conformance.statements import VOIDED, inside, iri, learner, new_id, statement


def ids(statements: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in statements]


def reference(target: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
    return statement(object={"objectType": "StatementRef", "id": target}, **changes)


# --- lists ---


def test_an_empty_list_is_a_result(lrs: Lrs) -> None:
    answer = lrs.ask("GET", "statements", params={"agent": json.dumps(learner())})
    assert (answer.status_code, answer.json()) == (200, {"statements": [], "more": ""})


def test_a_list_is_newest_first_and_pages_through_everything_once_while_more_arrives(lrs: Lrs) -> None:
    actor = learner()
    sent = [lrs.store(statement(actor=actor))[0] for _ in range(5)]
    for ascending in ("false", "true"):
        parameters = {"agent": json.dumps(actor), "limit": "2", "ascending": ascending}
        answer = lrs.ask("GET", "statements", params=parameters)
        found = ids(answer.json()["statements"])
        late = lrs.store(statement(actor=actor))[0]
        while more := answer.json()["more"]:
            answer = lrs.http.get(more, headers={"X-Experience-API-Version": lrs.version})
            assert answer.status_code == 200
            found += ids(answer.json()["statements"])
        assert [one for one in found if one in sent] == (sent if ascending == "true" else sent[::-1])
        assert len(set(found)) == len(found)
        sent.append(late)


def test_limit_zero_means_as_many_as_the_store_gives_at_once(lrs: Lrs) -> None:
    actor = learner()
    lrs.store(*(statement(actor=actor) for _ in range(3)))
    assert len(lrs.select(agent=actor, limit="0")) == 3


def test_since_excludes_and_until_includes_the_time_of_storing(lrs: Lrs) -> None:
    actor = learner()
    first = lrs.stored(statement(actor=actor))
    second = lrs.stored(statement(actor=actor))
    assert first["stored"] < second["stored"]
    for parameters, expected in (
        ({"since": first["stored"]}, [second]),
        ({"until": first["stored"]}, [first]),
        ({"since": first["stored"], "until": second["stored"]}, [second]),
        ({"since": second["stored"]}, []),
        ({"until": "2099-01-01T00:00:00+09:00"}, [second, first]),
        ({"since": "1999-01-01T00:00:00Z", "ascending": "true"}, [first, second]),
    ):
        assert ids(lrs.select(agent=actor, **parameters)) == ids(expected), parameters


def test_filters_find_what_has_their_value_and_nothing_else(lrs: Lrs) -> None:
    actor, verb, activity, registration = learner(), iri("verbs"), iri(), new_id()
    sent = statement(actor=actor, verb={"id": verb}, object={"id": activity}, context={"registration": registration})
    [found] = lrs.store(sent)
    lrs.store(statement(actor=actor), statement(verb={"id": verb}), statement(object={"id": activity}))
    for parameters, count in (
        ({"agent": actor}, 2),
        ({"verb": verb}, 2),
        ({"activity": activity}, 2),
        ({"registration": registration}, 1),
        ({"agent": actor, "verb": verb}, 1),
        ({"agent": actor, "verb": verb, "activity": activity, "registration": registration}, 1),
        ({"agent": learner(), "verb": verb}, 0),
        ({"activity": activity + "/"}, 0),
    ):
        selected = ids(lrs.select(**parameters))
        assert (len(selected), found in selected or count == 0) == (count, True), parameters


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
def test_agents_and_groups_are_found_by_each_identifier(lrs: Lrs, identifier: dict[str, Any]) -> None:
    for kind in ("Agent", "Group"):
        sent = statement(actor={"objectType": kind, "name": "A", **identifier})
        [found] = lrs.store(sent)
        assert found in ids(lrs.select(agent={"objectType": kind, **identifier}))


def test_an_agent_is_found_as_the_object_too(lrs: Lrs) -> None:
    agent = learner()
    [found] = lrs.store(statement(object=agent))
    assert ids(lrs.select(agent=agent)) == [found]


# --- related_agents, related_activities ---


def agent_places(agent: dict[str, Any]) -> list[dict[str, Any]]:
    """Statements with an Agent wherever only related_agents looks."""
    group = {"objectType": "Group", "member": [agent]}
    return [
        statement(actor=group),
        statement(object=group),
        statement(context={"instructor": agent}),
        statement(context={"team": group}),
        inside(statement(actor=agent)),
        inside(statement(object=agent)),
        inside(statement(context={"instructor": agent})),
    ]


def activity_places(activity: dict[str, Any]) -> list[dict[str, Any]]:
    """Statements with an Activity wherever only related_activities looks."""
    kinds = ("parent", "grouping", "category", "other")
    in_context = [statement(context={"contextActivities": {kind: [activity]}}) for kind in kinds]
    nested = [
        inside(statement(object=activity)),
        inside(statement(context={"contextActivities": {"parent": activity}})),
    ]
    return [*in_context, *nested]


def test_related_agents_finds_an_agent_wherever_it_stands(lrs: Lrs) -> None:
    agent = learner()
    related = lrs.store(*agent_places(agent))
    [own] = lrs.store(statement(actor=agent))
    assert sorted(ids(lrs.select(agent=agent, related_agents="true"))) == sorted([*related, own])
    assert set(ids(lrs.select(agent=agent, related_agents="false"))) >= {own}
    for one in ids(lrs.select(agent=agent)):
        assert one not in related[2:]


def test_related_agents_finds_context_agents_and_groups_in_2_0(lrs2: Lrs) -> None:
    agent = learner()
    group = {"objectType": "Group", "member": [agent]}
    sent = [
        statement(context={"contextAgents": [{"objectType": "contextAgent", "agent": agent}]}),
        statement(context={"contextGroups": [{"objectType": "contextGroup", "group": group}]}),
    ]
    related = lrs2.store(*sent)
    assert sorted(ids(lrs2.select(agent=agent, related_agents="true"))) == sorted(related)
    assert ids(lrs2.select(agent=agent)) == []


def test_related_activities_finds_an_activity_wherever_it_stands(lrs: Lrs) -> None:
    activity = {"id": iri()}
    related = lrs.store(*activity_places(activity))
    [own] = lrs.store(statement(object=activity))
    found = lrs.select(activity=activity["id"], related_activities="true")
    assert sorted(ids(found)) == sorted([*related, own])
    assert ids(lrs.select(activity=activity["id"])) == [own]


# --- filters reach through StatementRefs ---


@pytest.mark.parametrize("name", ["agent", "verb", "activity", "registration"])
def test_a_filter_finds_statements_that_refer_to_what_it_finds(lrs: Lrs, name: str) -> None:
    target = statement(id=new_id(), verb={"id": iri("verbs")}, context={"registration": new_id()})
    values = {
        "agent": target["actor"],
        "verb": target["verb"]["id"],
        "activity": target["object"]["id"],
        "registration": target["context"]["registration"],
    }
    lrs.store(target)
    [first] = lrs.store(reference(target["id"]))
    [second] = lrs.store(reference(first))
    lrs.store(reference(new_id()))
    assert ids(lrs.select(**{name: values[name]})) == [second, first, target["id"]]


def test_a_reference_may_come_before_what_it_refers_to(lrs: Lrs) -> None:
    target = statement(id=new_id())
    [first] = lrs.store(reference(target["id"]))
    lrs.store(target)
    assert ids(lrs.select(agent=target["actor"])) == [target["id"], first]


def test_references_to_a_voided_statement_and_its_voiding_are_found_and_itself_is_not(lrs: Lrs) -> None:
    verb = iri("verbs")
    target = statement(id=new_id(), verb={"id": verb})
    lrs.store(target)
    [voiding] = lrs.store(reference(target["id"], verb={"id": VOIDED}))
    [referring] = lrs.store(reference(target["id"], verb={"id": verb}))
    assert ids(lrs.select(verb=verb)) == [referring, voiding]


def test_since_until_and_limit_apply_to_the_referring_statement(lrs: Lrs) -> None:
    target = lrs.stored(statement())
    first = lrs.stored(reference(target["id"]))
    second = lrs.stored(reference(target["id"]))
    actor = target["actor"]
    assert ids(lrs.select(agent=actor, since=target["stored"])) == ids([second, first])
    assert ids(lrs.select(agent=actor, since=target["stored"], until=first["stored"])) == ids([first])
    assert ids(lrs.select(agent=actor, limit="1")) == ids([second])
    assert ids(lrs.select(agent=actor, since=target["stored"], ascending="true", limit="1")) == ids([first])
