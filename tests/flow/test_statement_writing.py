"""POST and PUT of statements over HTTP: what is taken, what is refused and why."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from lrs.kernel.statements.timestamps import timestamp_ms
from tests.support.http_zone import count, new_id, statement


async def test_a_posted_statement_is_readable_at_once_as_sent_with_what_the_store_sets(app: httpx.AsyncClient) -> None:
    sent = statement(result={"score": {"scaled": 0.25, "raw": 1.50}}, timestamp="2026-04-01T09:00:00+09:00")
    answer = await app.post("/xAPI/statements", json=sent)
    assert answer.status_code == 200
    [statement_id] = answer.json()
    found = (await app.get("/xAPI/statements", params={"statementId": statement_id})).json()
    assert {name: found[name] for name in ("actor", "verb", "object", "result")} == {
        name: sent[name] for name in ("actor", "verb", "object", "result")
    }
    assert found["id"] == statement_id
    assert found["timestamp"] == "2026-04-01T00:00:00Z"
    assert found["version"] == "1.0.0"
    assert found["authority"] == {
        "objectType": "Agent",
        "account": {"homePage": "https://lrs.example.jp/a", "name": "drill-a"},
    }
    assert timestamp_ms(found["stored"])


async def test_stored_and_authority_of_the_sender_are_overwritten(app: httpx.AsyncClient) -> None:
    sent = statement(stored="2001-01-01T00:00:00Z", authority={"mbox": "mailto:me@example.com"}, version="1.0.9")
    [statement_id] = (await app.post("/xAPI/statements", json=sent)).json()
    found = (await app.get("/xAPI/statements", params={"statementId": statement_id})).json()
    assert found["stored"] > "2026"
    assert found["authority"]["account"]["name"] == "drill-a"
    assert found["version"] == "1.0.9"


async def test_a_batch_is_answered_with_its_ids_in_order(app: httpx.AsyncClient) -> None:
    given = [new_id(), None, new_id().upper(), None]
    sent = [statement(id=one) if one else statement() for one in given]
    answered = (await app.post("/xAPI/statements", json=sent)).json()
    assert [answered[0], answered[2]] == [given[0], str(given[2]).lower()]
    assert len({uuid.UUID(one) for one in answered}) == 4


async def test_a_batch_that_is_read_beside_the_others_is_stored_whole_or_refused_by_place(
    app: httpx.AsyncClient,
) -> None:
    sent = [statement(id=new_id(), result={"response": "x" * 20_000}) for _ in range(40)]
    answer = await app.post("/xAPI/statements", json=sent)
    assert (answer.status_code, answer.json()) == (200, [one["id"] for one in sent])
    answer = await app.post("/xAPI/statements", json=[*sent, statement(verb={"id": "answered"})])
    assert (answer.status_code, answer.json()["path"]) == (400, "$[40].verb.id")


async def test_a_put_statement_has_the_id_of_its_parameter(app: httpx.AsyncClient) -> None:
    statement_id = new_id()
    answer = await app.put("/xAPI/statements", params={"statementId": statement_id}, json=statement())
    assert (answer.status_code, answer.content) == (204, b"")
    found = await app.get("/xAPI/statements", params={"statementId": statement_id})
    assert found.json()["id"] == statement_id


@pytest.mark.parametrize(
    ("params", "body", "path"),
    [
        ({}, {}, "statementId"),
        ({"statementId": "1"}, {}, "statementId"),
        ({"statementId": new_id(), "x": "1"}, {}, "x"),
        ({"statementId": new_id()}, {"id": new_id()}, "$.id"),
    ],
)
async def test_a_put_that_does_not_name_its_statement_is_refused(
    app: httpx.AsyncClient, params: dict[str, str], body: dict[str, str], path: str
) -> None:
    answer = await app.put("/xAPI/statements", params=params, json=statement(**body))
    assert (answer.status_code, answer.json()["path"]) == (400, path)


async def test_one_bad_statement_refuses_its_batch_and_none_of_it_is_stored(app: httpx.AsyncClient) -> None:
    good = statement(id=new_id())
    before = await count(app, "rejected")
    answer = await app.post("/xAPI/statements", json=[good, statement(verb={"id": "answered"}), good])
    assert answer.status_code == 400
    error = answer.json()
    assert (error["error"], error["path"]) == ("invalid", "$[1].verb.id")
    assert "Data 2.4.3" in error["rule"]
    assert (await app.get("/xAPI/statements", params={"statementId": good["id"]})).status_code == 404
    assert await count(app, "rejected") - before == 3


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "multipart/form-data; boundary=x", "multipart/mixed", "application/x-www-form-urlencoded", ""],
)
async def test_a_body_of_another_kind_is_a_400(app: httpx.AsyncClient, kind: str) -> None:
    content = json.dumps(statement()).encode()
    answer = await app.post("/xAPI/statements", content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["path"]) == (400, "Content-Type")


async def test_parameters_of_a_post_are_refused(app: httpx.AsyncClient) -> None:
    answer = await app.post("/xAPI/statements", params={"statementId": new_id()}, json=statement())
    assert (answer.status_code, answer.json()["path"]) == (400, "statementId")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b" " * (1024 * 1024 + 1), "at most 1048576 bytes"),
        (json.dumps(statement(result={"response": "x" * 70_000})).encode(), "at most 65536 bytes"),
        (json.dumps([statement()] * 51).encode(), "at most 50 statements"),
        (b"[" + b"0," * 400_000 + b"0]", "at most 50 statements"),
    ],
    ids=["body", "statement", "statements", "elements"],
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_more_than_the_limits_is_a_413_that_names_the_setting(
    app: httpx.AsyncClient,
    body: bytes,
    rule: str,
    streamed: bool,  # noqa: FBT001
) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    content = stream() if streamed else body
    answer = await app.post("/xAPI/statements", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert rule in answer.json()["rule"]
    assert "AYUMI_GATEWAY__" in answer.json()["rule"]
