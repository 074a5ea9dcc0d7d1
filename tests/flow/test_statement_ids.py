"""One id stands for one content, over HTTP: repeats, conflicts, and what is sent at once."""

from __future__ import annotations

import asyncio
import json
import uuid

import httpx

from tests.support.http_zone import JSON, Zone, count, new_id, statement
from tests.support.received_log import read_received


async def test_an_identical_repeat_is_answered_like_the_first_and_logged_once(
    app: httpx.AsyncClient, running: Zone
) -> None:
    sent = statement(id=new_id())
    before = await count(app, "repeated")
    answers = [await app.post("/xAPI/statements", json=sent) for _ in range(3)]
    reordered = dict(reversed(sent.items()))
    answers.append(await app.post("/xAPI/statements", content=json.dumps(reordered, indent=1), headers=JSON))
    assert [(one.status_code, one.json()) for one in answers] == [(200, [sent["id"]])] * 4
    put = await app.put("/xAPI/statements", params={"statementId": sent["id"]}, json=sent)
    assert put.status_code == 204
    logged = await read_received(running.settings.broker, running.settings.zone.name)
    assert sum(str(uuid.UUID(bytes=one.key)) == sent["id"] for one in logged) == 1
    assert await count(app, "repeated") - before == 4


async def test_other_content_under_a_taken_id_is_a_409_and_changes_nothing(app: httpx.AsyncClient) -> None:
    sent = statement(id=new_id())
    assert (await app.post("/xAPI/statements", json=sent)).status_code == 200
    other = statement(id=sent["id"], object={"id": "https://drill.example.jp/items/2"})
    neighbour = statement(id=new_id())
    answer = await app.post("/xAPI/statements", json=[neighbour, other])
    assert (answer.status_code, answer.json()["error"], answer.json()["path"]) == (409, "conflict", "$[1].id")
    assert (await app.post("/xAPI/statements", json=other)).json()["path"] == "$.id"
    put = await app.put("/xAPI/statements", params={"statementId": sent["id"]}, json=other)
    assert put.status_code == 409
    found = (await app.get("/xAPI/statements", params={"statementId": sent["id"]})).json()
    assert found["object"] == sent["object"]
    assert (await app.get("/xAPI/statements", params={"statementId": neighbour["id"]})).status_code == 404


async def test_of_different_contents_sent_at_once_under_one_id_exactly_one_is_stored(
    app: httpx.AsyncClient, running: Zone
) -> None:
    ids = [new_id() for _ in range(10)]
    sent = [statement(id=one, result={"response": str(number)}) for one in ids for number in range(4)]
    answers = await asyncio.gather(*(app.post("/xAPI/statements", json=one) for one in sent))
    taken = [one for one, answer in zip(sent, answers, strict=True) if answer.status_code == 200]
    assert sorted(one["id"] for one in taken) == sorted(ids)
    assert {answer.status_code for answer in answers} == {200, 409}
    for one in taken:
        found = (await app.get("/xAPI/statements", params={"statementId": one["id"]})).json()
        assert found["result"] == one["result"]
    logged = [
        str(uuid.UUID(bytes=one.key))
        for one in await read_received(running.settings.broker, running.settings.zone.name)
    ]
    assert all(logged.count(one) == 1 for one in ids)


async def test_identical_statements_sent_at_once_are_all_answered_and_logged_once(
    app: httpx.AsyncClient, running: Zone
) -> None:
    sent = statement(id=new_id())
    answers = await asyncio.gather(*(app.post("/xAPI/statements", json=sent) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    logged = await read_received(running.settings.broker, running.settings.zone.name)
    assert sum(str(uuid.UUID(bytes=one.key)) == sent["id"] for one in logged) == 1


async def test_an_id_twice_in_one_batch_is_a_repeat_in_1_0_and_refused_in_2_0(app: httpx.AsyncClient) -> None:
    sent = statement(id=new_id())
    answer = await app.post("/xAPI/statements", json=[sent, sent])
    assert (answer.status_code, answer.json()) == (200, [sent["id"]] * 2)
    sent = statement(id=new_id())
    answer = await app.post("/xAPI/statements", json=[sent, sent], headers={"X-Experience-API-Version": "2.0.0"})
    assert answer.status_code == 400
