"""Waiting for many tasks, each for a bounded time, with one timer for all of them.

A timer a request costs a hundredth of the request, and nearly none of them ever rings.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

T = TypeVar("T")

_PARTS = 8  # a wait is ended late by at most this part of its time


class Patience:
    """Belongs to one event loop. The timer runs only while something is waited for."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadlines: dict[asyncio.Future[Any], float] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, task: asyncio.Future[T]) -> T:
        """The outcome of `task`. It goes on when who waits is cancelled, or gets a `TimeoutError` after `seconds`."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[T] = asyncio.shield(task)
        self._deadlines[waiting] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds / _PARTS, self._ring)
        try:
            return await waiting
        finally:
            del self._deadlines[waiting]

    def _ring(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for waiting, deadline in self._deadlines.items():
            # In the order of their deadlines: the time is the same for all.
            if deadline > now:
                break
            if not waiting.done():
                waiting.set_exception(TimeoutError())
        self._timer = loop.call_later(self._seconds / _PARTS, self._ring) if self._deadlines else None
