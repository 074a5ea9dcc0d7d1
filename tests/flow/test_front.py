"""What holds for every resource over HTTP: versions, headers, credentials, methods."""

from __future__ import annotations

import json
import re
from email.utils import parsedate_to_datetime

import cramjam
import httpx
import pytest

from lrs.kernel.statements.timestamps import timestamp_ms
from tests.support.http_zone import JSON, VERSIONS, Zone, new_id, statement

_DOCUMENTS = ("/activities/state", "/activities/profile", "/agents/profile")


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_answer_of_the_statement_resource_carries_its_headers(app: httpx.AsyncClient, version: str) -> None:
    headers = {"X-Experience-API-Version": version}
    posted = await app.post("/xAPI/statements", json=statement(), headers=headers)
    one = await app.get("/xAPI/statements", params={"statementId": posted.json()[0]}, headers=headers)
    answers = [
        posted,
        one,
        await app.get("/xAPI/statements", headers=headers),
        await app.get("/xAPI/statements", params={"nonsense": "1"}, headers=headers),
        await app.get("/xAPI/statements", params={"statementId": new_id()}, headers=headers),
        await app.delete("/xAPI/statements", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 400, 404, 405]
    for answer in answers:
        assert answer.headers["X-Experience-API-Version"] == version
        assert timestamp_ms(answer.headers["X-Experience-API-Consistent-Through"]) is not None
        assert parsedate_to_datetime(answer.headers["Date"])
        assert answer.headers["Content-Type"] == "application/json"
    through = one.headers["X-Experience-API-Consistent-Through"]
    assert through >= one.json()["stored"]
    assert (
        parsedate_to_datetime(one.headers["Last-Modified"]).timestamp()
        == (timestamp_ms(one.json()["stored"]) or 0) // 1000
    )


async def test_head_answers_like_get_without_a_body(app: httpx.AsyncClient) -> None:
    [statement_id] = (await app.post("/xAPI/statements", json=statement())).json()
    for path in (
        f"/xAPI/statements?statementId={statement_id}",
        "/xAPI/about",
        f"/xAPI/statements?statementId={new_id()}",
    ):
        get, head = await app.get(path), await app.head(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


@pytest.mark.parametrize("version", [None, "0.95", "1.1.0", "3.0.0", "text"])
async def test_a_request_in_no_known_version_is_a_400(running: Zone, version: str | None) -> None:
    headers = {"X-Experience-API-Version": version} if version else {}
    async with httpx.AsyncClient(base_url=running.url, auth=running.auth, timeout=60) as client:
        answer = await client.get("/xAPI/statements", headers=headers)
    assert (answer.status_code, answer.json()["path"]) == (400, "X-Experience-API-Version")
    assert answer.headers["X-Experience-API-Version"] == "0.95"


async def test_about_needs_neither_version_nor_credential(running: Zone) -> None:
    async with httpx.AsyncClient(base_url=running.url, timeout=60) as client:
        answer = await client.get("/xAPI/about")
    assert answer.status_code == 200
    assert answer.json()["version"] == ["1.0.3", "2.0.0"]
    assert set(answer.json()) == {"version", "extensions"}


@pytest.mark.parametrize("authorization", ["", "Basic", "Basic YTpi", "Basic !!", "Bearer x", "Basic YQ=="])
async def test_without_a_valid_credential_the_answer_is_a_401_with_a_challenge(
    running: Zone, authorization: str
) -> None:
    headers = {"X-Experience-API-Version": "1.0.3", "Authorization": authorization}
    async with httpx.AsyncClient(base_url=running.url, timeout=60) as client:
        for answer in (
            await client.get("/xAPI/statements", headers=headers),
            await client.post("/xAPI/statements", headers=headers, json=statement()),
        ):
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
            assert answer.headers["X-Experience-API-Version"] == "1.0.3"


async def test_a_revoked_credential_is_refused_at_the_next_request(app: httpx.AsyncClient, running: Zone) -> None:
    auth = running.registry.credentials.add("drill-c")
    assert (await app.get("/xAPI/statements", params={"limit": "1"}, auth=auth)).status_code == 200
    running.registry.credentials.revoke(auth[0])
    assert (await app.get("/xAPI/statements", params={"limit": "1"}, auth=auth)).status_code == 401


async def test_what_is_not_there_is_a_404_and_what_is_not_done_a_405_that_lists_what_is(app: httpx.AsyncClient) -> None:
    for path in ("/nothing", "/xAPI/nothing", "/xapi/statements", "/xAPI/statements/1"):
        assert (await app.get(path)).status_code == 404
    answer = await app.patch("/xAPI/statements")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST, PUT")
    assert (await app.post("/xAPI/about")).headers["Allow"] == "GET, HEAD"


async def test_the_described_methods_are_served_and_no_others(app: httpx.AsyncClient) -> None:
    described = (await app.get("/xAPI/openapi.json")).json()["paths"]
    for path, item in described.items():
        for method in ("GET", "PUT", "POST", "DELETE", "PATCH"):
            answer = await app.request(method, f"/xAPI{path}")
            assert (answer.status_code == 405) is (method.lower() not in item), (path, method)
            assert answer.status_code != 404 or path == "/"


async def test_the_described_parameters_are_known_and_no_others(app: httpx.AsyncClient) -> None:
    content = (await app.get("/xAPI/openapi.json")).json()
    shared = content["components"]["parameters"]
    for path, method in (
        ("/statements", "get"),
        ("/activities", "get"),
        ("/agents", "get"),
        *((path, method) for path in _DOCUMENTS for method in ("get", "put", "post", "delete")),
    ):
        listed = content["paths"][path][method]["parameters"]
        parameters = [shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in listed]
        names = {one["name"] for one in parameters if one["in"] == "query"}
        for name in (*names, "nonsense", *(name.upper() for name in names)):
            answer = await app.request(method, f"/xAPI{path}", params={name: "\0"}, content=b"{}", headers=JSON)
            assert answer.status_code == 400, (path, method, name)
            assert ("case matters" in answer.json()["rule"]) is (name not in names), (path, method, name, answer.text)


async def test_a_page_of_another_origin_may_ask_and_read_with_every_header_that_xapi_has(
    app: httpx.AsyncClient,
) -> None:
    origin = {"Origin": "https://app.example.jp"}
    asked = {
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,content-type,if-match,x-experience-api-version",
    }
    async with httpx.AsyncClient(base_url=app.base_url, timeout=60) as browser:
        preflight = await browser.options("/xAPI/activities/state", headers=origin | asked)
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert {"PUT", "DELETE"} <= set(preflight.headers["Access-Control-Allow-Methods"].split(", "))
    allowed = preflight.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert set(asked["Access-Control-Request-Headers"].split(",")) <= set(allowed)
    for answer in (
        await app.get("/xAPI/statements", params={"limit": "1"}, headers=origin),
        await app.get("/xAPI/statements", params={"nonsense": "1"}, headers=origin),
        await app.get("/xAPI/nothing", headers=origin),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
        assert "X-Experience-API-Consistent-Through" in answer.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Access-Control-Allow-Origin" not in (await app.get("/xAPI/about")).headers


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
async def test_a_compressed_body_is_taken_and_a_bomb_is_not(app: httpx.AsyncClient, coding: str) -> None:
    compress = {"gzip": cramjam.gzip, "br": cramjam.brotli, "zstd": cramjam.zstd}[coding].compress
    headers = JSON | {"Content-Encoding": coding}
    sent = statement(id=new_id())
    answer = await app.post("/xAPI/statements", content=bytes(compress(json.dumps(sent).encode())), headers=headers)
    assert (answer.status_code, answer.json()) == (200, [sent["id"]])
    bomb = await app.post("/xAPI/statements", content=bytes(compress(b" " * 300_000_000)), headers=headers)
    assert (bomb.status_code, "MAX_BODY_MB" in bomb.text) == (413, True)
    broken = await app.post("/xAPI/statements", content=b"nonsense", headers=headers)
    assert (broken.status_code, broken.json()["path"]) == (400, "body")


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
async def test_a_large_answer_is_compressed_where_the_client_takes_it_and_a_small_one_is_not(
    app: httpx.AsyncClient, coding: str
) -> None:
    activity = {"id": f"https://drill.example.jp/items/{new_id()}"}
    await app.post("/xAPI/statements", json=[statement(object=activity) for _ in range(10)])
    decompress = {"gzip": cramjam.gzip, "br": cramjam.brotli, "zstd": cramjam.zstd}[coding].decompress
    for limit, large in (("0", True), ("1", False)):
        request = app.build_request(
            "GET",
            "/xAPI/statements",
            params={"activity": activity["id"], "limit": limit},
            headers={"Accept-Encoding": coding},
        )
        answer = await app.send(request, stream=True)
        body = b"".join([piece async for piece in answer.aiter_raw()])
        assert answer.headers.get("Content-Encoding") == (coding if large else None)
        assert len(json.loads(bytes(decompress(body)) if large else body)["statements"]) == (10 if large else 1)
        assert len(body) == int(answer.headers["Content-Length"])


async def test_a_visitor_with_a_browser_is_led_to_a_page_that_says_what_this_is(app: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient(base_url=app.base_url, follow_redirects=True, timeout=60) as browser:
        for path in ("/", "/xAPI", "/xAPI/"):
            page = await browser.get(path, headers={"Accept-Language": "en"})
            assert (page.status_code, str(page.url.path)) == (200, "/xAPI/")
            assert page.headers["Content-Type"] == "text/html; charset=utf-8"
            assert "osaka" in page.text
        links = set(re.findall('href="([^"]+)"', page.text))
        for link in links - {"../vendor/refused"}:  # of the part `letters`, which does not run here
            assert (await browser.get(page.url.join(link))).status_code == 200
