"""One partition's way to the broker: whatever waits while a batch is under way leaves together in the next batch.

So an idle publisher answers in one round trip and a busy one writes large batches, without a linger time to tune. Never
more than two batches of a partition are under way: the one the broker has, and a full one that is ready to follow it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.kernel.publishing import Coordinates

if TYPE_CHECKING:
    from collections.abc import Callable

_AHEAD = 2


class Call:
    """One call of `publish`: done when the last of its records is acknowledged, failed when the first one fails."""

    __slots__ = ("abandoned", "coordinates", "future", "open")

    def __init__(self, records: int, future: asyncio.Future[None]) -> None:
        self.coordinates: list[Coordinates] = [Coordinates(-1, -1)] * records
        self.open = records
        self.future = future
        self.abandoned = False

    def acknowledge(self, place: int, where: Coordinates) -> None:
        """Record `place` lies at `where`."""
        self.coordinates[place] = where
        self.open -= 1
        if not self.open and not self.future.done():
            self.future.set_result(None)

    def fail(self, error: BaseException) -> None:
        """A record of this call was not confirmed."""
        if not self.future.done():
            self.future.set_exception(error)


class Entry(NamedTuple):
    """One record on its way: key, value, whose it is and its place there."""

    key: bytes
    value: bytes
    call: Call
    place: int


class Lane:
    """Batches of one partition. Belongs to one event loop."""

    def __init__(
        self,
        partition: int,
        *,
        producer: Callable[[], Any],
        topic: str,
        released: Callable[[int], None],
        failed: Callable[[Exception], BaseException],
    ) -> None:
        """`producer` gives the current aiokafka producer, `released` takes the bytes that left memory.

        `failed` is told of a failed write and gives the error for its callers.
        """
        self._partition = partition
        self._producer = producer
        self._topic = topic
        self._released = released
        self._failed = failed
        self._waiting: deque[Entry] = deque()
        self._flying: deque[tuple[list[Entry], asyncio.Future[Any]]] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(self, entry: Entry) -> None:
        """Take one record; it leaves with everything else that arrives before this turn of the event loop ends."""
        self._waiting.append(entry)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._pump())

    async def drained(self) -> None:
        """Wait until nothing waits and nothing is under way."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def cancel(self) -> None:
        """Give up everything: callers are told that their records are not confirmed."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        left = [*(entry for entries, _ in self._flying for entry in entries), *self._waiting]
        self._flying.clear()
        self._waiting.clear()
        self._give_up(left, ConnectionError("the publisher was stopped"))

    async def _pump(self) -> None:
        while self._waiting or self._flying:
            # A second batch is made ready only from what did not fit into the first: a partly filled one would take
            # from the batch after it what could still join it.
            if self._waiting and len(self._flying) < (_AHEAD if len(self._waiting) > self._last_size() else 1):
                await self._submit()
            else:
                await self._settle()

    def _last_size(self) -> int:
        return len(self._flying[-1][0]) if self._flying else 0

    async def _submit(self) -> None:
        producer = self._producer()
        batch, entries = producer.create_batch(), []
        while self._waiting:
            entry = self._waiting[0]
            if entry.call.abandoned:
                self._released(len(entry.value))
            elif batch.append(timestamp=None, key=entry.key, value=entry.value) is None:
                break
            else:
                entries.append(entry)
            self._waiting.popleft()
        if not entries:
            return
        batch.close()
        try:
            future = await producer.send_batch(batch, self._topic, partition=self._partition)
        except asyncio.CancelledError:
            self._waiting.extendleft(reversed(entries))
            raise
        except Exception as error:  # noqa: BLE001 - every failure of the client is the callers' to hear
            self._give_up(entries, error)
        else:
            self._flying.append((entries, future))

    async def _settle(self) -> None:
        entries, future = self._flying[0]
        try:
            written = await future
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - every failure of the client is the callers' to hear
            self._flying.popleft()
            self._give_up(entries, error)
            return
        self._flying.popleft()
        # The broker knows a batch it already has, but may have forgotten where: then the offset is -1 for all of it.
        step = 1 if written.offset >= 0 else 0
        size = 0
        for number, (_, value, call, place) in enumerate(entries):
            call.acknowledge(place, Coordinates(self._partition, written.offset + number * step))
            size += len(value)
        self._released(size)

    def _give_up(self, entries: list[Entry], error: Exception) -> None:
        if not entries:
            return
        told = self._failed(error)
        for entry in entries:
            entry.call.fail(told)
        self._released(sum(len(entry.value) for entry in entries))
