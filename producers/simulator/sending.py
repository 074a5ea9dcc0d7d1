"""Sends a stream of emissions at a set rate, both ways at once; a follower only once its original is acknowledged.

A retry repeats the same bytes with the same ids, so it is no other sending: the gateway answers an identical repeat
without logging it. Only a try whose result stayed unknown may have been logged before; those are counted as `resent`,
and the zone's duplicates may exceed the truth's by no more (see `producers.simulator.settlement`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from lrs.kernel.reasons import Refusal
from producers.simulator.acknowledgements import Ledger, Numbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from producers.simulator.emissions import Emission, Way

_TICK_SECONDS = 0.02
_LINGER_SECONDS = 0.25
# Breathing space for the event loop when nothing else makes the sender wait.
_UNPACED_TICK = 200


class Lane(Protocol):
    """A way that statements go."""

    async def send(self, app: str, emissions: list[Numbered]) -> None:
        """Send, and settle every emission in the ledger."""
        ...


class Sender:
    """Hands emissions out in batches: `batch` is the most per request or SDK call, `flying` the most at once."""

    def __init__(self, lanes: Mapping[Way, Lane], ledger: Ledger, *, batch: Mapping[Way, int], flying: int) -> None:
        self._lanes = lanes
        self._ledger = ledger
        self._batch = batch
        self._limits = {way: asyncio.Semaphore(flying) for way in lanes}
        self._waiting: dict[tuple[Way, str], list[Numbered]] = {}
        self._oldest: dict[tuple[Way, str], float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, emissions: Iterable[Emission], rate: float) -> None:
        """Send all, `rate` a second (0: as fast as possible); returns when everything is settled.

        Raises the first `StopError` of a way; what is under way then is cancelled.
        """
        try:
            await self._hand_out(emissions, rate)
            await self._flush()
            while self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                self._reap()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _hand_out(self, emissions: Iterable[Emission], rate: float) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        every = max(1, int(rate * _TICK_SECONDS)) if rate > 0 else _UNPACED_TICK
        for number, emission in enumerate(emissions):
            if number % every == 0:
                await self._tick(began + number / rate if rate > 0 else 0.0)
            if emission.after >= 0 and self._ledger.is_open(emission.after):
                await self._flush()
                await self._ledger.wait_for(emission.after)
                self._reap()
            await self._take(number, emission)

    async def _tick(self, due: float) -> None:
        """Wait until `due`, and let nothing linger."""
        self._reap()
        now = asyncio.get_running_loop().time()
        for key, since in list(self._oldest.items()):
            if now - since > _LINGER_SECONDS:
                await self._start(key, self._pop(key))
        await asyncio.sleep(max(0.0, due - now))

    async def _take(self, number: int, emission: Emission) -> None:
        self._ledger.open(number)
        key = (emission.way, emission.app)
        numbered = Numbered(number, emission.body, emission.alone, emission.expect.reason == Refusal.CONFLICT)
        if emission.alone:
            await self._start(key, [numbered])
            return
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = []
            self._oldest[key] = asyncio.get_running_loop().time()
        waiting.append(numbered)
        if len(waiting) >= self._batch[emission.way]:
            await self._start(key, self._pop(key))

    def _pop(self, key: tuple[Way, str]) -> list[Numbered]:
        self._oldest.pop(key, None)
        return self._waiting.pop(key, [])

    async def _flush(self) -> None:
        for key in list(self._waiting):
            await self._start(key, self._pop(key))

    async def _start(self, key: tuple[Way, str], emissions: list[Numbered]) -> None:
        way, app = key
        await self._limits[way].acquire()
        self._reap()
        self._tasks.add(asyncio.create_task(self._send(way, app, emissions)))

    async def _send(self, way: Way, app: str, emissions: list[Numbered]) -> None:
        try:
            await self._lanes[way].send(app, emissions)
        except Exception:
            self._ledger.abort()
            raise
        finally:
            self._limits[way].release()

    def _reap(self) -> None:
        """Forget tasks that are done; the first error ends the run."""
        done = {task for task in self._tasks if task.done()}
        self._tasks -= done
        errors = [error for task in done if (error := task.exception()) is not None]
        if errors:
            raise errors[0]
