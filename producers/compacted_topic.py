"""Reading and writing one compacted topic as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from lrs.kernel.errors import RetryError
from lrs.kernel.kafka_options import client_options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from lrs.kernel.settings import BrokerSettings

_BATCH_BYTES = 512 * 1024
_CONFIRM_SECONDS = 30.0
_POLL_MS = 500


class CompactedTopic:
    """An async context manager. Every call raises `RetryError` when the broker does not answer."""

    def __init__(self, broker: BrokerSettings, topic: str) -> None:
        self._options = client_options(broker)
        self._topic = topic
        self._producer: Any = None

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            **self._options,
            acks="all",
            enable_idempotence=True,
            compression_type="zstd",
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=int(_CONFIRM_SECONDS * 1000),
        )
        try:
            await self._producer.start()
            await self._producer.partitions_for(self._topic)
        except (KafkaError, OSError) as error:
            await self._producer.stop()
            raise _away(error) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def write(self, records: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Return when all (key, value) are confirmed, in this order where keys are equal."""
        try:
            sent = [await self._producer.send(self._topic, key=key, value=value) for key, value in records]
            for future in sent:
                await future
        except (KafkaError, OSError) as error:
            raise _away(error) from error

    async def read(self) -> AsyncIterator[tuple[bytes, bytes | None]]:
        """Every record up to the end that the topic has now, oldest first."""
        consumer = AIOKafkaConsumer(
            self._topic, **self._options, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        try:
            await consumer.start()
            ends = await consumer.end_offsets(consumer.assignment())
            while any([await consumer.position(partition) < end for partition, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                    for record in records:
                        yield record.key or b"", record.value
        except (KafkaError, OSError) as error:
            raise _away(error) from error
        finally:
            await consumer.stop()


def _away(error: Exception) -> RetryError:
    return RetryError("the broker", f"{type(error).__name__}: {error}")
