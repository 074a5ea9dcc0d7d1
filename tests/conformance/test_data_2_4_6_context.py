"""Data 2.4.6: contexts; contextAgents and contextGroups of xAPI 2.0 (4.2.2.5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.lrs import Lrs
from tests.conformance.statements import GONE, changed, complete, inside, iri, learner, new_id, statement

KINDS = ["parent", "grouping", "category", "other"]
NO_ACTIVITIES: list[dict[str, Any]] = [
    {"objectType": "Agent", "mbox": "mailto:a@example.jp"},
    {"objectType": "Group", "mbox": "mailto:a@example.jp"},
    {"objectType": "StatementRef", "id": new_id()},
]
NESTED = pytest.mark.parametrize("nested", [False, True], ids=["statement", "SubStatement"])


def wrapped(whole: dict[str, Any], *, nested: bool) -> tuple[dict[str, Any], str]:
    """The statement, or another one with it as SubStatement; and where it begins."""
    return (inside(whole), "$.object") if nested else (whole, "$")


@pytest.mark.parametrize("name", ["revision", "platform"])
@pytest.mark.parametrize("target", NO_ACTIVITIES, ids=["Agent", "Group", "StatementRef"])
@NESTED
def test_revision_and_platform_are_refused_unless_the_object_is_an_activity(
    lrs: Lrs,
    name: str,
    target: dict[str, Any],
    nested: bool,  # noqa: FBT001
) -> None:
    sent, root = wrapped(statement(object=target, context={name: "1"}), nested=nested)
    assert lrs.refused(sent) == f"{root}.context.{name}"


@pytest.mark.parametrize("name", ["revision", "platform"])
def test_revision_and_platform_are_refused_if_the_object_is_a_substatement(lrs: Lrs, name: str) -> None:
    assert lrs.refused({**inside(statement()), "context": {name: "1"}}) == f"$.context.{name}"


def test_revision_and_platform_are_taken_with_an_activity_that_does_not_say_so(lrs: Lrs) -> None:
    lrs.store(statement(context={"revision": "1", "platform": "tablet"}))
    lrs.store(inside(statement(context={"revision": "1", "platform": "tablet"})))


@pytest.mark.parametrize("kind", KINDS)
@NESTED
def test_a_single_context_activity_comes_back_as_a_list(lrs: Lrs, kind: str, nested: bool) -> None:  # noqa: FBT001
    activity = {"id": iri(), "definition": {"name": {"en": "Unit"}}}
    found = lrs.stored(wrapped(statement(context={"contextActivities": {kind: activity}}), nested=nested)[0])
    found = found["object"] if nested else found
    [returned] = found["context"]["contextActivities"][kind]
    assert {name: returned[name] for name in activity} == activity


@pytest.mark.parametrize("kind", ["parents", "Parent", "any", "https://drill.example.jp/kind"])
@NESTED
def test_another_kind_of_context_activity_is_refused(lrs: Lrs, kind: str, nested: bool) -> None:  # noqa: FBT001
    context = {"contextActivities": {kind: [{"id": iri()}]}}
    sent, root = wrapped(statement(context=context), nested=nested)
    assert lrs.refused(sent).startswith(f"{root}.context.contextActivities")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "value", ["https://drill.example.jp/1", [1], [{"definition": {}}], NO_ACTIVITIES[0], [NO_ACTIVITIES[2]]]
)
def test_a_context_activity_is_an_activity(lrs: Lrs, kind: str, value: object) -> None:
    refused = lrs.refused(statement(context={"contextActivities": {kind: value}}))
    assert refused.startswith(f"$.context.contextActivities.{kind}")


@pytest.mark.parametrize(
    "value",
    [{"id": iri()}, {"objectType": "Activity", "id": iri()}, {"id": new_id()}, NO_ACTIVITIES[0]],
    ids=["IRI", "Activity", "no objectType", "Agent"],
)
@NESTED
def test_context_statement_is_a_statementref(lrs: Lrs, value: dict[str, Any], nested: bool) -> None:  # noqa: FBT001
    sent, root = wrapped(statement(context={"statement": value}), nested=nested)
    assert lrs.refused(sent).startswith(f"{root}.context.statement")


def test_an_empty_context_is_taken(lrs: Lrs) -> None:
    assert lrs.stored(statement(context={}))["context"] == {}


# --- xAPI 2.0: contextAgents and contextGroups ---

CONTEXT_AGENT = {
    "objectType": "contextAgent",
    "agent": learner(),
    "relevantTypes": ["https://w3id.org/xapi/roles/peer"],
}
CONTEXT_GROUP = {
    "objectType": "contextGroup",
    "group": {"objectType": "Group", "member": [learner()]},
    "relevantTypes": ["https://w3id.org/xapi/roles/class", "urn:example:class"],
}


@NESTED
def test_context_agents_and_groups_are_taken_and_returned_in_2_0(lrs2: Lrs, nested: bool) -> None:  # noqa: FBT001
    few = {"objectType": "contextAgent", "agent": {"mbox": "mailto:a@example.jp"}}
    context = {"contextAgents": [CONTEXT_AGENT, few], "contextGroups": [CONTEXT_GROUP]}
    found = lrs2.stored(wrapped(statement(context=context), nested=nested)[0])
    assert (found["object"] if nested else found)["context"] == context


@pytest.mark.parametrize("name", ["contextAgents", "contextGroups"])
def test_1_0_3_does_not_know_context_agents_and_groups(lrs1: Lrs, name: str) -> None:
    value = [CONTEXT_AGENT if name == "contextAgents" else CONTEXT_GROUP]
    assert lrs1.refused(statement(context={name: value})) == f"$.context.{name}"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("contextAgents", CONTEXT_AGENT),
        ("contextAgents[0]", "mailto:a@example.jp"),
        ("contextAgents[0].objectType", "Agent"),
        ("contextAgents[0].objectType", "contextagent"),
        ("contextAgents[0].objectType", GONE),
        ("contextAgents[0].agent", GONE),
        ("contextAgents[0].agent", {"objectType": "Agent"}),
        ("contextAgents[0].agent.account.homePage", "board"),
        ("contextAgents[0].agent.objectType", "Group"),
        ("contextAgents[0].group", {"objectType": "Group", "mbox": "mailto:a@example.jp"}),
        ("contextAgents[0].relevantTypes", []),
        ("contextAgents[0].relevantTypes", "urn:example:a"),
        ("contextAgents[0].relevantTypes[0]", "peer"),
        ("contextAgents[0].relevantTypes[0]", 1),
        ("contextGroups", CONTEXT_GROUP),
        ("contextGroups[0].objectType", "contextAgent"),
        ("contextGroups[0].objectType", GONE),
        ("contextGroups[0].group", GONE),
        ("contextGroups[0].group", {"objectType": "Group", "name": "3-2"}),
        ("contextGroups[0].group.objectType", "Agent"),
        ("contextGroups[0].group.member[0].account.name", GONE),
        ("contextGroups[0].relevantTypes", []),
        ("contextGroups[0].relevantTypes[1]", "class"),
    ],
)
@NESTED
def test_a_context_agent_or_group_of_the_wrong_form_is_refused_in_2_0(
    lrs2: Lrs,
    path: str,
    value: object,
    nested: bool,  # noqa: FBT001
) -> None:
    context = {"contextAgents": [CONTEXT_AGENT], "contextGroups": [CONTEXT_GROUP]}
    sent, root = wrapped(changed(statement(context=context), f"context.{path}", value), nested=nested)
    assert lrs2.refused(sent).startswith(f"{root}.context.{path.partition('[')[0]}")


def test_complete_contexts_are_taken_inside_a_substatement(lrs: Lrs) -> None:
    sent = inside(complete())
    assert lrs.stored(sent)["object"]["context"] == sent["object"]["context"]
