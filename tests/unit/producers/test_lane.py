"""Records on their way to one partition: all, in order, each byte given back once, whatever becomes of a batch."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from lrs.kernel.publishing import Coordinates
from producers.lane import Call, Entry, Lane

ROOM = 4  # records of a batch


class Batch:
    """As the client makes them: full after a few records."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(self, *, timestamp: None, key: bytes, value: bytes) -> object | None:  # noqa: ARG002 - the client's
        if len(self.values) == ROOM:
            return None
        self.values.append(value)
        return object()

    def close(self) -> None:
        """Nothing more comes in."""


class Client:
    """Takes batches; a test says when, and how, each is confirmed."""

    def __init__(self) -> None:
        self.sent: list[tuple[list[bytes], asyncio.Future[Any]]] = []
        self.most = 100

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        assert (topic, partition) == ("topic", 3)
        if len(self.sent) == self.most:
            await asyncio.Event().wait()
        self.sent.append((batch.values, asyncio.get_running_loop().create_future()))
        return self.sent[-1][1]


class Way:
    """A lane with its client, and what it gave back."""

    def __init__(self) -> None:
        self.client = Client()
        self.released = 0
        self.lane = Lane(
            3, producer=lambda: self.client, topic="topic", released=self._release, failed=lambda _: OSError("told")
        )

    def _release(self, size: int) -> None:
        self.released += size

    def add(self, *values: bytes, others: int = 0) -> Call:
        """A call with records for this partition, and `others` for another one before them."""
        call = Call(others + len(values), asyncio.get_running_loop().create_future())
        for place, value in enumerate(values, others):
            self.lane.add(Entry(b"key", value, call, place))
        return call

    async def confirm(self, number: int, offset: int) -> None:
        """The broker has a batch."""
        self.client.sent[number][1].set_result(SimpleNamespace(offset=offset))
        await settled()


async def settled() -> None:
    """Let the lane do what it can."""
    for _ in range(10):
        await asyncio.sleep(0)


def several(letter: str, count: int) -> list[bytes]:
    return [f"{letter}{number}".encode() for number in range(count)]


async def test_what_waits_leaves_together_and_each_call_learns_its_own_places() -> None:
    way = Way()
    first, second = way.add(b"a0"), way.add(b"b0", b"b1", others=1)
    await settled()
    assert [values for values, _ in way.client.sent] == [[b"a0", b"b0", b"b1"]]
    await way.confirm(0, 70)
    assert (first.future.done(), first.coordinates) == (True, [Coordinates(3, 70)])
    assert second.coordinates == [Coordinates(-1, -1), Coordinates(3, 71), Coordinates(3, 72)]
    assert not second.future.done()  # its first record is on its way elsewhere
    assert way.released == 6


async def test_what_does_not_fit_goes_on_in_the_next_batches_in_order() -> None:
    way = Way()
    call = way.add(*several("a", 2 * ROOM + 1))
    await settled()
    assert len(way.client.sent) == 2  # the one under way, and a full one ready to follow
    await way.confirm(0, 10)
    await way.confirm(1, 100)
    await way.confirm(2, 200)
    assert [values for values, _ in way.client.sent] == [several("a", 9)[:4], several("a", 9)[4:8], several("a", 9)[8:]]
    assert [offset for _, offset in call.coordinates] == [10, 11, 12, 13, 100, 101, 102, 103, 200]
    assert call.future.done()
    assert way.released == 18


async def test_a_batch_that_the_broker_had_already_lies_nobody_knows_where() -> None:
    way = Way()
    call = way.add(b"a0", b"a1")
    await settled()
    await way.confirm(0, -1)
    assert call.coordinates == [Coordinates(3, -1)] * 2
    assert call.future.done()


async def test_what_nobody_waits_for_any_more_does_not_leave() -> None:
    way = Way()
    way.add(b"a0")
    await settled()
    given_up, kept = way.add(b"b0", b"b1"), way.add(b"c0")
    given_up.abandoned = True
    await way.confirm(0, 1)
    await way.confirm(1, 2)
    assert [values for values, _ in way.client.sent] == [[b"a0"], [b"c0"]]
    assert kept.future.done()
    assert way.released == 8


async def test_a_batch_that_fails_fails_its_calls_and_no_other() -> None:
    way = Way()
    failing = way.add(b"a0", b"a1")
    await settled()
    later = way.add(b"b0")
    way.client.sent[0][1].set_exception(ConnectionError())
    await settled()
    with pytest.raises(OSError, match="told"):
        failing.future.result()
    await way.confirm(1, 5)
    assert later.coordinates == [Coordinates(3, 5)]
    assert way.released == 6


async def test_whatever_has_not_arrived_is_given_up_once_when_the_lane_is_cancelled() -> None:
    way = Way()
    way.client.most = 1  # the second batch is made, and not taken
    flying = way.add(*several("a", ROOM))
    halfway, waiting = way.add(*several("b", ROOM + 2)), way.add(b"c0")
    await settled()
    await way.lane.cancel()
    for call in (flying, halfway, waiting):
        with pytest.raises(OSError, match="told"):
            call.future.result()
    assert way.released == 2 * (ROOM + ROOM + 2 + 1)
