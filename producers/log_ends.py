"""Asks the broker where the partitions end, once for all who ask at the same time."""

from __future__ import annotations

import asyncio
from typing import Any


class LogEnds:
    """The end offsets of a topic's partitions through an aiokafka consumer that fetches nothing.

    A caller never gets an answer to a question that was put before the caller came: only then does "everything that was
    acknowledged before this call" hold. So whoever arrives during a question shares the next one.
    """

    def __init__(self, consumer: Any, partitions: list[Any]) -> None:  # noqa: ANN401 - aiokafka has no types
        self._consumer = consumer
        self._partitions = partitions
        self._asking: asyncio.Task[dict[int, int]] | None = None
        self._next: asyncio.Task[dict[int, int]] | None = None

    async def now(self) -> dict[int, int]:
        """End offset of each partition, taken after this call began. Raises the client's errors."""
        if self._next is None or self._next.done():
            self._next = asyncio.get_running_loop().create_task(self._ask(self._asking))
        return await asyncio.shield(self._next)

    async def stop(self) -> None:
        """Stop asking and close the consumer."""
        for task in (self._asking, self._next):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        await self._consumer.stop()

    async def _ask(self, before: asyncio.Task[dict[int, int]] | None) -> dict[int, int]:
        if before is not None and not before.done():
            await asyncio.wait([before])
        self._asking, self._next = self._next, None
        ends = await self._consumer.end_offsets(self._partitions)
        return {where.partition: int(end) for where, end in ends.items()}
