"""Puts `received` records on Kafka: idempotent, acknowledged by all in-sync replicas, bounded in memory.

The only way of statements into the log; the gateway and the SDK both use it. It decides nothing about a statement.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from lrs.kernel import metrics
from lrs.kernel.errors import AyumiError, RefusedError, RetryError
from lrs.kernel.kafka_options import client_options
from lrs.kernel.logs import get_logger
from lrs.kernel.reasons import Refusal
from lrs.kernel.topics import Noun, partition_of, topic_name
from producers.envelope import ReceivedEncoder
from producers.lane import Call, Entry, Lane
from producers.log_ends import LogEnds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrs.kernel.publishing import Coordinates, Encoded
    from lrs.kernel.records import Origin, Received
    from lrs.kernel.settings import BrokerSettings

_log = get_logger(__name__)

# Measured with 1 kB statements: zstd costs 2-6 µs a statement and sends a ninth of the bytes; lz4 at the level that
# aiokafka asks for costs 14 µs for a sixth. Batches above half a MiB compress no better and hold the event loop longer.
_COMPRESSION = "zstd"
_BATCH_BYTES = 512 * 1024
# Below the topic's max.message.bytes (8 MiB), so that the broker never turns down a whole batch for one record.
_MAX_VALUE_BYTES = 7 * 1024 * 1024
_MAX_PENDING_BYTES = 64 * 1024 * 1024
_REQUEST_SECONDS = 10.0
_CLOSE_SECONDS = 1.0


class KafkaPublisher:
    """Implements `lrs.kernel.publishing.EncodingPublisher`. Belongs to the event loop that started it."""

    def __init__(
        self,
        broker: BrokerSettings,
        zone: str,
        *,
        timeout_seconds: float = 30.0,
        stop_seconds: float = 2.0,
        max_pending_bytes: int = _MAX_PENDING_BYTES,
    ) -> None:
        """`timeout_seconds`: the longest a call waits for its acknowledgement, waiting for memory included.

        `stop_seconds`: the longest that `stop` waits for what is under way.
        """
        self._broker = broker
        self._topic = topic_name(zone, Noun.RECEIVED)
        self._timeout = timeout_seconds
        self._stop_seconds = stop_seconds
        self._max_pending = max_pending_bytes
        self._pending = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._encoder = ReceivedEncoder()
        self._producer: Any = None
        self._renewal: asyncio.Task[None] | None = None
        self._lanes: list[Lane] = []
        self._ends: LogEnds | None = None

    async def start(self) -> None:
        """Connect and learn the partitions. Raises `RetryError` when the broker or the topic is not there."""
        options = client_options(self._broker)
        consumer = AIOKafkaConsumer(**options, request_timeout_ms=int(_REQUEST_SECONDS * 1000))
        try:
            self._producer = await self._connected_producer()
            async with asyncio.timeout(_REQUEST_SECONDS):
                partitions = sorted(await self._producer.partitions_for(self._topic))
                await consumer.start()
                # aiokafka lets a CancelledError out of `stop` when that comes before its first task has begun to run.
                await asyncio.sleep(0)
        except BaseException as error:
            await consumer.stop()
            await self._close(self._producer)
            if isinstance(error, KafkaError | OSError | TimeoutError):
                raise _away(error, "connect", f"topic {self._topic}") from error
            raise
        self._ends = LogEnds(consumer, [TopicPartition(self._topic, number) for number in partitions])
        self._lanes = [
            Lane(
                number,
                producer=lambda: self._producer,
                topic=self._topic,
                released=self._release,
                failed=self._failed,
            )
            for number in partitions
        ]

    async def stop(self) -> None:
        """Wait for what is under way, then close every connection: calls left over raise. Safe to call twice."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._stop_seconds):
                for lane in self._lanes:
                    await lane.drained()
        for lane in self._lanes:
            await lane.cancel()
        self._lanes = []
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])
        ends, producer, self._ends, self._producer = self._ends, self._producer, None, None
        try:
            if ends is not None:
                await ends.stop()
        finally:
            await self._close(producer)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def pending_bytes(self) -> int:
        """Bytes handed over and not yet acknowledged; never more than the limit plus one call."""
        return self._pending

    async def publish(self, records: Sequence[Received]) -> list[Coordinates]:
        """Return once every record is acknowledged, with the coordinates in the same order.

        Raises `RetryError` when the broker does not confirm in time (the records may or may not be on the log; sending
        the same ids again is safe) and `RefusedError` before anything is sent when a record is too large. Where the
        broker confirms records it already had without telling where, their offset is -1.
        """
        return await self.publish_encoded([(record["statement_id"], self.encode(record)) for record in records])

    async def publish_encoded(self, encoded: Sequence[Encoded]) -> list[Coordinates]:
        """`publish` for records that `encode` has encoded: each one's statement id and value."""
        if not encoded:
            return []
        began = time.perf_counter()
        call = Call(len(encoded), asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(self._timeout):
                await self._reserve(sum(len(value) for _, value in encoded))
                self._hand_over(encoded, call)
                await call.future
        except TimeoutError as error:
            raise _away(error, "publish", f"not confirmed in {self._timeout:g} s") from error
        finally:
            call.abandoned = True
        metrics.PUBLISHER_SEND_SECONDS.observe(time.perf_counter() - began)
        metrics.PUBLISHER_RECORDS.labels(Noun.RECEIVED).inc(len(encoded))
        return call.coordinates

    def encode(self, record: Received) -> bytes:
        """The value that goes to the log. Raises `RefusedError` for one that the topic would not take."""
        return _checked([self._encoder.encode(record)])[0]

    def encode_many(self, origin: Origin, statements: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """The values of statements, (id, JSON), that have one origin. Raises as `encode`."""
        return _checked(self._encoder.encode_many(origin, statements))

    async def log_ends(self) -> dict[int, int]:
        """The end offset of each partition of `received`, now. Raises `RetryError`."""
        if self._ends is None:
            raise _not_started()
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                return await self._ends.now()
        except (KafkaError, OSError, TimeoutError) as error:
            raise _away(error, "log_ends", "end offsets") from error

    def _hand_over(self, encoded: Sequence[Encoded], call: Call) -> None:
        lanes = self._lanes
        if not lanes:
            self._release(sum(len(value) for _, value in encoded))
            raise _not_started()
        for place, (key, value) in enumerate(encoded):
            lanes[partition_of(key, len(lanes))].add(Entry(key, value, call, place))

    async def _reserve(self, size: int) -> None:
        while self._pending >= self._max_pending:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._pending += size

    def _release(self, size: int) -> None:
        self._pending -= size
        while self._waiting and self._pending < self._max_pending:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                break

    def _failed(self, error: Exception) -> AyumiError:
        """What the callers of a failed batch hear. The producer behind it is replaced.

        aiokafka counts the sequence number of a batch that failed for good as used, so every later batch of that
        partition would be out of order; and some errors end its sending task without a word to later callers.
        """
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.get_running_loop().create_task(self._renew())
        return _away(error, "publish", type(error).__name__)

    async def _renew(self) -> None:
        broken, pause = self._producer, 0.1
        while True:
            try:
                self._producer = await self._connected_producer()
            except (KafkaError, OSError, TimeoutError) as error:
                _log.warning("producer_not_renewed", error=repr(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, 5.0)
            else:
                _log.warning("producer_renewed", topic=self._topic)
                await self._close(broken)
                return

    async def _connected_producer(self) -> Any:  # noqa: ANN401 - aiokafka has no types
        producer = AIOKafkaProducer(
            **client_options(self._broker),
            enable_idempotence=True,
            acks="all",
            compression_type=_COMPRESSION,
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=int(_REQUEST_SECONDS * 1000),
        )
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                await producer.start()
        except BaseException:
            await self._close(producer)
            raise
        return producer

    @staticmethod
    async def _close(producer: Any) -> None:  # noqa: ANN401 - aiokafka has no types
        if producer is None:
            return
        # An idempotent producer that holds unconfirmed batches waits for its broker for ever.
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await producer.stop()


def _checked(values: list[bytes]) -> list[bytes]:
    if (size := max(map(len, values), default=0)) > _MAX_VALUE_BYTES:
        rule = f"a statement has at most {_MAX_VALUE_BYTES} bytes, this one has {size}"
        raise RefusedError(Refusal.TOO_LARGE, rule)
    return values


def _not_started() -> RetryError:
    return RetryError("broker", "the publisher is not started")


def _away(error: BaseException, operation: str, detail: str) -> RetryError:
    metrics.BROKER_ERRORS.labels(operation).inc()
    said = str(error).strip()
    return RetryError("broker", f"{detail}: {said}" if said else detail)
