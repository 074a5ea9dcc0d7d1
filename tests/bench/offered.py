"""Load that does not ask whether a zone can take it: statements over HTTP and through the SDK, from one process.

`python -m tests.bench.offered PLAN.json`: prints one JSON line a second of what it saw so far. The loop is open: what
falls due is sent whether or not earlier answers came, as long as it has a free connection; what had none was never
offered, and is told. Statements have no id: the same bodies are new statements each time they are sent.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from lrs.kernel.settings import BrokerSettings
from producers.sdk import SendError, StatementPublisher
from producers.simulator.emissions import NO_FAULTS
from producers.simulator.run import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZES = {"http": 50, "sdk": 500}
_MOST = {"http": 48, "sdk": 16}  # requests and calls that wait for their answer at once
_BODIES = 4000
_TICK_SECONDS = 0.05
_ANSWER_SECONDS = 60.0
_GRACE_SECONDS = 70.0


def bodies(seed: int) -> dict[str, list[bytes]]:
    """Statements of each app of the simulated district, all of which a zone publishes, without their ids."""
    found: dict[str, list[bytes]] = {}
    district = Plan(seed=seed, http_share=0, faults=NO_FAULTS).district()
    for emission in district.statements(_BODIES):
        statement = orjson.loads(emission.body)
        statement.pop("id", None)
        found.setdefault(emission.app, []).append(orjson.dumps(statement))
    return found


class Offered:
    """Sends, and counts by outcome."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._bodies = bodies(plan["seed"])
        self._apps: Iterator[str] = cycle(sorted(self._bodies))
        self._places: Counter[str] = Counter()
        self._publishers: dict[str, StatementPublisher] = {}
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way = Counter[str]()
        self.seen: Counter[str] = Counter()
        """Statements by what became of them: http_200, http_503, …, sdk_sent, …; and unknown: nobody can say."""

    async def run(self) -> None:
        """Offer `rate` statements a second for `seconds`; 0: as many as are taken."""
        for app in self._bodies:
            publisher = StatementPublisher(
                BrokerSettings.model_validate(self._plan["broker"]), zone=self._plan["zone"], app=app
            )
            self._publishers[app] = await publisher.__aenter__()
        telling = asyncio.create_task(self._tell())
        try:
            await self._offer(self._plan["rate"], time.monotonic() + self._plan["seconds"])
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_GRACE_SECONDS)
        finally:
            telling.cancel()
            for publisher in self._publishers.values():
                await publisher.__aexit__()
        self._say(end=True)

    async def _offer(self, rate: float, until: float) -> None:
        last, due = time.monotonic(), {"http": 0.0, "sdk": 0.0}
        share = self._plan["http_share"]
        while (now := time.monotonic()) < until:
            due["http"] += (now - last) * rate * share
            due["sdk"] += (now - last) * rate * (1 - share)
            last = now
            for way, size in _SIZES.items():
                while due[way] >= size or (not rate and self._under_way[way] < _MOST[way] // 4):
                    due[way] -= size
                    self._start(way)
            await asyncio.sleep(_TICK_SECONDS if rate else _TICK_SECONDS / 10)

    def _start(self, way: str) -> None:
        size = _SIZES[way]
        if self._under_way[way] >= _MOST[way]:
            self.seen[f"{way}_not_offered"] += size
            return
        app = next(self._apps)
        given, start = self._bodies[app], self._places[app]
        self._places[app] = start + size
        batch = [given[(start + number) % len(given)] for number in range(size)]
        self._under_way[way] += 1
        task = asyncio.create_task(self._post(app, batch) if way == "http" else self._send(app, batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, app: str, batch: list[bytes]) -> None:
        try:
            await self._publishers[app].send_many(batch)
            self.seen["sdk_sent"] += len(batch)
        except SendError as error:
            self.seen["sdk_sent"] += len(batch) - len(error.unsent)
            self.seen["unknown"] += len(error.unsent)
        finally:
            self._under_way["sdk"] -= 1

    async def _post(self, app: str, batch: list[bytes]) -> None:
        try:
            status, retry_after = await self._exchange(app, b"[" + b",".join(batch) + b"]")
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            self.seen["unknown"] += len(batch)
            return
        finally:
            self._under_way["http"] -= 1
        self.seen[f"http_{status}"] += len(batch)
        if status in {429, 503}:
            # A 503 may follow a write that the broker did not confirm in time, but has.
            self.seen["unknown"] += len(batch) if status == 503 else 0
            self.seen["without_retry_after"] += not retry_after

    async def _exchange(self, app: str, body: bytes) -> tuple[int, bool]:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = self._idle.pop() if self._idle else await self._connect()
            try:
                writer.write(self._head(app, len(body)) + body)
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
            except BaseException:
                writer.close()
                raise
        if b"connection: close" in head:
            writer.close()
        else:
            self._idle.append((reader, writer))
        return int(head[9:12]), b"\r\nretry-after: " in head

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._plan["port"])

    def _head(self, app: str, length: int) -> bytes:
        basic = base64.b64encode(":".join(self._plan["credentials"][app]).encode()).decode()
        return (
            "POST /xAPI/statements HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-Experience-API-Version: 1.0.3\r\nAuthorization: Basic {basic}\r\nContent-Length: {length}\r\n\r\n"
        ).encode()

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._say(end=False)

    def _say(self, *, end: bool) -> None:
        sys.stdout.write(json.dumps({"end": end, **self.seen}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(Offered(json.loads(Path(sys.argv[1]).read_text("utf-8"))).run())
