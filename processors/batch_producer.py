"""Puts whole batches on one partition, confirmed and in order; what every stream step writes with.

Knows aiokafka's producer and nothing of statements.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.kafka_options import GIVE_UP_SECONDS, client_options
from lrs.kernel.logs import get_logger
from lrs.kernel.metrics import BROKER_ERRORS

if TYPE_CHECKING:
    from lrs.kernel.settings import BrokerSettings

_log = get_logger(__name__)

Batch = tuple[str, int, Sequence[tuple[bytes | None, bytes]]]
"""Topic, partition, and the (key, value) records for it."""

# One Kafka batch, before compression: large, because the next is sent only when this one is confirmed.
_BATCH_BYTES = 1 << 20
# Above max.message.bytes of every topic, so that the broker's limit counts and not the client's.
_REQUEST_BYTES = 32 << 20
_FINAL_ERRORS = (
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)


class BatchProducer:
    """An idempotent producer with acks=all that sends the batches of one call one after another.

    Why one after another: a sink skips what lies at or below its high-water, so a batch that failed while its successor
    got through would be lost. Here nothing follows a batch that is not confirmed.
    """

    def __init__(
        self, broker: BrokerSettings, *, client_id: str, compression: str | None = "zstd", confirm_seconds: float = 30.0
    ) -> None:
        """`confirm_seconds`: how long one batch may stay unconfirmed before `RetryError`."""
        self._broker = broker
        self._client_id = client_id
        self._compression = compression
        self._confirm_seconds = confirm_seconds
        self._producer: Any = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Connect. Raises `RetryError` while the broker is away."""
        async with self._starting:
            if self._producer is None:
                self._producer = await self._connect()

    async def _connect(self) -> Any:  # noqa: ANN401 - aiokafka has no types
        producer = AIOKafkaProducer(
            **client_options(self._broker),
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            compression_type=self._compression,
            max_batch_size=_BATCH_BYTES,
            max_request_size=_REQUEST_BYTES,
        )
        starting = asyncio.ensure_future(producer.start())
        try:
            await asyncio.shield(starting)
        except (KafkaError, OSError) as error:
            BROKER_ERRORS.labels("produce").inc()
            await producer.stop()
            raise RetryError(what="the broker", detail=f"{type(error).__name__}: {error}") from error
        except asyncio.CancelledError:
            await asyncio.wait([starting], timeout=GIVE_UP_SECONDS)
            starting.cancel()
            await producer.stop()
            raise
        return producer

    async def stop(self) -> None:
        """Disconnect. What was not confirmed is given up; its caller has not gone past it."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        # An idempotent producer would try its pending batches for ever, and stop() would wait for them.
        if (task := producer._sender.sender_task) is not None:  # noqa: SLF001 - there is no public way to give up
            task.cancel()
        with suppress(KafkaError, asyncio.CancelledError):
            await producer.stop()

    async def publish(self, topic: str, partition: int, records: Sequence[tuple[bytes | None, bytes]]) -> None:
        """Return once every (key, value) is confirmed by all in-sync replicas, in this order.

        Raises `RetryError` when not: some leading part of the records may be on the log, and all of them must be sent
        again before anything else. Raises `StopError` when the broker refuses one for good.
        """
        start = 0
        while start < len(records):
            await self.start()
            builder = self._producer.create_batch()
            end = start
            while end < len(records):
                key, value = records[end]
                if builder.append(timestamp=None, key=key, value=value) is None:
                    break
                end += 1
            await self._confirm(builder, topic, partition)
            start = end

    async def publish_together(self, batches: Iterable[Batch]) -> None:
        """`publish` for several partitions at once, each in its own order; what is ready goes in one request.

        Raises as `publish`: then all of them must be sent again.
        """
        await self.start()
        try:
            async with asyncio.TaskGroup() as together:
                for batch in batches:
                    together.create_task(self.publish(*batch))
        except ExceptionGroup as group:
            # Not `except*`: what is raised in one comes out wrapped before Python 3.11.4, and so past every caller.
            if group.split((StopError, RetryError))[1] is not None:
                raise
            # What stops cannot be mended by trying again, so it counts more.
            raise min(group.exceptions, key=lambda error: not isinstance(error, StopError)) from None

    async def _confirm(self, builder: Any, topic: str, partition: int) -> None:  # noqa: ANN401 - aiokafka has no types
        try:
            async with asyncio.timeout(self._confirm_seconds):
                await (await self._producer.send_batch(builder, topic, partition=partition))
        except (KafkaError, TimeoutError, OSError) as error:
            BROKER_ERRORS.labels("produce").inc()
            await self.stop()
            detail = f"{type(error).__name__}: {error}"
            _log.warning("produce_failed", topic=topic, partition=partition, error=detail)
            if isinstance(error, _FINAL_ERRORS):
                raise StopError(
                    problem=f"the broker refuses a record of {topic}: {detail}",
                    remedy="Check the topic's max.message.bytes and this client's rights on it.",
                ) from error
            raise RetryError(what="the broker", detail=detail) from error
        except asyncio.CancelledError:
            await self.stop()
            raise
