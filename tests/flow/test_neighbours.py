"""Hostile input at the default limits: a good client sees no error and keeps its latency, and memory is bounded.

What takes the processor's time slows everybody down on a small machine. So what is hostile is compared with as much of
what is honest, in the same run, and with silence only what costs nothing once it is there.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, suppress

import cramjam
import httpx
import pytest

from lrs.kernel.settings import BrokerSettings
from processors.topic_admin import ensure_topics
from tests.support.broker import complete, new_zone_name
from tests.support.flood import BROKEN, Beside, flood, posted
from tests.support.http_zone import JSON, Zone, client_of, http_zone, new_id, patient_settings, ready, statement
from tests.support.neighbour import Neighbour, Noticed, neighbour
from tests.support.waiting import eventually

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]

MIB = 1024 * 1024
BODY, STATEMENT = 16 * MIB, MIB  # the default limits
ROUNDS, REQUESTS = 2, 40
LINES = 10_000
MOST_GROWTH = 400 * MIB  # of which 128 are the default limit of bodies under way
ASK = b"GET /xAPI/about HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture(scope="module")
def zone(broker: BrokerSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zone]:
    """A zone with the default limits that waits long enough for `LINES` heads to be sent on a busy machine."""
    name = new_zone_name()
    complete(ensure_topics(broker, name))
    with http_zone(tmp_path_factory.mktemp("zone"), patient_settings(broker, name, header_seconds=300)) as made:
        yield made


@pytest.fixture
async def client(zone: Zone) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(zone) as made:
        await eventually(lambda: ready(made))
        yield made


@pytest.fixture
async def good(zone: Zone, client: httpx.AsyncClient) -> AsyncIterator[Neighbour]:  # noqa: ARG001 - it is ready
    async with neighbour(zone) as made:
        await made.notice(REQUESTS)
        yield made


def _filled(element: bytes, size: int) -> bytes:
    """An array of so many bytes."""
    return b"[" + b",".join([element] * (size // (len(element) + 1) - 1)) + b"]"


def _extended(value: bytes) -> bytes:
    """A statement with an extension."""
    made = json.dumps(statement(result={"extensions": {"http://a.example/x": "VALUE"}}))
    return made.encode().replace(b'"VALUE"', value)


def _scored(value: bytes) -> bytes:
    return json.dumps(statement(result={"score": {"raw": "VALUE"}})).encode().replace(b'"VALUE"', value)


def _members(count: int, name: str = "k%d") -> bytes:
    return (
        b"{"
        + b",".join(b'"%s":1' % (name % number if "%" in name else name).encode() for number in range(count))
        + b"}"
    )


def _honest(size: int) -> bytes:
    """A batch of about so many bytes, at most 1,000 statements with long texts; sent again it is a repeat."""
    count = min(1000, size // 1200)
    text = "x" * (size // count - 450)
    return json.dumps([statement(id=new_id(), result={"response": text}) for _ in range(count)]).encode()


LARGE = {
    "commas": (b"," * BODY, 413),
    "commas in an array": (b"[" + b"," * (BODY - 1), 400),
    "brackets": (b"[" * BODY, 400),
    "space": (b"[" + b" " * (BODY - 3) + b"0]", 400),
    "empty objects": (_filled(b"{}", BODY), 413),
    "numbers in an element": (b"[" + _filled(b"0", BODY - 2) + b"]", 413),
    "objects in a statement": (b"[" + _extended(_filled(b"{}", BODY - 1000)) + b"]", 413),
    "repeated keys in a statement": (b"[" + _extended(_filled(b'{"a":1,"a":1}', BODY - 1000)) + b"]", 413),
    "escapes in a text": (b'["' + b"\\u00e9" * ((BODY - 4) // 6) + b'"]', 413),
}
SMALL = {
    "100,000 objects": (_filled(b"{}", 300_000), 413),
    "a million numbers": (_filled(b"0", 2_000_000), 413),
    "keys that are IRIs": (
        json.dumps(statement(context={"extensions": {f"http://a.example/{n}": n for n in range(25_000)}})).encode(),
        200,
    ),
    "keys in an extension": (_extended(_members(80_000)), 200),
    "a key, repeated": (_extended(_members(150_000, "k")), 400),
    "keys that nobody knows": (_members(80_000), 400),
    "a long key": (b'{"' + b"k" * (STATEMENT - 10) + b'":1}', 400),
    "nesting": (_extended(b"[" * 400_000 + b"]" * 400_000), 400),
    "nested objects": (b'{"a":' * 150_000 + b"1" + b"}" * 150_000, 400),
    "a huge number": (_scored(b"9" * 900_000), 400),
    "huge numbers": (_extended(_filled(b"9" * 4_000, STATEMENT - 1000)), 400),
    "a huge exponent": (_scored(b"1e" + b"9" * 900_000), 400),
    "NaN": (_extended(_filled(b"NaN", STATEMENT - 1000)), 400),
}


@pytest.mark.parametrize("name", [*LARGE, *SMALL])
async def test_a_hostile_body_within_the_default_limits_hears_what_is_wrong_with_it(
    client: httpx.AsyncClient, name: str
) -> None:
    body, status = {**LARGE, **SMALL}[name]
    answer = await client.post("/xAPI/statements", content=body, headers=JSON)
    assert answer.status_code == status, answer.text[:300]
    assert status == 200 or {"path", "rule"} <= answer.json().keys()


async def _compared(
    beside: Beside, clients: int, *, hostile: Sequence[bytes], honest: Sequence[bytes], told: set[int]
) -> None:
    """What is hostile does no more harm than as much of what is honest, and is `told` so."""
    for _ in range(ROUNDS):
        async with flood(beside.zone, honest, clients) as statuses:
            await beside.usually(REQUESTS)
        assert set(statuses) == {200}
        async with flood(beside.zone, hostile, clients) as statuses:
            await beside.while_harmed(REQUESTS)
        assert set(statuses) <= told
    _check(beside)


def _check(beside: Beside) -> None:
    assert not beside.faults()
    assert beside.growth < MOST_GROWTH


@pytest.mark.parametrize(("bodies", "size"), [(LARGE, BODY), (SMALL, STATEMENT)], ids=["bodies", "statements"])
async def test_hostile_bodies_as_large_as_they_may_be_hold_up_nobody(
    zone: Zone, good: Neighbour, bodies: dict[str, tuple[bytes, int]], size: int
) -> None:
    hostile = [posted(zone, body) for body, _ in bodies.values()]
    honest = [posted(zone, _honest(size))]
    await _compared(Beside(zone, good), 2, hostile=hostile, honest=honest, told={200, 400, 413})


async def test_while_a_large_body_is_read_others_are_answered(zone: Zone, good: Neighbour) -> None:
    extended = _extended(_members(80_000))
    body = b"[" + b",".join([extended] * (BODY // (len(extended) + 1))) + b"]"
    noticed = Noticed()
    async with flood(zone, [posted(zone, body)], 1) as statuses:
        began = time.monotonic()
        while not statuses:
            noticed = noticed.and_then(await good.notice(1))
        took = time.monotonic() - began
    assert set(statuses) == {200}
    assert max(noticed.seconds) < took / 2


async def test_zip_bombs_hold_up_nobody(zone: Zone, good: Neighbour) -> None:
    codings = {"gzip": cramjam.gzip.compress, "br": cramjam.brotli.compress, "zstd": cramjam.zstd.compress}

    def made(plain: bytes) -> list[bytes]:
        return [posted(zone, bytes(coded(plain)), f"Content-Encoding: {name}") for name, coded in codings.items()]

    await _compared(Beside(zone, good), 4, hostile=made(b"[" + b" " * 8 * BODY), honest=made(_honest(BODY)), told={413})


async def test_floods_of_headers_hold_up_nobody(zone: Zone, good: Neighbour) -> None:
    hostile = [ASK + b"X: y\r\n" * 5_000 + b"\r\n", ASK + b"X: " + b"y" * 500_000, b"GET /" + b"y" * 500_000]
    honest = [ASK + b"".join(b"X-%d: %s\r\n" % (number, b"y" * 600) for number in range(90)) + b"\r\n"]
    await _compared(Beside(zone, good), 4, hostile=hostile, honest=honest, told={431, BROKEN})


async def test_bodies_that_stand_still_hold_up_nobody_and_are_taken_when_they_go_on(
    zone: Zone, good: Neighbour
) -> None:
    beside = Beside(zone, good)
    await beside.usually(REQUESTS)
    lines = [await asyncio.open_connection(*zone.place) for _ in range(200)]
    try:
        for _, writer in lines:
            writer.write(posted(zone, json.dumps(statement()).encode())[:-1])
            await writer.drain()
        await beside.while_harmed(2 * REQUESTS)
        for _, writer in lines:
            writer.write(b"}")
        for reader, _ in lines:
            assert (await asyncio.wait_for(reader.readline(), 60)).startswith(b"HTTP/1.1 200")
    finally:
        for _, writer in lines:
            writer.close()
    await beside.usually(REQUESTS)
    _check(beside)


async def test_with_ten_thousand_open_connections_a_good_client_sees_no_error_and_keeps_its_latency(
    zone: Zone, good: Neighbour
) -> None:
    beside = Beside(zone, good)
    await beside.usually(REQUESTS)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        lines = await asyncio.to_thread(lambda: [stack.enter_context(_opened(zone, number)) for number in range(LINES)])
        await beside.while_harmed(2 * REQUESTS)
        # All are at the limit of connections, so the good client's make room for themselves.
        assert sum(map(_is_open, lines)) >= LINES - 50
    await beside.usually(REQUESTS)
    _check(beside)


def _opened(zone: Zone, number: int) -> socket.socket:
    """A connection on which some of a head was sent, or nothing."""
    line = socket.create_connection(zone.place)
    line.sendall(ASK[: number % len(ASK)])
    line.setblocking(False)  # noqa: FBT003 - the standard library's
    return line


def _is_open(line: socket.socket) -> bool:
    """Whether the other end has neither closed it nor said anything."""
    with suppress(ConnectionError):
        try:
            return bool(line.recv(1)) and False
        except BlockingIOError:
            return True
    return False
