"""The alternate request syntax of xAPI 1.0.3 over HTTP, and that 2.0 has none."""

from __future__ import annotations

import base64
import json

import httpx
import pytest

from tests.support.http_zone import Zone, new_id, statement

OLD = {"X-Experience-API-Version": "1.0.3"}


def _form(zone: Zone, **fields: str) -> dict[str, str]:
    pair = base64.b64encode(":".join(zone.auth).encode()).decode()
    return {**OLD, "Authorization": f"Basic {pair}", **fields}


async def _browser(zone: Zone, path: str, method: str, form: dict[str, str], **headers: str) -> httpx.Response:
    """What an old browser can do: a POST without any header of its own."""
    async with httpx.AsyncClient(base_url=zone.url, timeout=60) as client:
        return await client.post(f"/xAPI/{path}?method={method}", data=form, headers=headers)


@pytest.mark.usefixtures("app")
async def test_version_and_credential_may_come_in_the_form_alone(running: Zone) -> None:
    statement_id = new_id()
    content = json.dumps(statement(result={"response": "解答 & + %"}), ensure_ascii=False)
    put = await _browser(running, "statements", "PUT", _form(running, statementId=statement_id, content=content))
    assert (put.status_code, put.headers["X-Experience-API-Version"]) == (204, "1.0.3")
    found = await _browser(running, "statements", "GET", _form(running, statementId=statement_id))
    assert found.json()["result"] == {"response": "解答 & + %"}
    listed = await _browser(running, "statements", "GET", _form(running, limit="1"))
    assert (listed.status_code, len(listed.json()["statements"])) == (200, 1)
    posted = await _browser(running, "statements", "POST", _form(running, content=content))
    assert (posted.status_code, len(posted.json())) == (200, 1)


async def test_documents_are_reached_by_it_with_their_conditions(app: httpx.AsyncClient, running: Zone) -> None:
    named = {"activityId": "http://example.com/a", "profileId": new_id()}
    form = _form(running, **named)
    kind = {"Content-Type": "text/plain"}
    put = await _browser(running, "activities/profile", "PUT", form | kind | {"If-None-Match": "*", "content": "歩み"})
    assert put.status_code == 204
    document = await app.get("/xAPI/activities/profile", params=named)
    assert (document.text, document.headers["Content-Type"]) == ("歩み", "text/plain")
    again = await _browser(running, "activities/profile", "PUT", form | kind | {"If-None-Match": "*", "content": "x"})
    assert again.status_code == 412
    assert (await _browser(running, "activities/profile", "DELETE", form)).status_code == 204
    assert (await app.get("/xAPI/activities/profile", params=named)).status_code == 404


@pytest.mark.usefixtures("app")
async def test_the_form_wins_over_the_real_headers(running: Zone) -> None:
    form = _form(running, limit="1") | {"X-Experience-API-Version": "0.8"}
    answer = await _browser(running, "statements", "GET", form, **OLD)
    assert (answer.status_code, answer.json()["path"]) == (400, "X-Experience-API-Version")
    assert answer.headers["X-Experience-API-Version"] == "0.95"
    form = _form(running, limit="1") | {"Authorization": "Basic YTpi"}
    assert (await _browser(running, "statements", "GET", form, **OLD)).status_code == 401
    assert (await _browser(running, "statements", "GET", {**OLD, "limit": "1"})).status_code == 401


async def test_what_does_not_stand_for_a_request_is_a_400(app: httpx.AsyncClient, running: Zone) -> None:
    content = json.dumps(statement())
    form = _form(running, statementId=new_id(), content=content)
    bad = [
        await _browser(running, "statements", f"PUT&statementId={new_id()}", form),
        await _browser(running, "statements", "PUT", _form(running, statementId=new_id())),
        await app.post("/xAPI/statements?method=PUT", content=content, headers={"Content-Type": "application/json"}),
        await app.post(
            "/xAPI/statements?method=PUT",
            content=content,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        ),
        await app.post("/xAPI/statements?method=GET&limit=1"),
        await app.put("/xAPI/statements?method=PUT", data=form),
        await app.get("/xAPI/statements?method=GET"),
    ]
    assert [answer.status_code for answer in bad] == [400] * len(bad)


@pytest.mark.parametrize("path", ["statements", "activities/state", "activities", "agents"])
async def test_in_2_0_the_parameter_is_refused_with_a_body_and_without_one(
    app: httpx.AsyncClient, running: Zone, path: str
) -> None:
    new = {"X-Experience-API-Version": "2.0.0"}
    for method in ("GET", "PUT", "POST"):
        answers = [
            await app.post(f"/xAPI/{path}?method={method}", headers=new),
            await app.post(f"/xAPI/{path}?method={method}", headers=new, data={"content": "{}"}),
            await _browser(running, path, method, _form(running, content="{}") | new),
        ]
        assert [answer.status_code for answer in answers] == [400] * 3
        assert {answer.headers["X-Experience-API-Version"] for answer in answers} == {"2.0.0"}


async def test_a_form_posted_to_a_document_resource_without_method_is_a_document(app: httpx.AsyncClient) -> None:
    params = {
        "activityId": "http://example.com/a",
        "stateId": new_id(),
        "agent": json.dumps({"mbox": "mailto:a@example.com"}),
    }
    answer = await app.post("/xAPI/activities/state", params=params, data={"method": "GET", "a": "b"})
    assert answer.status_code == 204
    document = await app.get("/xAPI/activities/state", params=params)
    assert (document.text, document.headers["Content-Type"]) == (
        "method=GET&a=b",
        "application/x-www-form-urlencoded",
    )
