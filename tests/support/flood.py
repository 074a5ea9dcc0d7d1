"""Many clients that send the same to a record store over and over, and what that does to it and to its neighbours."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import psutil

from tests.support.http_zone import Zone
from tests.support.neighbour import Neighbour, Noticed

BROKEN = 0  # the "status" where the record store hung up, as it may on who goes on to send
_NOTICEABLE_SECONDS = 0.25
_STALL_SECONDS = 1.0
_SAMPLE_SECONDS = 0.02
_SECONDS = 60


def posted(zone: Zone, body: bytes, *headers: str) -> bytes:
    """A POST of statements as bytes."""
    pair = base64.b64encode(":".join(zone.auth).encode()).decode()
    head = (
        "POST /xAPI/statements HTTP/1.1",
        "Host: a",
        f"Authorization: Basic {pair}",
        "Content-Type: application/json",
        "X-Experience-API-Version: 1.0.3",
        f"Content-Length: {len(body)}",
        *headers,
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def flood(zone: Zone, requests: Sequence[bytes], clients: int) -> AsyncIterator[Counter[int]]:
    """So many clients that each send the requests in turn, each over a connection of its own: how often which status.

    At the end each of them waits for its last answer: nothing of it is left to do for the record store.
    """
    statuses, over = Counter[int](), asyncio.Event()

    async def client(place: int) -> None:
        while not over.is_set():
            statuses[await _status(zone, requests[place % len(requests)])] += 1
            place += 1

    tasks = [asyncio.create_task(client(number)) for number in range(clients)]
    try:
        yield statuses
    finally:
        over.set()
        await asyncio.gather(*tasks)


async def _status(zone: Zone, request: bytes) -> int:
    reader, writer = await asyncio.open_connection(*zone.place)
    try:
        async with asyncio.timeout(_SECONDS):
            with suppress(ConnectionError):
                writer.write(request)
                await writer.drain()
                return int((await reader.readline())[9:12] or BROKEN)
        return BROKEN
    finally:
        writer.close()


class Beside:
    """What a good client notices beside others, and beside them while they do harm; and the harm to memory."""

    def __init__(self, zone: Zone, good: Neighbour) -> None:
        self.zone = zone
        self._good = good
        self._process = psutil.Process(zone.pid)
        self.before = self._process.memory_info().rss
        self.most_bytes = self.before
        self.usual = self.harmed = Noticed()

    @property
    def growth(self) -> int:
        """By how many bytes the record store was larger than at the beginning, at most, while harm was done."""
        return self.most_bytes - self.before

    async def usually(self, count: int) -> None:
        """Notice so many requests while nobody does harm."""
        self.usual = self.usual.and_then(await self._good.notice(count))

    async def while_harmed(self, count: int) -> None:
        """Notice so many requests while somebody does."""
        noticing = asyncio.create_task(self._good.notice(count))
        while not noticing.done():
            self.most_bytes = max(self.most_bytes, self._process.memory_info().rss)
            await asyncio.wait((noticing,), timeout=_SAMPLE_SECONDS)
        self.harmed = self.harmed.and_then(await noticing)

    def faults(self, times: float = 5) -> list[str]:
        """What is not as it should be: an error, or a latency so many times the usual one.

        The slow ones are compared with the slowest of the usual: on a busy machine a single one means little, and of a
        hundred the 99th percentile is a single one. What harm does is a matter of seconds.
        """
        usual, harmed = self.usual, self.harmed
        slow = [
            f"{name}: {seen:.4f} s where {was:.4f} s is usual"
            for name, seen, was, least in (
                ("median", harmed.median, usual.median, _NOTICEABLE_SECONDS),
                ("99th percentile", harmed.p99, max(usual.seconds), _STALL_SECONDS),
            )
            if seen > max(times * was, least)
        ]
        return slow + [f"{one.errors} errors" for one in (usual, harmed) if one.errors]
