"""To the log at once, or through the spool while the broker is away; what waits there goes first, in order."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from lrs.kernel import metrics
from lrs.kernel.errors import RetryError
from lrs.kernel.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lrs.kernel.records import Received
    from producers.publisher import KafkaPublisher

T = TypeVar("T")

_ID_BYTES = 16
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_log = get_logger(__name__)


class Spooling:
    """Belongs to one event loop. Files are written and synced in a thread of its own."""

    def __init__(self, publisher: KafkaPublisher, folder: Path, *, max_bytes: int) -> None:
        """Raises `StopError` when the spool's folder cannot be had."""
        from producers.spool import Spool  # noqa: PLC0415 - needs Unix; an app without a spool does not

        self._publisher = publisher
        self._spool = Spool(folder, max_bytes=max_bytes)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._holding = True
        self._appending = 0
        self._work = asyncio.Event()
        self._empty = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_holding(self) -> bool:
        """Whether statements go through the spool now."""
        return self._holding

    async def start(self) -> None:
        """Connect, or go on trying while statements wait on the disk. What an earlier process left is sent first."""
        self._holding = not self._spool.is_empty
        try:
            await self._publisher.start()
        except RetryError as error:
            self._hold(error)
            connected = False
        else:
            connected = True
        self._task = asyncio.get_running_loop().create_task(self._replay(connected=connected))
        if self._holding:
            self._work.set()
        else:
            self._empty.set()

    async def stop(self, seconds: float) -> None:
        """Wait for the spool to empty, but not for ever; what is left is sent by the next process."""
        if self._task is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(0 if self._spool.is_empty else seconds):
                    await self._empty.wait()
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._publisher.stop()
        await self._in_thread(self._spool.close)
        self._thread.shutdown()

    async def deliver(self, records: Sequence[Received]) -> None:
        """Return when every record is on the log, or on this machine's disk.

        Raises `RefusedError` for one that is too large, `RetryError` when the spool has no room for them either.
        """
        encoded = [(record["statement_id"], self._publisher.encode(record)) for record in records]
        if not self._holding:
            try:
                await self._publisher.publish_encoded(encoded)
            except RetryError as error:
                self._hold(error)
            else:
                return
        await self._append([statement_id + value for statement_id, value in encoded])

    def _hold(self, error: RetryError) -> None:
        if not self._holding:
            _log.warning("spooling", error=str(error), bytes=self._spool.size)
        self._holding = True
        self._empty.clear()

    async def _append(self, values: list[bytes]) -> None:
        self._appending += 1
        try:
            await self._in_thread(lambda: self._spool.append(values))
        finally:
            self._appending -= 1
            self._work.set()
        metrics.PUBLISHER_SPOOLED.labels("spooled").inc(len(values))

    async def _replay(self, *, connected: bool) -> None:
        pause = _FIRST_PAUSE
        while True:
            await self._work.wait()
            try:
                if not connected:
                    await self._publisher.start()
                    connected = True
                if await self._send_oldest():
                    self._work.clear()
                    self._holding = False
                    self._empty.set()
                    _log.info("spool_empty")
            except RetryError as error:
                _log.info("spool_waits", error=str(error), seconds=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                pause = _FIRST_PAUSE

    async def _send_oldest(self) -> bool:
        """Whether everything is on the log; else one more segment is."""
        if not self._spool.is_empty:
            segment = await self._in_thread(self._spool.oldest)
            await self._publisher.publish_encoded([(both[:_ID_BYTES], both[_ID_BYTES:]) for both in segment.values])
            await self._in_thread(lambda: self._spool.discard_oldest(segment))
            metrics.PUBLISHER_SPOOLED.labels("replayed").inc(len(segment.values))
        return self._spool.is_empty and not self._appending

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
