"""Input that nobody means well with, over HTTP and below it."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
import uvicorn

from lrs.api.gateway.connections import connection_class
from lrs.api.gateway.requests import Receive, Scope, Send
from lrs.api.gateway.waiting import Waiting
from lrs.kernel.settings import BrokerSettings
from processors.topic_admin import ensure_topics
from tests.support.broker import complete, new_zone_name
from tests.support.http_zone import JSON, VERSIONS, Zone, client_of, http_zone, statement, zone_settings
from tests.support.waiting import eventually


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
        b"[" + b"9" * 60_000 + b"]",
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


# --- below the application: heads, waiting, connections ---


@pytest.fixture(scope="module")
def strict(broker: BrokerSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zone]:
    """A zone that waits a second for a head and has room for 40 connections."""
    name = new_zone_name()
    complete(ensure_topics(broker, name))
    settings = zone_settings(broker, name, header_seconds=1, max_connections=40)
    with http_zone(tmp_path_factory.mktemp("strict"), settings) as zone:
        yield zone


def _exchange(zone: Zone, *chunks: bytes) -> bytes:
    """Everything that is answered to some bytes until the connection ends."""
    with socket.create_connection(zone.place, timeout=30) as line:
        with suppress(ConnectionError):
            for chunk in chunks:
                line.sendall(chunk)
        received = b""
        with suppress(ConnectionError):
            while piece := line.recv(65_536):
                received += piece
        return received


def _send_for(seconds: float, line: socket.socket) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        line.sendall(b"more")
        time.sleep(0.05)


def _error(answer: bytes) -> tuple[int, dict[str, str]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\ndate: " in head.lower()
    assert b"\r\nx-experience-api-version: 0.95" in head
    return int(head.split()[1]), json.loads(body)


ASK = b"GET /xAPI/about HTTP/1.1\r\nHost: a\r\n"
UNREAD = (
    b"POST /xAPI/statements HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Experience-API-Version: 1.0.3\r\n"
    b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
)


@pytest.mark.parametrize(
    ("chunks", "status", "rule"),
    [
        ([ASK, *(b"X-%d: 1\r\n" % number for number in range(101)), b"\r\n"], 431, "at most 100 headers"),
        ([ASK + b"X: ", *[b"a" * 30_000] * 20], 431, "at most 65536 bytes"),
        ([ASK, *[b"X: y\r\n" * 1000] * 100], 431, "at most 65536 bytes"),
        ([b"GET /", *[b"a" * 30_000] * 20], 431, "at most 65536 bytes"),
        ([b"GET /?" + b"a" * 66_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"], 414, "URL"),
        ([b"POST /xAPI/about HTTP/1.1\r\nContent-Length: -1\r\n\r\n"], 400, "no HTTP/1.1"),
        ([b"POST /xAPI/about HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"], 400, "no HTTP/1.1"),
        (
            [b"POST /xAPI/about HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
            400,
            "no HTTP/1.1",
        ),
        ([b"nonsense\r\n\r\n"], 400, "no HTTP/1.1"),
        ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], 400, "no HTTP/1.1"),
        ([ASK + b"X: a\x00b\r\n\r\n"], 400, "no HTTP/1.1"),
    ],
    ids=["headers", "header", "header bytes", "path", "query", "length", "lengths", "smuggled", "noise", "TLS", "NUL"],
)
def test_a_head_beyond_the_limits_or_none_at_all_is_answered_and_the_connection_closed(
    running: Zone, chunks: list[bytes], status: int, rule: str
) -> None:
    found, error = _error(_exchange(running, *chunks))
    assert found == status
    assert rule in error["rule"]


async def test_trailers_without_end_are_not_held(app: httpx.AsyncClient, running: Zone) -> None:
    pair = base64.b64encode(":".join(running.auth).encode())
    head = b"POST /xAPI/statements HTTP/1.1\r\nHost: a\r\nAuthorization: Basic " + pair + b"\r\n"
    kind = b"X-Experience-API-Version: 1.0.3\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    await app.get("/readyz")
    chunks = [head + kind + b"2\r\n[]\r\n0\r\n", *[b"X: " + b"y" * 30_000] * 20]
    answer = await asyncio.to_thread(_exchange, running, *chunks)
    assert _error(answer)[0] == 431


def test_a_client_that_offers_another_protocol_is_answered_in_this_one_each_time(running: Zone) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    last = ASK + b"Connection: close\r\n\r\n"
    with socket.create_connection(running.place, timeout=30) as line:
        line.sendall(ASK + offer)
        first = line.recv(65_536)
        line.sendall(last)
        second = b"".join(iter(lambda: line.recv(65_536), b""))
    assert [answer.split()[1] for answer in (first, second)] == [b"200", b"200"]


def test_requests_sent_at_once_on_one_connection_are_answered_in_order(running: Zone) -> None:
    paths = [b"/xAPI/about", b"/xAPI/nothing", b"/xAPI/statements"] * 5
    asked = b"".join(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in paths)
    answer = _exchange(running, asked + ASK + b"Connection: close\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"404", b"400"] * 5 + [b"200"]


@pytest.mark.parametrize(
    ("begun", "status"),
    [(ASK + b"X: \x00", 400), (ASK + b"X: y\r\n" * 20_000, 431), (ASK, 408), (UNREAD, 401)],
    ids=["noise", "too long", "late", "unread"],
)
def test_what_a_client_still_sends_does_not_take_its_answer_away_and_is_read_for_a_moment(
    strict: Zone, begun: bytes, status: int
) -> None:
    with socket.create_connection(strict.place, timeout=30) as line:
        line.sendall(begun)
        assert line.recv(65_536).split()[1] == b"%d" % status
        for _ in range(3):
            line.sendall(b"more")
            time.sleep(0.01)
        assert line.recv(65_536) == b""
        with pytest.raises(ConnectionError):
            _send_for(30, line)


def test_a_head_that_does_not_end_is_told_so_and_its_connection_closed(strict: Zone) -> None:
    status, error = _error(_exchange(strict, ASK))
    assert (status, "in time" in error["rule"]) == (408, True)


async def test_where_connections_are_full_the_one_that_waits_longest_makes_room(strict: Zone) -> None:
    lines = [await asyncio.open_connection(*strict.place) for _ in range(40)]
    try:
        async with client_of(strict) as client:
            assert (await client.get("/xAPI/about")).status_code == 200
            assert await asyncio.wait_for(lines[0][0].read(), 30) == b""
            lines[39][1].write(ASK + b"\r\n")
            assert (await asyncio.wait_for(lines[39][0].readline(), 30)).startswith(b"HTTP/1.1 200")
    finally:
        for _, writer in lines:
            writer.close()


async def _unread(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers once it has a body."""
    assert scope["type"] == "http"
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.request":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


