"""The xAPI interface over HTTP: a gateway and a recorder in a process of their own, on a real broker and archive."""

from __future__ import annotations

import asyncio
import json
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from lrs.kernel.settings import BrokerSettings, GatewaySettings, Settings, ZoneSettings
from lrs.kernel.statements.timestamps import timestamp_ms
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.registry import Registry, open_registry
from processors.topic_admin import ensure_topics
from producers.sdk import StatementPublisher
from tests.support.broker import complete, new_zone_name
from tests.support.lrs_process import lrs_process
from tests.support.received_log import read_received
from tests.support.waiting import eventually

VERSIONS = ["1.0.3", "2.0.0"]
VOIDED = "http://adlnet.gov/expapi/verbs/voided"


class Zone(NamedTuple):
    """A running zone as an app sees it, and what the test needs to look behind it."""

    url: str
    auth: tuple[str, str]
    settings: Settings
    registry: Registry


@contextmanager
def _zone(folder: Path, settings: Settings) -> Iterator[Zone]:
    zone = ZoneFolder(folder)
    zone.prepare()
    registry = open_registry(settings, zone)
    auth = registry.credentials.add("drill-a")
    try:
        with lrs_process(folder, settings) as (url, _):
            yield Zone(url, auth, settings, registry)
    finally:
        registry.close()


def _settings(broker: BrokerSettings, name: str, **limits: Any) -> Settings:  # noqa: ANN401 - GatewaySettings'
    gateway = GatewaySettings(port=0, max_body_mb=1, max_statements=50, max_statement_kb=64, **limits)
    return Settings(
        zone=ZoneSettings(name=name, operator="osaka", host="127.0.0.1", public_url="https://lrs.example.jp/a"),
        broker=broker,
        gateway=gateway,
    )


@pytest.fixture(scope="module")
def running(broker: BrokerSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zone]:
    name = new_zone_name()
    complete(ensure_topics(broker, name))
    settings = _settings(broker, name, read_wait_seconds=30, publish_seconds=30)
    with _zone(tmp_path_factory.mktemp("zone"), settings) as zone:
        yield zone


