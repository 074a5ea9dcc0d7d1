"""How far the archive has come, told by the recorder and waited for by readers in other threads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import Protocol


class Progress(Protocol):
    """What a reader needs to keep read-your-writes."""

    async def wait_for(self, ends: Mapping[int, int], timeout_seconds: float) -> bool:
        """Wait until every record before `ends[partition]` is archived; False when the time ran out."""
        ...

    def consistent_through_ms(self) -> int:
        """Milliseconds since 1970 UTC up to which everything stored is readable."""
        ...


class ArchiveProgress:
    """The `Progress` of a recorder in the same process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: dict[int, int] = {}
        self._through_ms: dict[int, int] = {}
        self._waiting: list[tuple[Mapping[int, int], asyncio.AbstractEventLoop, asyncio.Future[bool]]] = []

    def advance(self, partition: int, next_offset: int, through_ms: int) -> None:
        """The recorder archived everything before `next_offset`; nothing older than `through_ms` is outstanding."""
        with self._lock:
            self._next[partition] = max(next_offset, self._next.get(partition, 0))
            self._through_ms[partition] = max(through_ms, self._through_ms.get(partition, 0))
            done = [entry for entry in self._waiting if self._passed(entry[0])]
            self._waiting = [entry for entry in self._waiting if entry not in done]
        for _, loop, future in done:
            loop.call_soon_threadsafe(_resolve, future)

    def forget(self, partition: int) -> None:
        """The partition is no longer this recorder's."""
        with self._lock:
            self._next.pop(partition, None)
            self._through_ms.pop(partition, None)

    def next_offset(self, partition: int) -> int:
        """The first offset of the partition that is not yet archived."""
        with self._lock:
            return self._next.get(partition, 0)

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
        """The oldest of the partitions' watermarks; now, if no partition is assigned yet."""
        with self._lock:
            return min(self._through_ms.values(), default=int(time.time() * 1000))

    def _passed(self, ends: Mapping[int, int]) -> bool:
        return all(self._next.get(partition, 0) >= end for partition, end in ends.items())


def _resolve(future: asyncio.Future[bool]) -> None:
    if not future.done():
        future.set_result(True)