@asynccontextmanager
async def _served(waiting: Waiting) -> AsyncIterator[tuple[str, int]]:
    """The gateway's connections over sockets, without the gateway: where a body may take a second, not a minute."""
    config = uvicorn.Config(_unread, http=connection_class(waiting), ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    tasks = [asyncio.create_task(server._serve(sockets=[listener])), asyncio.create_task(waiting.sweep())]  # noqa: SLF001
    try:
        await eventually(lambda: server.started)
        yield listener.getsockname()
    finally:
        server.should_exit = True
        await tasks[0]
        tasks[1].cancel()


async def test_a_body_that_does_not_end_is_told_so_however_it_trickles_and_one_that_ends_in_time_is_taken() -> None:
    head = b"POST /xAPI/statements HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    async with _served(Waiting(100, header_seconds=300, idle_seconds=300, body_seconds=1)) as place:
        reader, writer = await asyncio.open_connection(*place)
        answer = asyncio.create_task(reader.read())
        writer.write(head)
        while not answer.done():
            writer.write(b"x")
            await asyncio.wait((answer,), timeout=0.05)
        writer.close()
        found, error = _error(await answer)
        assert (found, "in time" in error["rule"]) == (408, True)
        reader, writer = await asyncio.open_connection(*place)
        writer.write(head + b"x" * 100_000)
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")
        writer.close()


# --- within a request ---


NOISE = [
    b"[" + b"{}," * 100_000 + b"{}]",
    json.dumps(statement(result={"extensions": {"http://a.example/x": [[[]]] * 100_000}})).encode(),
    json.dumps(statement(result={"extensions": {"http://a.example/x": "DEEP"}}))
    .encode()
    .replace(b'"DEEP"', b"[" * 5_000 + b"]" * 5_000),
    json.dumps(statement(result={"score": {"raw": 1}})).encode().replace(b'"raw": 1', b'"raw": ' + b"9" * 5_000),
    json.dumps(statement(result={"score": {"raw": 1}})).encode().replace(b'"raw": 1', b'"raw": NaN'),
    json.dumps(statement(result={"score": {"raw": 1}})).encode().replace(b'"raw": 1', b'"raw": 1e999'),
    json.dumps(statement()).encode().replace(b'"verb"', b'"verb": {"id": "http://a.example/v"}, "verb"'),
    json.dumps(statement()).encode().replace(b"answered", b"answ\xffered"),
    b'{"actor":' * 100 + b"1" + b"}" * 100,
    b"\xef\xbb\xbf" + json.dumps(statement()).encode(),
    json.dumps(statement()).encode("utf-16"),
]


@pytest.mark.parametrize("version", VERSIONS)
async def test_noise_of_every_kind_is_a_4xx_and_takes_no_memory_for_good(app: httpx.AsyncClient, version: str) -> None:
    async def resident() -> float:
        lines = (await app.get("/metrics")).text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("process_resident_memory_bytes"))

    headers = JSON | {"X-Experience-API-Version": version}
    before = await resident()
    for _ in range(5):
        for number, body in enumerate(NOISE):
            answer = await app.post("/xAPI/statements", content=body, headers=headers)
            assert 400 <= answer.status_code < 500, (number, answer.text[:200])
            assert {"path", "rule"} <= answer.json().keys()
    assert await resident() - before < 200 * 1024 * 1024


ODD = [
    b"--x\r\n\r\n{}\r\n--x--",
    b"--x--",
    b"\r\n" * 50_000 + b"--x--",
    b"--x\r\n" * 50_000,
    b"--x\r\nContent-Type: application/json\r\n\r\n[]\r\n--x\r\n\r\n" + b"\r\n--x\r\n\r\n" * 5_000 + b"\r\n--x--",
    b"--x\r\nContent-Type: application/json\r\n" + b"A" * 100_000 + b"\r\n\r\n[]\r\n--x--",
    b"--x\r\nContent-Type: application/json\r\n\r\n[]",
    b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\n--y--\r\n--x--",
    b"\x00" * 1000,
]


@pytest.mark.parametrize("body", ODD, ids=lambda body: repr(body[:30]))
async def test_odd_multipart_is_a_4xx(app: httpx.AsyncClient, body: bytes) -> None:
    for kind in ("multipart/mixed; boundary=x", 'multipart/mixed; boundary="x"; a=b'):
        answer = await app.post("/xAPI/statements", content=body, headers={"Content-Type": kind})
        assert 400 <= answer.status_code < 500
        assert {"path", "rule"} <= answer.json().keys()
