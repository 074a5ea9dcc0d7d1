"""Communication 2.1.1, 2.1.2: PUT and POST of statements; what of a request is refused."""

from __future__ import annotations

import pytest

from tests.conformance.lrs import Lrs, refusal
from tests.conformance.statements import changed, new_id, statement


def status(lrs: Lrs, statement_id: str) -> int:
    return lrs.ask("GET", "statements", params={"statementId": statement_id}).status_code


# --- 2.1.1: PUT ---


@pytest.mark.parametrize("has_id", [False, True], ids=["without id", "with its id"])
def test_a_put_stores_under_the_id_of_its_parameter(lrs: Lrs, has_id: bool) -> None:  # noqa: FBT001
    statement_id = new_id()
    whole = statement(**({"id": statement_id} if has_id else {}))
    answer = lrs.ask("PUT", "statements", params={"statementId": statement_id}, json=whole)
    assert (answer.status_code, answer.content) == (204, b"")
    assert lrs.find(statement_id)["actor"] == whole["actor"]


def test_a_put_that_is_repeated_changes_nothing_and_one_with_other_content_is_a_conflict(lrs: Lrs) -> None:
    parameters, whole = {"statementId": new_id()}, statement()
    for _ in range(2):
        assert lrs.ask("PUT", "statements", params=parameters, json=whole).status_code == 204
    first = lrs.find(parameters["statementId"])
    other = changed(whole, "verb.id", "http://adlnet.gov/expapi/verbs/passed")
    refusal(lrs.ask("PUT", "statements", params=parameters, json=other), 409)
    assert lrs.find(parameters["statementId"]) == first


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({}, "statementId"),
        ({"statementId": "1"}, "statementId"),
        ({"statementId": ""}, "statementId"),
        ({"StatementId": new_id()}, "StatementId"),
        ({"statementId": new_id(), "format": "ids"}, "format"),
    ],
)
def test_a_put_has_the_parameter_statementid_and_no_other(lrs: Lrs, parameters: dict[str, str], path: str) -> None:
    assert refusal(lrs.ask("PUT", "statements", params=parameters, json=statement()))["path"] == path


def test_a_put_of_another_id_than_its_parameter_is_refused(lrs: Lrs) -> None:
    parameters, whole = {"statementId": new_id()}, statement(id=new_id())
    assert refusal(lrs.ask("PUT", "statements", params=parameters, json=whole))["path"] == "$.id"
    assert [status(lrs, one) for one in (parameters["statementId"], whole["id"])] == [404, 404]


def test_a_put_brings_one_statement_and_no_array(lrs: Lrs) -> None:
    for body in ([statement()], [statement(), statement()], []):
        refusal(lrs.ask("PUT", "statements", params={"statementId": new_id()}, json=body))


# --- 2.1.2: POST ---


def test_a_post_answers_with_the_ids_in_their_order(lrs: Lrs) -> None:
    given = [new_id(), None, new_id(), None]
    ids = lrs.store(*(statement(id=one) if one else statement() for one in given))
    assert [ids[0], ids[2]] == [given[0], given[2]]
    assert len(set(ids)) == 4


def test_a_batch_is_stored_as_a_whole_or_not_at_all(lrs: Lrs) -> None:
    good, bad = statement(id=new_id()), statement(id=new_id(), verb={"id": "answered"})
    for batch, path in (([good, bad], "$[1].verb.id"), ([bad, good], "$[0].verb.id"), ([good, 1], "$[1]")):
        answer = lrs.ask("POST", "statements", json=batch)
        assert refusal(answer)["path"] == path
    assert [status(lrs, one["id"]) for one in (good, bad)] == [404, 404]


def test_a_conflict_within_a_batch_stores_none_of_it(lrs: Lrs) -> None:
    taken, good = statement(id=new_id()), statement(id=new_id())
    lrs.store(taken)
    answer = lrs.post(good, changed(taken, "verb.id", "http://adlnet.gov/expapi/verbs/passed"))
    assert refusal(answer, 409)["path"] == "$[1].id"
    assert status(lrs, good["id"]) == 404


@pytest.mark.parametrize("parameters", [{"statementId": new_id()}, {"agent": "{}"}, {"x": "1"}])
def test_a_post_has_no_parameters(lrs: Lrs, parameters: dict[str, str]) -> None:
    assert refusal(lrs.ask("POST", "statements", params=parameters, json=statement()))["path"] in parameters


# --- 3.2: errors ---


@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
def test_what_the_statement_resource_does_not_do_is_a_405_that_says_what_it_does(lrs: Lrs, method: str) -> None:
    answer = lrs.ask(method, "statements")
    assert answer.status_code == 405
    assert {"GET", "HEAD", "POST", "PUT"} <= set(answer.headers["Allow"].replace(" ", "").split(","))


@pytest.mark.parametrize(
    "resource", ["", "statement", "Statements", "activity", "agents/states", "activities/profiles"]
)
def test_what_is_no_resource_is_a_404(lrs: Lrs, resource: str) -> None:
    assert lrs.ask("POST", resource, json=statement()).status_code in {404, 405}
    assert lrs.ask("DELETE", resource).status_code in {404, 405}


def test_more_than_the_limit_is_a_413(lrs: Lrs) -> None:
    answer = lrs.ask(
        "POST", "statements", content=b" " * (17 * 1024 * 1024), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
