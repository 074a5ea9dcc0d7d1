"""Data 2.3: a statement never changes, and how it is voided."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.lrs import Lrs, refusal
from tests.conformance.statements import VOIDED, changed, complete, inside, iri, learner, new_id, statement


def voiding(target: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
    return statement(verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": target}, **changes)


def status(lrs: Lrs, **parameters: str) -> int:
    return lrs.ask("GET", "statements", params=parameters).status_code


# --- 2.3.1: immutable ---


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("actor.account.name", "another"),
        ("verb.id", "http://adlnet.gov/expapi/verbs/passed"),
        ("object.id", "https://drill.example.jp/another"),
        ("result.score.raw", 6),
        ("context.registration", "8c3e4a3e-2a44-4e5b-8d56-6f0a34d9b0a1"),
        ("timestamp", "2026-04-08T09:00:01.123Z"),
        ("attachments[0].length", 5),
    ],
)
def test_other_content_under_a_taken_id_is_a_conflict_and_changes_nothing(lrs: Lrs, path: str, value: object) -> None:
    sent = complete()
    first = lrs.stored(sent)
    answer = lrs.post(changed(sent, path, value))
    assert refusal(answer, 409)["path"] == "$.id"
    assert lrs.find(sent["id"]) == first


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("verb.display.fr", "a répondu"),
        ("object.definition.name.de", "Brüche"),
        ("result.duration", "PT4H35M59.149S"),
        ("timestamp", "2026-04-08T18:00:00.123+09:00"),
        ("stored", "2001-01-01T00:00:00Z"),
        ("authority", {"mbox": "mailto:me@example.jp"}),
    ],
)
def test_what_is_no_part_of_the_immutable_statement_makes_no_conflict_and_changes_nothing(
    lrs: Lrs, path: str, value: object
) -> None:
    sent = complete()
    first = lrs.stored(sent)
    assert lrs.post(changed(sent, path, value)).status_code == 200
    assert lrs.find(sent["id"]) == first


def test_the_order_of_properties_and_of_group_members_makes_no_conflict(lrs: Lrs) -> None:
    members = [learner(), learner(), learner()]
    sent = statement(id=new_id(), actor={"objectType": "Group", "member": members})
    first = lrs.stored(sent)
    again = {**dict(reversed(sent.items())), "actor": {"member": members[::-1], "objectType": "Group"}}
    assert lrs.post(again).status_code == 200
    assert lrs.find(sent["id"]) == first


# --- 2.3.2: voiding ---


def test_a_voided_statement_is_found_by_voidedstatementid_only_and_in_no_list(lrs: Lrs) -> None:
    sent = statement(id=new_id())
    lrs.store(sent)
    voider = lrs.store(voiding(sent["id"]))[0]
    assert (status(lrs, statementId=sent["id"]), status(lrs, voidedStatementId=sent["id"])) == (404, 200)
    assert (status(lrs, statementId=voider), status(lrs, voidedStatementId=voider)) == (200, 404)
    assert [one["id"] for one in lrs.select(agent=sent["actor"])] == [voider]


def test_a_voided_statement_is_returned_as_it_was(lrs: Lrs) -> None:
    sent = complete()
    first = lrs.stored(sent)
    lrs.store(voiding(sent["id"]))
    answer = lrs.ask("GET", "statements", params={"voidedStatementId": sent["id"]})
    assert answer.json() == first


@pytest.mark.parametrize(
    "target",
    [
        {"id": iri()},
        {"objectType": "Activity", "id": iri()},
        {"objectType": "Agent", "mbox": "mailto:a@example.jp"},
        {"objectType": "Group", "mbox": "mailto:a@example.jp"},
        inside(statement())["object"],
        {"id": new_id()},
    ],
    ids=["IRI", "Activity", "Agent", "Group", "SubStatement", "no objectType"],
)
def test_the_object_of_a_voiding_statement_is_a_statementref(lrs: Lrs, target: dict[str, Any]) -> None:
    assert lrs.refused(statement(verb={"id": VOIDED}, object=target)).startswith("$.object")


def test_a_voiding_statement_cannot_be_voided(lrs: Lrs) -> None:
    sent = lrs.store(statement())[0]
    voider = lrs.store(voiding(sent))[0]
    assert lrs.post(voiding(voider)).status_code == 200
    assert (status(lrs, statementId=voider), status(lrs, voidedStatementId=voider)) == (200, 404)
    assert status(lrs, statementId=sent) == 404


def test_a_voided_id_stays_taken(lrs: Lrs) -> None:
    sent = statement(id=new_id())
    lrs.store(sent)
    lrs.store(voiding(sent["id"]))
    assert lrs.post(changed(sent, "object.id", iri())).status_code == 409
    assert lrs.post(sent).status_code == 200
    assert status(lrs, statementId=sent["id"]) == 404


def test_a_statement_may_be_voided_before_it_arrives(lrs: Lrs) -> None:
    sent = statement(id=new_id())
    assert lrs.post(voiding(sent["id"])).status_code == 200
    lrs.store(sent)
    assert (status(lrs, statementId=sent["id"]), status(lrs, voidedStatementId=sent["id"])) == (404, 200)


def test_a_substatement_with_the_verb_voided_voids_nothing(lrs: Lrs) -> None:
    sent = lrs.store(statement())[0]
    assert lrs.post(inside(voiding(sent))).status_code == 200
    assert status(lrs, statementId=sent) == 200
