"""A moment's memory of answers: many viewers of a page cost one query, and the event loop never waits for it."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Answer = TypeVar("Answer")


class BriefCache:
    """Computes in threads of its own; equal questions that come together, or within `seconds`, share one answer."""

    def __init__(self, *, threads: int, seconds: float = 0.25, entries: int = 256) -> None:
        """`seconds` is how old an answer may be, which adds to its freshness; beyond `entries` the oldest goes."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="board")
        self._seconds = seconds
        self._entries = entries
        self._answers: dict[Hashable, tuple[float, asyncio.Future[Any]]] = {}

    async def get(self, key: Hashable, compute: Callable[[], Answer]) -> Answer:
        """What `compute` returned for an equal `key` a moment ago, or now. A failure is not remembered."""
        now = time.monotonic()
        at, future = self._answers.get(key, (0.0, None))
        if future is None or (future.done() and now - at > self._seconds):
            future = asyncio.get_running_loop().run_in_executor(self._pool, compute)
            self._answers.pop(key, None)
            self._answers[key] = (now, future)
            while len(self._answers) > self._entries:
                del self._answers[next(iter(self._answers))]
        try:
            # Shielded: a viewer who leaves must not cancel what others wait for.
            answer: Answer = await asyncio.shield(future)
        except Exception:
            if self._answers.get(key, (0.0, None))[1] is future:
                del self._answers[key]
            raise
        return answer

    def close(self) -> None:
        """Wait for what is being computed and end the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)
