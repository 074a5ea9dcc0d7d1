"""Connections wait for their client for a bounded time, and no more of them than there is room for."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from lrs.api.gateway.connections import OneWrite
from lrs.api.gateway.patience import Patience
from lrs.api.gateway.waiting import Phase, Waiting
from tests.support.waiting import eventually


class Line:
    """A connection that notes what happens to it."""

    def __init__(self, phase: Phase = Phase.IDLE) -> None:
        self.phase = phase
        self.said: list[str] = []

    def leave(self) -> None:
        self.said.append("left")

    def expire(self) -> None:
        self.said.append("expired")


def test_beyond_the_limit_the_one_that_waits_longest_leaves_and_busy_ones_never() -> None:
    waiting = Waiting(3, header_seconds=1, idle_seconds=1)
    lines = [Line() for _ in range(6)]
    for now, line in zip(count(1.0), lines[:3], strict=False):
        waiting.opened(line, now)
    del waiting.since[lines[0]]  # it has a request under way
    for now, line in zip(count(4.0), lines[3:5], strict=False):
        waiting.opened(line, now)
    assert [line.said for line in lines] == [[], ["left"], ["left"], [], [], []]
    waiting.closed(lines[1])
    waiting.closed(lines[2])
    waiting.opened(lines[5], 6.0)
    assert lines[3].said == ["left"]


async def test_each_phase_has_its_own_time_and_a_client_that_does_not_read_its_own() -> None:
    loop = asyncio.get_running_loop()
    waiting = Waiting(100, header_seconds=20, idle_seconds=75)
    late = [Line(Phase.HEAD), Line(Phase.BODY), Line(Phase.IDLE), Line(Phase.BODY)]
    in_time = [Line(Phase.HEAD), Line(Phase.BODY), Line(Phase.IDLE), Line(Phase.IDLE)]
    now = loop.time()
    for line, since in zip(late + in_time, (21, 61, 76, 0, 15, 55, 70, 0), strict=True):
        waiting.opened(line, now - since)
    waiting.stuck |= {late[3]: now - 61, in_time[3]: now - 50}
    sweeping = asyncio.create_task(waiting.sweep())
    await eventually(lambda: all(line.said for line in late))
    sweeping.cancel()
    assert all(set(line.said) == {"expired"} for line in late)
    assert not any(line.said for line in in_time)


class Wire(asyncio.Transport):
    """A transport that notes what is written at once."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def write_eof(self) -> None:
        self.written.append(b"ended")

    def close(self) -> None:
        self.written.append(b"closed")

    def is_closing(self) -> bool:
        return b"closed" in self.written


def test_head_and_body_go_out_together_and_nothing_is_held_back_at_the_end() -> None:
    wire = Wire()
    out = OneWrite(wire, lambda: False)
    for data in (
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"body",
        b"more",
        b"HTTP/1.1 204\r\n\r\n",
    ):
        out.write(data)
    out.flush()
    out.flush()
    out.write(b"HTTP/1.1 400\r\n\r\n")
    out.close()
    assert wire.written == [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nbody",
        b"more",
        b"HTTP/1.1 204\r\n\r\n",
        b"HTTP/1.1 400\r\n\r\n",
        b"closed",
    ]


def test_where_a_connection_lingers_only_what_is_sent_ends_and_the_next_close_closes() -> None:
    wire, lingers = Wire(), iter((True, False))
    out = OneWrite(wire, lambda: next(lingers))
    out.write(b"HTTP/1.1 408\r\n\r\n")
    out.close()
    assert out.is_closing()
    out.write(b"HTTP/1.1 200 OK\r\n\r\n")
    assert wire.written == [b"HTTP/1.1 408\r\n\r\n", b"ended"]
    out.close()
    assert wire.written[2:] == [b"closed"]


async def test_patience_ends_the_wait_and_not_what_is_waited_for() -> None:
    loop = asyncio.get_running_loop()
    patience = Patience(0.05)
    slow: asyncio.Future[str] = loop.create_future()
    with pytest.raises(TimeoutError):
        await patience.wait(slow)
    assert not slow.done()
    slow.set_result("late")
    assert await patience.wait(slow) == "late"


async def test_patience_passes_on_an_outcome_an_error_and_a_cancellation() -> None:
    loop = asyncio.get_running_loop()
    patience = Patience(60)
    done, failed, pending = loop.create_future(), loop.create_future(), loop.create_future()
    waits = [asyncio.create_task(patience.wait(one)) for one in (done, failed, pending)]
    await asyncio.sleep(0)
    done.set_result("outcome")
    failed.set_exception(ValueError("error"))
    assert await waits[0] == "outcome"
    with pytest.raises(ValueError, match="error"):
        await waits[1]
    waits[2].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits[2]
    assert not pending.done()
