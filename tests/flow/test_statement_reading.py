"""GET of statements over HTTP."""

from __future__ import annotations

import json

import httpx

from producers.sdk import StatementPublisher
from tests.support.http_zone import VOIDED, Zone, new_id, statement


async def test_a_statement_sent_by_the_sdk_is_readable_over_http_once_acknowledged(
    app: httpx.AsyncClient, running: Zone
) -> None:
    zone = running.settings.zone.name
    async with StatementPublisher(running.settings.broker, zone=zone, app="drill-b") as publisher:
        statement_id = await publisher.send(statement())
        params = {"statementId": str(statement_id)}
        reader = running.registry.credentials.add("reader", scopes=("statements/read",))
        found = await app.get("/xAPI/statements", params=params, auth=reader)
        assert (await app.get("/xAPI/statements", params=params)).status_code == 404
    assert found.status_code == 200
    assert found.json()["authority"]["account"]["name"] == "drill-b"


async def test_a_list_is_newest_first_and_pages_through_everything_once(app: httpx.AsyncClient) -> None:
    activity = f"https://drill.example.jp/items/{new_id()}"
    sent = [(await app.post("/xAPI/statements", json=statement(object={"id": activity}))).json()[0] for _ in range(7)]
    for ascending in ("false", "true"):
        found: list[str] = []
        answer = await app.get("/xAPI/statements", params={"activity": activity, "limit": "3", "ascending": ascending})
        while True:
            page = answer.json()
            assert len(page["statements"]) <= 3
            found += [one["id"] for one in page["statements"]]
            if not page["more"]:
                break
            assert page["more"].startswith("/a/xAPI/statements?cursor=")
            answer = await app.get(page["more"].removeprefix("/a"))
        assert found == (sent if ascending == "true" else sent[::-1])


async def test_filters_narrow_a_list_and_an_empty_one_is_a_result(app: httpx.AsyncClient) -> None:
    registration, learner = new_id(), {"account": {"homePage": "https://board.example.jp", "name": new_id()}}
    sent = statement(actor=learner, context={"registration": registration})
    [statement_id] = (await app.post("/xAPI/statements", json=sent)).json()
    stored = (await app.get("/xAPI/statements", params={"statementId": statement_id})).json()["stored"]
    agent = json.dumps({**learner, "objectType": "Agent", "name": "any"})
    for params, count in (
        ({"agent": agent}, 1),
        ({"registration": registration.upper()}, 1),
        ({"agent": agent, "verb": sent["verb"]["id"], "activity": sent["object"]["id"]}, 1),
        ({"agent": agent, "verb": VOIDED}, 0),
        ({"agent": agent, "since": stored}, 0),
        ({"agent": agent, "until": stored}, 1),
        ({"agent": agent, "until": "2099-01-01T00:00:00Z"}, 1),
    ):
        answer = await app.get("/xAPI/statements", params=params)
        assert answer.status_code == 200
        assert (len(answer.json()["statements"]), answer.json()["more"]) == (count, "")


async def test_a_voided_statement_is_found_only_as_voided(app: httpx.AsyncClient) -> None:
    [target] = (await app.post("/xAPI/statements", json=statement())).json()
    voiding = statement(verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": target})
    [voider] = (await app.post("/xAPI/statements", json=voiding)).json()

    async def status(**params: str) -> int:
        return (await app.get("/xAPI/statements", params=params)).status_code

    assert (await status(statementId=target), await status(voidedStatementId=target)) == (404, 200)
    assert (await status(statementId=voider), await status(voidedStatementId=voider)) == (200, 404)
    listed = [one["id"] for one in (await app.get("/xAPI/statements")).json()["statements"]]
    assert voider in listed
    assert target not in listed