@pytest.fixture
async def app(running: Zone) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app `drill-a` that speaks 1.0.3; the gateway is ready."""
    async with _client(running) as client:
        await eventually(lambda: _ready(client))
        yield client


def _client(zone: Zone, **options: Any) -> httpx.AsyncClient:  # noqa: ANN401 - httpx's own
    headers = {"X-Experience-API-Version": "1.0.3"}
    return httpx.AsyncClient(base_url=zone.url, auth=zone.auth, headers=headers, timeout=60, **options)


async def _ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/readyz")).status_code == 200


def _statement(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
    return {
        "actor": {"account": {"homePage": "https://board.example.jp", "name": "u1"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"ja": "解答した"}},
        "object": {"id": "https://drill.example.jp/items/1"},
        **changes,
    }


def _new_id() -> str:
    return str(uuid.uuid4())


async def _count(client: httpx.AsyncClient, outcome: str) -> float:
    name = f'ayumi_gateway_statements_total{{app="drill-a",outcome="{outcome}"}}'
    lines = (await client.get("/metrics")).text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)), 0.0)


# --- writing ---


async def test_a_posted_statement_is_readable_at_once_as_sent_with_what_the_store_sets(app: httpx.AsyncClient) -> None:
    sent = _statement(result={"score": {"scaled": 0.25, "raw": 1.50}}, timestamp="2026-04-01T09:00:00+09:00")
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
    sent = _statement(stored="2001-01-01T00:00:00Z", authority={"mbox": "mailto:me@example.com"}, version="1.0.9")
    [statement_id] = (await app.post("/xAPI/statements", json=sent)).json()
    found = (await app.get("/xAPI/statements", params={"statementId": statement_id})).json()
    assert found["stored"] > "2026"
    assert found["authority"]["account"]["name"] == "drill-a"
    assert found["version"] == "1.0.9"


async def test_a_batch_is_answered_with_its_ids_in_order(app: httpx.AsyncClient) -> None:
    given = [_new_id(), None, _new_id().upper(), None]
    sent = [_statement(id=one) if one else _statement() for one in given]
    answered = (await app.post("/xAPI/statements", json=sent)).json()
    assert [answered[0], answered[2]] == [given[0], str(given[2]).lower()]
    assert len({uuid.UUID(one) for one in answered}) == 4


async def test_a_put_statement_has_the_id_of_its_parameter(app: httpx.AsyncClient) -> None:
    statement_id = _new_id()
    answer = await app.put("/xAPI/statements", params={"statementId": statement_id}, json=_statement())
    assert (answer.status_code, answer.content) == (204, b"")
    found = await app.get("/xAPI/statements", params={"statementId": statement_id})
    assert found.json()["id"] == statement_id


@pytest.mark.parametrize(
    ("params", "body", "path"),
    [
        ({}, {}, "statementId"),
        ({"statementId": "1"}, {}, "statementId"),
        ({"statementId": _new_id(), "x": "1"}, {}, "x"),
        ({"statementId": _new_id()}, {"id": _new_id()}, "$.id"),
    ],
)
async def test_a_put_that_does_not_name_its_statement_is_refused(
    app: httpx.AsyncClient, params: dict[str, str], body: dict[str, str], path: str
) -> None:
    answer = await app.put("/xAPI/statements", params=params, json=_statement(**body))
    assert (answer.status_code, answer.json()["path"]) == (400, path)


async def test_one_bad_statement_refuses_its_batch_and_none_of_it_is_stored(app: httpx.AsyncClient) -> None:
    good = _statement(id=_new_id())
    before = await _count(app, "rejected")
    answer = await app.post("/xAPI/statements", json=[good, _statement(verb={"id": "answered"}), good])
    assert answer.status_code == 400
    error = answer.json()
    assert (error["error"], error["path"]) == ("invalid", "$[1].verb.id")
    assert "Data 2.4.3" in error["rule"]
    assert (await app.get("/xAPI/statements", params={"statementId": good["id"]})).status_code == 404
    assert await _count(app, "rejected") - before == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1,2",
        b"nonsense",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"actor":"\xed\xa0\x80"}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"[" + b"{}," * 30 + b"{}]",
        b'{"id":"\\ud800"}',
        b"1e999999999",
        b"[" + b"9" * 100_000 + b"]",
    ],
    ids=lambda body: repr(body[:20]),
)
@pytest.mark.parametrize("version", VERSIONS)
async def test_bytes_that_are_no_statement_are_a_400_that_says_why(
    app: httpx.AsyncClient, version: str, body: bytes
) -> None:
    headers = {"Content-Type": "application/json", "X-Experience-API-Version": version}
    answer = await app.post("/xAPI/statements", content=body, headers=headers)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "path", "rule", "doc"}
    assert answer.headers["X-Experience-API-Version"] == version


@pytest.mark.parametrize("kind", ["text/plain", "multipart/mixed; boundary=x", "application/x-www-form-urlencoded", ""])
async def test_a_body_of_another_kind_is_a_400(app: httpx.AsyncClient, kind: str) -> None:
    content = json.dumps(_statement()).encode()
    answer = await app.post("/xAPI/statements", content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["path"]) == (400, "Content-Type")


async def test_parameters_of_a_post_are_refused(app: httpx.AsyncClient) -> None:
    answer = await app.post("/xAPI/statements", params={"statementId": _new_id()}, json=_statement())
    assert (answer.status_code, answer.json()["path"]) == (400, "statementId")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b" " * (1024 * 1024 + 1), "at most 1048576 bytes"),
        (json.dumps(_statement(result={"response": "x" * 70_000})).encode(), "at most 65536 bytes"),
        (json.dumps([_statement()] * 51).encode(), "at most 50 statements"),
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


# --- ids ---


async def test_an_identical_repeat_is_answered_like_the_first_and_logged_once(
    app: httpx.AsyncClient, running: Zone
) -> None:
    sent = _statement(id=_new_id())
    before = await _count(app, "repeated")
    answers = [await app.post("/xAPI/statements", json=sent) for _ in range(3)]
    reordered = dict(reversed(sent.items()))
    answers.append(await app.post("/xAPI/statements", content=json.dumps(reordered, indent=1), headers=_JSON))
    assert [(one.status_code, one.json()) for one in answers] == [(200, [sent["id"]])] * 4
    put = await app.put("/xAPI/statements", params={"statementId": sent["id"]}, json=sent)
    assert put.status_code == 204
    logged = await read_received(running.settings.broker, running.settings.zone.name)
    assert sum(str(uuid.UUID(bytes=one.key)) == sent["id"] for one in logged) == 1
    assert await _count(app, "repeated") - before == 4


async def test_other_content_under_a_taken_id_is_a_409_and_changes_nothing(app: httpx.AsyncClient) -> None:
    sent = _statement(id=_new_id())
    assert (await app.post("/xAPI/statements", json=sent)).status_code == 200
    other = _statement(id=sent["id"], object={"id": "https://drill.example.jp/items/2"})
    neighbour = _statement(id=_new_id())
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
    ids = [_new_id() for _ in range(10)]
    sent = [_statement(id=one, result={"response": str(number)}) for one in ids for number in range(4)]
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
    sent = _statement(id=_new_id())
    answers = await asyncio.gather(*(app.post("/xAPI/statements", json=sent) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    logged = await read_received(running.settings.broker, running.settings.zone.name)
    assert sum(str(uuid.UUID(bytes=one.key)) == sent["id"] for one in logged) == 1


async def test_an_id_twice_in_one_batch_is_a_repeat_in_1_0_and_refused_in_2_0(app: httpx.AsyncClient) -> None:
    sent = _statement(id=_new_id())
    answer = await app.post("/xAPI/statements", json=[sent, sent])
    assert (answer.status_code, answer.json()) == (200, [sent["id"]] * 2)
    sent = _statement(id=_new_id())
    answer = await app.post("/xAPI/statements", json=[sent, sent], headers={"X-Experience-API-Version": "2.0.0"})
    assert answer.status_code == 400


# --- reading ---


async def test_a_statement_sent_by_the_sdk_is_readable_over_http_once_acknowledged(
    app: httpx.AsyncClient, running: Zone
) -> None:
    zone = running.settings.zone.name
    async with StatementPublisher(running.settings.broker, zone=zone, app="drill-b") as publisher:
        statement_id = await publisher.send(_statement())
        found = await app.get("/xAPI/statements", params={"statementId": str(statement_id)})
    assert found.status_code == 200
    assert found.json()["authority"]["account"]["name"] == "drill-b"


async def test_a_list_is_newest_first_and_pages_through_everything_once(app: httpx.AsyncClient) -> None:
    activity = f"https://drill.example.jp/items/{_new_id()}"
    sent = [(await app.post("/xAPI/statements", json=_statement(object={"id": activity}))).json()[0] for _ in range(7)]
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
    registration, learner = _new_id(), {"account": {"homePage": "https://board.example.jp", "name": _new_id()}}
    sent = _statement(actor=learner, context={"registration": registration})
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
    [target] = (await app.post("/xAPI/statements", json=_statement())).json()
    voiding = _statement(verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": target})
    [voider] = (await app.post("/xAPI/statements", json=voiding)).json()

    async def status(**params: str) -> int:
        return (await app.get("/xAPI/statements", params=params)).status_code

    assert (await status(statementId=target), await status(voidedStatementId=target)) == (404, 200)
    assert (await status(statementId=voider), await status(voidedStatementId=voider)) == (200, 404)
    listed = [one["id"] for one in (await app.get("/xAPI/statements")).json()["statements"]]
    assert voider in listed
    assert target not in listed


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_answer_of_the_statement_resource_carries_its_headers(app: httpx.AsyncClient, version: str) -> None:
    headers = {"X-Experience-API-Version": version}
    posted = await app.post("/xAPI/statements", json=_statement(), headers=headers)
    one = await app.get("/xAPI/statements", params={"statementId": posted.json()[0]}, headers=headers)
    answers = [
        posted,
        one,
        await app.get("/xAPI/statements", headers=headers),
        await app.get("/xAPI/statements", params={"nonsense": "1"}, headers=headers),
        await app.get("/xAPI/statements", params={"statementId": _new_id()}, headers=headers),
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
    [statement_id] = (await app.post("/xAPI/statements", json=_statement())).json()
    for path in (
        f"/xAPI/statements?statementId={statement_id}",
        "/xAPI/about",
        f"/xAPI/statements?statementId={_new_id()}",
    ):
        get, head = await app.get(path), await app.head(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


async def test_attachments_true_is_always_multipart_with_its_boundary_unquoted_and_last(app: httpx.AsyncClient) -> None:
    [statement_id] = (await app.post("/xAPI/statements", json=_statement())).json()
    answer = await app.get("/xAPI/statements", params={"statementId": statement_id, "attachments": "true"})
    kind, _, boundary = answer.headers["Content-Type"].partition("; boundary=")
    assert kind == "multipart/mixed"
    _, part, end = answer.content.split(b"--" + boundary.encode())
    assert json.loads(part.partition(b"\r\n\r\n")[2])["id"] == statement_id
    assert end == b"--\r\n"


# --- version, credentials, resources ---


@pytest.mark.parametrize("version", [None, "0.95", "1.1.0", "3.0.0", "text"])
async def test_a_request_in_no_known_version_is_a_400(running: Zone, version: str | None) -> None:
    headers = {"X-Experience-API-Version": version} if version else {}
    async with httpx.AsyncClient(base_url=running.url, auth=running.auth) as client:
        answer = await client.get("/xAPI/statements", headers=headers)
    assert (answer.status_code, answer.json()["path"]) == (400, "X-Experience-API-Version")
    assert answer.headers["X-Experience-API-Version"] == "0.95"


async def test_about_needs_neither_version_nor_credential(running: Zone) -> None:
    async with httpx.AsyncClient(base_url=running.url) as client:
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
            await client.post("/xAPI/statements", headers=headers, json=_statement()),
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
    for path in ("/", "/xAPI", "/xAPI/nothing", "/xapi/statements", "/xAPI/statements/"):
        assert (await app.get(path)).status_code == 404
    answer = await app.patch("/xAPI/statements")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST, PUT")
    assert (await app.post("/xAPI/about")).headers["Allow"] == "GET, HEAD"


_JSON = {"Content-Type": "application/json"}


async def test_bytes_that_are_no_http_do_not_disturb_the_others(app: httpx.AsyncClient, running: Zone) -> None:
    host, port = running.url.removeprefix("http://").split(":")
    for bad in (
        b"\x00\xff\r\n\r\n",
        b"POST /xAPI/statements HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET /%ff HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection((host, int(port)), timeout=30) as line:
            line.sendall(bad)
            line.shutdown(socket.SHUT_WR)
            assert b" 500 " not in line.recv(4096)
    assert (await app.get("/xAPI/about")).status_code == 200


# --- start and stop ---


async def test_after_a_kill_the_gateway_knows_every_acknowledged_id_before_it_is_ready(
    broker: BrokerSettings, zone: str, tmp_path: Path
) -> None:
    settings = _settings(broker, zone, read_wait_seconds=30, publish_seconds=30)
    sent = [_statement(id=_new_id()) for _ in range(200)]
    with _zone(tmp_path, settings) as running:
        async with _client(running) as client:
            await eventually(lambda: _ready(client))
            posts = [client.post("/xAPI/statements", json=sent[start : start + 20]) for start in range(0, 200, 20)]
            assert {answer.status_code for answer in await asyncio.gather(*posts)} == {200}
    # killed: some of it may be acknowledged and neither archived nor in the index
    with _zone(tmp_path, settings) as running:
        async with _client(running) as client:
            await eventually(lambda: _ready(client))
            other = [_statement(id=one["id"], result={"success": True}) for one in sent]
            answers = await asyncio.gather(*(client.post("/xAPI/statements", json=one) for one in other[:20]))
            assert {answer.status_code for answer in answers} == {409}
            again = await client.post("/xAPI/statements", json=sent[:50])
            assert again.status_code == 200
            listed = await client.get("/xAPI/statements", params={"limit": "500"})
            assert {one["id"] for one in listed.json()["statements"]} == {one["id"] for one in sent}
    assert len(await read_received(broker, settings.zone.name)) == 200


async def test_at_a_stop_what_is_under_way_is_answered(broker: BrokerSettings, zone: str, tmp_path: Path) -> None:
    settings = _settings(broker, zone, read_wait_seconds=30, publish_seconds=30)
    ZoneFolder(tmp_path).prepare()
    registry = open_registry(settings, ZoneFolder(tmp_path))
    auth = registry.credentials.add("drill-a")
    registry.close()
    with lrs_process(tmp_path, settings) as (url, process):
        async with httpx.AsyncClient(
            base_url=url, auth=auth, headers={"X-Experience-API-Version": "1.0.3"}, timeout=60
        ) as client:
            await eventually(lambda: _ready(client))
            first = await client.post("/xAPI/statements", json=_statement())
            assert first.status_code == 200
            posts = [asyncio.create_task(client.post("/xAPI/statements", json=_statement())) for _ in range(20)]
            await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
            process.terminate()
            answers = await asyncio.gather(*posts, return_exceptions=True)
        assert await asyncio.to_thread(process.wait, 60) == 0
    acknowledged = [one for one in answers if isinstance(one, httpx.Response) and one.status_code == 200]
    assert acknowledged
    assert len(await read_received(broker, settings.zone.name)) >= len(acknowledged) + 1
