"""How far the archive has come, told by the recorder and waited for by readers in other threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Protocol


class Progress(Protocol):
    """What a reader needs to keep read-your-writes."""

    async def wait_for(self, ends: Mapping[int, int], timeout_seconds: float) -> bool:
        """Wait until every record before `ends[partition]` is archived; False when the time ran out."""
        ...

    def positions(self) -> Mapping[int, int]:
        """By partition, the first offset that is not yet archived, as of now."""
        ...

    def consistent_through_ms(self) -> int:
        """Milliseconds since 1970 UTC: everything that was on the log then is readable. 0 while that is not known."""
        ...

    def passed(self, at_ms: int) -> None:
        """Whoever waited saw it: everything that was on the log at `at_ms` is archived."""
        ...


class ArchiveProgress:
    """The `Progress` of a recorder in the same process. Thread-safe."""

    def __init__(self, partitions: int) -> None:
        """`partitions`: how many `received` has; what one of them holds back is not told of by the others."""
        self._partitions = partitions
        self._passed_ms = 0
        self._lock = threading.Lock()
        self._next: dict[int, int] = {}
        self._through_ms: dict[int, int] = {}
        self._waiting: list[tuple[Mapping[int, int], asyncio.AbstractEventLoop, asyncio.Future[bool]]] = []

    def advance(self, partition: int, next_offset: int, through_ms: int) -> None:
        """The recorder archived everything before `next_offset`, and so whatever was on the partition at `through_ms`.

        `through_ms` 0: it is not known when that was.
        """
        with self._lock:
            self._next[partition] = max(next_offset, self._next.get(partition, 0))
            self._through_ms[partition] = max(through_ms, self._through_ms.get(partition, 0))
            done = [entry for entry in self._waiting if self._passed(entry[0])]
            self._waiting = [entry for entry in self._waiting if entry not in done]
        for _, loop, future in done:
            loop.call_soon_threadsafe(_resolve, future)

    def forget(self, partition: int) -> None:
        """The partition is no longer this recorder's. What it archived stays readable, whoever goes on."""
        with self._lock:
            self._next.pop(partition, None)

    def next_offset(self, partition: int) -> int:
        """The first offset of the partition that is not yet archived."""
        with self._lock:
            return self._next.get(partition, 0)

    def positions(self) -> dict[int, int]:
        """By partition, the first offset that is not yet archived, as of now."""
        with self._lock:
            return dict(self._next)

    async def wait_for(self, ends: Mapping[int, int], timeout_seconds: float) -> bool:
        """Wait until every record before `ends[partition]` is archived; False when the time ran out."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._passed(ends):
                return True
            future: asyncio.Future[bool] = loop.create_future()
            entry = (ends, loop, future)
            self._waiting.append(entry)
        try:
            return await asyncio.wait_for(future, timeout_seconds)
        except TimeoutError:
            return False
        finally:
            with self._lock:
                self._waiting = [other for other in self._waiting if other is not entry]

    def consistent_through_ms(self) -> int:
        """The oldest of all partitions' watermarks, or what a reader saw since. Never goes back.

        0 until every partition has told of itself: a statement may lie on one that has not. Readers wait then, too.
        """
        with self._lock:
            told = min(self._through_ms.values()) if len(self._through_ms) == self._partitions else 0
            return max(told, self._passed_ms)

    def passed(self, at_ms: int) -> None:
        """Everything that was on the log at `at_ms` is archived."""
        with self._lock:
            self._passed_ms = max(self._passed_ms, at_ms)

    def _passed(self, ends: Mapping[int, int]) -> bool:
        return all(self._next.get(partition, 0) >= end for partition, end in ends.items())


def _resolve(future: asyncio.Future[bool]) -> None:
    if not future.done():
        future.set_result(True)
