"""Slices from Kafka to confirmed: decided, written, and only then acked. Tried again in place, never passed over.

May park for ever instead of raising, because Faust acks or restarts past what an agent raises: a failure that ends the
part is told through `failed`.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from lrs.kernel.codec import ContractError, UnknownSchemaError
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.logs import get_logger
from lrs.kernel.metrics import (
    PROCESSOR_RETRIES,
    PROCESSOR_SLICE_SECONDS,
    PROCESSOR_SLICES,
    PROCESSOR_STATEMENTS,
    PROCESSOR_WITHHELD,
    STREAM_RECORDS,
)
from lrs.kernel.reasons import Outcome
from lrs.kernel.topics import Noun
from processors.poison import poison_letter
from processors.sink import ANOTHER_RELEASE
from processors.slices import Outcomes, publish_slice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lrs.kernel.pseudonyms import Pseudonyms
    from processors.batch_producer import BatchProducer
    from processors.log_order import LogOrder
    from processors.reference_entries import Views

_log = get_logger(__name__)
_T = TypeVar("_T")

_STOP_SECONDS = 3.0
_BACK_OFF_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Targets(NamedTuple):
    """Names of the topics that a slice may lead to."""

    activity: str
    refused: str


class SliceStep:
    """Takes slices one at a time, and decides one while the one before it is being confirmed.

    Made and used on one event loop. Writes never overlap, so the records of a partition keep the log's order, and every
    slice is acked only after those before it.
    """

    def __init__(
        self, views: Views, keys: Pseudonyms, *, order: LogOrder, producer: BatchProducer, targets: Targets
    ) -> None:
        self._views = views
        self._keys = keys
        self._order = order
        self._producer = producer
        self._targets = targets
        self._taking = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._given_up = False
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.trouble = ""
        self.last_done_at = time.monotonic()

    async def take(self, event: Any) -> None:  # noqa: ANN401 - faust ships few types
        """Return when the slice is decided and on its way; it is acked when it is confirmed.

        Does not return once stopping, or after a failure.
        """
        async with self._taking:
            if event.message.generation_id != event.app.consumer_generation_id:
                return  # of an earlier assignment: whoever owns the partition now reads it again
            if not self._stopping.is_set() and not self.failed.done():
                try:
                    await self._decide(event)
                except _StoppedError:
                    pass
                except Exception as error:  # noqa: BLE001 - whatever it is, Faust must not see it: it would skip
                    self._fail(error)
                else:
                    return
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """Take no more slices, and wait for the one being written; if it takes too long it is given up, unacked."""
        self._stopping.set()
        if self._writing is not None:
            _, late = await asyncio.wait([self._writing], timeout=_STOP_SECONDS)
            for write in late:
                self._given_up = True
                write.cancel()
        async with self._taking:
            with suppress(_StoppedError):
                await self._written()

    @property
    def is_writing(self) -> bool:
        """Whether a slice is in flight."""
        return self._taking.locked() or (self._writing is not None and not self._writing.done())

    async def _decide(self, event: Any) -> None:  # noqa: ANN401 - faust ships few types
        message = event.message
        place = message.partition, message.offset, message.generation_id
        if not await self._until_done(lambda: self._order.admit(*place)):
            await self._written()
            _ack(event)
            return
        started = time.perf_counter()
        try:
            outcomes = publish_slice(message.value, message.partition, self._views, self._keys)
        except UnknownSchemaError as error:
            problem = f"{message.topic}-{message.partition} offset {message.offset} cannot be read: {error}"
            raise StopError(problem, remedy=ANOTHER_RELEASE) from error
        except ContractError as error:
            _log.error("slice_refused", partition=message.partition, offset=message.offset)
            outcomes = Outcomes(message.partition, [_letter(message, error)], Counter())
            topic = self._targets.refused
        else:
            topic = self._targets.activity
        await self._written()
        if self._stopping.is_set():
            raise _StoppedError
        self._order.taken(*place)
        self._writing = asyncio.create_task(self._write(event, topic, outcomes, started))

    async def _write(self, event: Any, topic: str, outcomes: Outcomes, started: float) -> None:  # noqa: ANN401
        try:
            await self._until_done(lambda: self._producer.publish(topic, outcomes.partition, outcomes.records))
        except _StoppedError:
            self._given_up = True
            return
        except Exception as error:  # noqa: BLE001 - told to the part, which ends
            self._fail(error)
            return
        _ack(event)
        self.last_done_at = time.monotonic()
        PROCESSOR_SLICE_SECONDS.observe(time.perf_counter() - started)
        PROCESSOR_SLICES.inc()
        STREAM_RECORDS.labels(Noun.ACCEPTED.value, str(outcomes.partition)).inc()
        if topic == self._targets.activity:
            _count(outcomes)

    async def _written(self) -> None:
        if self._writing is not None:
            await asyncio.wait([self._writing])
        if self.failed.done() or self._given_up:
            raise _StoppedError

    def _fail(self, error: Exception) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)

    async def _until_done(self, action: Callable[[], Awaitable[_T]]) -> _T:
        tries = 0
        while True:
            try:
                done = await action()
            except RetryError as error:
                self.trouble = str(error)
                PROCESSOR_RETRIES.inc()
                await self._back_off(_BACK_OFF_SECONDS[min(tries, len(_BACK_OFF_SECONDS) - 1)])
                tries += 1
            else:
                self.trouble = ""
                return done

    async def _back_off(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise _StoppedError


class _StoppedError(Exception):
    """Told to stop while a slice could not be written, or the part has failed."""


def _ack(event: Any) -> None:  # noqa: ANN401 - faust ships few types
    # What an earlier assignment took is not ours to commit: the partition begins again at its committed offset.
    if event.message.generation_id == event.app.consumer_generation_id:
        event.ack()


def _count(outcomes: Outcomes) -> None:
    withheld = outcomes.withheld.total()
    PROCESSOR_STATEMENTS.labels(Outcome.PUBLISHED.value).inc(len(outcomes.records) - withheld)
    PROCESSOR_STATEMENTS.labels(Outcome.WITHHELD.value).inc(withheld)
    for reason, count in outcomes.withheld.items():
        PROCESSOR_WITHHELD.labels(reason).inc(count)


def _letter(message: Any, error: ContractError) -> tuple[bytes | None, bytes]:  # noqa: ANN401 - see above
    at_ms = int(message.timestamp * 1000)
    return poison_letter(
        Noun.ACCEPTED,
        message.topic,
        message.partition,
        message.offset,
        at_ms=at_ms,
        original=message.value,
        problem=str(error),
    )
