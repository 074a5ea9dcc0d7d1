"""Data 2.4.4: Activities with their definitions, Agents, StatementRefs and SubStatements as objects."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.lrs import Lrs
from tests.conformance.statements import GONE, changed, complete, inside, iri, new_id, statement

COMPONENTS = {
    "choice": ["choices"],
    "sequencing": ["choices"],
    "likert": ["scale"],
    "matching": ["source", "target"],
    "performance": ["steps"],
}
TYPES = [*COMPONENTS, "true-false", "fill-in", "long-fill-in", "numeric", "other"]
EACH_LIST = ["choices", "scale", "source", "target", "steps"]


def interaction(kind: str | None, **properties: object) -> dict[str, Any]:
    """A statement about an interaction activity."""
    definition = {"interactionType": kind, **properties} if kind else properties
    return statement(object={"id": iri(), "definition": definition})


# --- 2.4.4.1: Activities ---


@pytest.mark.parametrize("kind", TYPES)
def test_each_interaction_type_is_taken_with_its_components(lrs: Lrs, kind: str) -> None:
    components = {name: [{"id": "a"}, {"id": "b", "description": {"en": "B"}}] for name in COMPONENTS.get(kind, [])}
    sent = interaction(kind, correctResponsesPattern=["a"], **components)
    assert lrs.stored(sent)["object"] == sent["object"]


@pytest.mark.parametrize("name", [*EACH_LIST, "correctResponsesPattern"])
def test_interaction_properties_need_an_interactiontype(lrs: Lrs, name: str) -> None:
    value = ["a"] if name == "correctResponsesPattern" else [{"id": "a"}]
    assert lrs.refused(interaction(None, **{name: value})) == "$.object.definition.interactionType"
    nested = inside(interaction(None, **{name: value}))
    assert lrs.refused(nested) == "$.object.object.definition.interactionType"


@pytest.mark.parametrize("name", EACH_LIST)
@pytest.mark.parametrize(
    ("components", "path"),
    [
        ({"id": "a"}, ""),
        ("a", ""),
        (["a"], "[0]"),
        ([{"description": {"en": "A"}}], "[0].id"),
        ([{"id": 1}], "[0].id"),
        ([{"id": "a", "name": "A"}], "[0].name"),
        ([{"id": "a", "description": "A"}], "[0].description"),
        ([{"id": "a", "description": {"e_n": "A"}}], "[0].description['e_n']"),
        ([{"id": "a"}, {"id": "a"}], "[1].id"),
    ],
    ids=["object", "text", "no objects", "no id", "number", "unknown", "no map", "no tag", "repeated id"],
)
def test_an_interaction_component_of_the_wrong_form_is_refused(
    lrs: Lrs, name: str, components: object, path: str
) -> None:
    kind = next(kind for kind, names in COMPONENTS.items() if name in names)
    refused = lrs.refused(interaction(kind, **{name: components}))
    assert refused.startswith(f"$.object.definition.{name}{path.partition('[' + chr(39))[0]}")


def test_an_object_without_objecttype_is_an_activity(lrs: Lrs) -> None:
    target = {"id": iri()}
    found = lrs.stored(statement(object=target))["object"]
    assert found in (target, {**target, "objectType": "Activity"})


def test_an_activity_needs_an_id(lrs: Lrs) -> None:
    assert lrs.refused(statement(object={"objectType": "Activity", "definition": {}})) == "$.object.id"


def test_an_empty_definition_is_taken(lrs: Lrs) -> None:
    lrs.store(statement(object={"id": iri(), "definition": {}}))


# --- 2.4.4.2, 2.4.4.3: StatementRefs and SubStatements ---


def test_a_statementref_is_taken_whether_or_not_its_statement_is_there(lrs: Lrs) -> None:
    target = {"objectType": "StatementRef", "id": new_id()}
    assert lrs.stored(statement(object=target))["object"] == target


@pytest.mark.parametrize("path", ["object.id", "object.objectType"])
def test_a_statementref_without_one_of_its_properties_is_refused(lrs: Lrs, path: str) -> None:
    sent = statement(object={"objectType": "StatementRef", "id": new_id()})
    assert lrs.refused(changed(sent, path, GONE)).startswith("$.object")


def test_a_statementref_with_more_properties_is_refused(lrs: Lrs) -> None:
    sent = statement(object={"objectType": "StatementRef", "id": new_id(), "definition": {}})
    assert lrs.refused(sent) == "$.object.definition"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "6f0d7c3a-5a1e-4d53-9a51-0c8e1f6b2d47"),  # part of the test's name, and so the same in every process
        ("stored", "2026-04-08T09:00:00Z"),
        ("version", "1.0.0"),
        ("authority", {"mbox": "mailto:a@example.jp"}),
    ],
)
def test_a_substatement_has_none_of_what_a_record_store_sets(lrs: Lrs, name: str, value: object) -> None:
    assert lrs.refused(changed(inside(statement()), f"object.{name}", value)) == f"$.object.{name}"


def test_a_substatement_contains_no_other(lrs: Lrs) -> None:
    assert lrs.refused(inside(inside(statement()))) == "$.object.object.objectType"


@pytest.mark.parametrize(
    "target",
    [
        {"id": iri()},
        {"objectType": "Agent", "mbox": "mailto:a@example.jp"},
        {"objectType": "Group", "mbox": "mailto:a@example.jp"},
        {"objectType": "StatementRef", "id": new_id()},
    ],
    ids=["Activity", "Agent", "Group", "StatementRef"],
)
def test_a_substatement_may_be_about_everything_else(lrs: Lrs, target: dict[str, Any]) -> None:
    sent = inside(statement(object=target))
    assert lrs.stored(sent)["object"] == sent["object"]


@pytest.mark.parametrize("wrong", ["substatement", "Substatement", "subStatement", "SubStatements"])
def test_the_objecttype_of_a_substatement_is_written_exactly(lrs: Lrs, wrong: str) -> None:
    assert lrs.refused(changed(inside(complete()), "object.objectType", wrong)).startswith("$.object")
