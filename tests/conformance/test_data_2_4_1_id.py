"""Data 2.4.1: ids of statements, and UUIDs elsewhere (4.4)."""

from __future__ import annotations

import uuid

import pytest

from tests.conformance.lrs import Lrs
from tests.conformance.statements import changed, complete, new_id, statement

NO_UUIDS = [
    "",
    "1",
    "7d6d2d7a6d3c4f6c9e6a0b2d5c8f1a11",
    "7d6d2d7a-6d3c-4f6c-9e6a-0b2d5c8f1a1",
    "7d6d2d7a-6d3c-4f6c-9e6a-0b2d5c8f1a111",
    "7d6d2d7g-6d3c-4f6c-9e6a-0b2d5c8f1a11",
    "{7d6d2d7a-6d3c-4f6c-9e6a-0b2d5c8f1a11}",
    "urn:uuid:7d6d2d7a-6d3c-4f6c-9e6a-0b2d5c8f1a11",
    "7d6d2d7a-6d3c-4f6c-9e6a-0b2d5c8f1a11 ",
]


def test_a_statement_without_an_id_is_given_one(lrs: Lrs) -> None:
    first, second = lrs.store(statement(), statement())
    assert uuid.UUID(first) != uuid.UUID(second)
    assert lrs.find(first)["id"] == first


@pytest.mark.parametrize("version", [1, 3, 4, 5, 6, 7, 8])
def test_a_uuid_of_any_version_is_kept(lrs: Lrs, version: int) -> None:
    given = new_id()
    given = f"{given[:14]}{version}{given[15:]}"
    assert lrs.stored(statement(id=given))["id"] == given


@pytest.mark.parametrize("given", NO_UUIDS)
@pytest.mark.parametrize("path", ["id", "context.registration", "context.statement.id"])
def test_what_is_no_uuid_is_refused(lrs: Lrs, path: str, given: str) -> None:
    assert lrs.refused(changed(complete(), path, given)) == f"$.{path}"


@pytest.mark.parametrize("given", NO_UUIDS[:5])
def test_a_statementref_whose_id_is_no_uuid_is_refused(lrs: Lrs, given: str) -> None:
    assert lrs.refused(statement(object={"objectType": "StatementRef", "id": given})) == "$.object.id"


def test_an_id_is_the_same_in_upper_case(lrs: Lrs) -> None:
    sent = statement(id=new_id().upper())
    assert [one.lower() for one in lrs.store(sent)] == [sent["id"].lower()]
    assert lrs.find(sent["id"].lower())["id"].lower() == sent["id"].lower()


def test_the_same_id_twice_in_a_batch_is_refused_in_2_0(lrs2: Lrs) -> None:
    sent = statement(id=new_id())
    answer = lrs2.post(sent, sent)
    assert (answer.status_code, answer.json()["path"]) == (400, "$[1].id")
    assert lrs2.ask("GET", "statements", params={"statementId": sent["id"]}).status_code == 404
