"""Facts about sending over HTTP, against a server that answers as the test says."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import orjson
import pytest

from lrs.kernel.errors import StopError
from lrs.kernel.settings import Settings
from producers.simulator import sending
from producers.simulator.emissions import NO_FAULTS, Faults
from producers.simulator.run import Plan, Report, Target, app_names, simulate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

CREDENTIALS = {app: (f"key-of-{app}", "secret") for app in app_names()}


class Door:
    """Remembers what came in. `answer` says the status for a body, given how many requests came before."""

    def __init__(self, answer: Callable[[bytes, int], int]) -> None:
        self._answer = answer
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection. Status 0 closes it without an answer."""
        self.connections += 1
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                headers = {
                    name.lower(): value for name, value in (line.split(": ", 1) for line in head.split("\r\n")[1:-2])
                }
                body = await reader.readexactly(int(headers["content-length"]))
                status = self._answer(body, len(self.requests))
                self.requests.append((headers, body))
                if status == 0:
                    break
                writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\n[]".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client is done, or the test is
        finally:
            writer.close()


@asynccontextmanager
async def door(answer: Callable[[bytes, int], int]) -> AsyncIterator[Door]:
    """A door on a free port of loopback."""
    it = Door(answer)
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()


async def send(it: Door, plan: Plan) -> Report:
    target = Target(f"http://127.0.0.1:{it.port}/xAPI", CREDENTIALS, Settings().broker, "zone")
    return await simulate(plan, target)


def plan(count: int, faults: Faults = NO_FAULTS, *, patience_seconds: float = 20.0) -> Plan:
    return Plan(count=count, schools=1, http_share=1.0, faults=faults, patience_seconds=patience_seconds)


async def test_statements_go_in_batches_over_few_connections_with_the_credential_of_their_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # However slow the machine is, what does not fill a batch leaves at the end.
    monkeypatch.setattr(sending, "_LINGER_SECONDS", 600)
    async with door(lambda *_: 200) as it:
        report = await send(it, plan(1500))
    assert (report.sent, report.rejected, report.resent, report.surprises) == (1500, 0, 0, [])
    assert it.connections <= 8
    assert len(it.requests) < 30
    for headers, body in it.requests:
        app = base64.b64decode(headers["authorization"].split()[1]).decode().split(":")[0].removeprefix("key-of-")
        assert headers["x-experience-api-version"] == ("2.0.0" if app == "midori-drill" else "1.0.3")
        assert b"midori" in body or app != "midori-drill"


async def test_what_must_be_rejected_travels_alone_and_its_rejection_is_no_surprise() -> None:
    wanted = plan(1200, Faults(malformed=0.05, conflicting=0.05))
    alone = [each.body for each in wanted.district().statements(1200) if each.alone]
    bad = set(alone)
    async with door(lambda body, _: 400 if body in bad else 200) as it:
        report = await send(it, wanted)
    assert report.rejected == len(alone) == sum(report.truth.rejected.values())
    assert report.surprises == []


async def test_a_rejection_that_the_plan_does_not_explain_is_told() -> None:
    async with door(lambda *_: 400) as it:
        report = await send(it, plan(300))
    assert report.surprised == 300
    assert "400" in report.surprises[0]


async def test_a_follower_is_sent_only_after_its_original_is_answered() -> None:
    seen: set[str] = set()

    def answer(body: bytes, _: int) -> int:
        statements = orjson.loads(body)
        for each in statements if isinstance(statements, list) else [statements]:
            if each["verb"]["id"].endswith("voided"):
                assert each["object"]["id"] in seen
        seen.update(each["id"] for each in (statements if isinstance(statements, list) else [statements]))
        return 200

    async with door(answer) as it:
        report = await send(it, plan(800, Faults(voided=0.1, malformed=0.0, conflicting=0.0)))
    assert report.sent == 800
    assert report.surprises == []


@pytest.mark.parametrize("trouble", [0, 503, 429])
async def test_a_broken_connection_or_a_busy_gateway_is_tried_again_with_the_same_bytes(trouble: int) -> None:
    async with door(lambda _, number: trouble if number < 2 else 200) as it:
        report = await send(it, plan(400))
    bodies = [body for _, body in it.requests]
    assert bodies[0] in bodies[2:]
    assert report.sent == 400
    assert report.resent >= 2
    assert report.unsent == 0


async def test_what_gets_no_answer_is_given_up_and_told() -> None:
    async with door(lambda *_: 503) as it:
        report = await send(it, plan(200, patience_seconds=0.2))
    assert (report.sent, report.unsent) == (0, 200)
    assert "no answer" in report.surprises[0]


@pytest.mark.parametrize("count", [50, 3000])
async def test_a_refused_credential_stops_the_run(count: int) -> None:
    async with door(lambda *_: 401) as it:
        with pytest.raises(StopError, match="does not let"):
            await send(it, plan(count, Faults()))


async def test_an_app_without_a_credential_is_named() -> None:
    target = Target("http://127.0.0.1:1/xAPI", {}, Settings().broker, "zone")
    with pytest.raises(StopError, match="asahi-drill"):
        await simulate(plan(10), target)
