"""Reads a zone's topics from one offset to another, beside every consumer group: it joins none and commits nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from lrs.kernel.errors import RetryError
from lrs.kernel.kafka_options import client_options
from lrs.kernel.topics import topic_name
from lrs.store.accounting import LogSpan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from lrs.kernel.settings import BrokerSettings
    from lrs.kernel.topics import Noun

_ANSWER_SECONDS = 20.0
_POLL_MS = 1000
_FETCH_WAIT_MS = 20
_SILENT_POLLS = 30
_RECORDS_AT_ONCE = 2000
_FETCH_BYTES = 8 << 20


class LogReader:
    """An async context manager over one connection. Every call raises `RetryError` when the broker does not answer."""

    def __init__(self, broker: BrokerSettings, zone: str) -> None:
        self._broker = broker
        self._zone = zone
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._disconnect()

    async def spans(self, noun: Noun) -> dict[int, LogSpan]:
        """Where each partition of a topic begins and ends, now."""
        keys = [TopicPartition(topic_name(self._zone, noun), number) for number in range(self._broker.partitions)]
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                begins = await self._consumer.beginning_offsets(keys)
                ends = await self._consumer.end_offsets(keys)
        except (KafkaError, OSError, TimeoutError) as error:
            raise _away(error) from error
        return {key.partition: LogSpan(begins[key], ends[key]) for key in keys}

    async def offset_at(self, noun: Noun, partition: int, at_ms: int) -> int | None:
        """The first record that the broker appended at that time or later; None when there is none."""
        key = TopicPartition(topic_name(self._zone, noun), partition)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                found = (await self._consumer.offsets_for_times({key: max(0, at_ms)}))[key]
        except (KafkaError, OSError, TimeoutError) as error:
            raise _away(error) from error
        return None if found is None else int(found.offset)

    async def read(self, noun: Noun, partition: int, first: int, end: int) -> AsyncIterator[list[Any]]:
        """The records from `first` up to `end`, some at a time: what is held of them is bounded."""
        if first >= end:
            return
        key = TopicPartition(topic_name(self._zone, noun), partition)
        try:
            self._consumer.assign([key])
            self._consumer.seek(key, first)
            silent = 0
            while await self._consumer.position(key) < end:
                polled = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_RECORDS_AT_ONCE)
                silent = 0 if polled else silent + 1
                if silent > _SILENT_POLLS:
                    raise RetryError("the broker", f"no records from offset {first} of {key.topic}-{partition}")
                records = [record for record in polled.get(key, ()) if record.offset < end]
                if records:
                    yield records
        except OffsetOutOfRangeError as error:
            raise RetryError("the log", f"retention passed offset {first} of {key.topic}-{partition}") from error
        except (KafkaError, OSError) as error:
            raise _away(error) from error

    async def _connect(self) -> None:
        consumer = AIOKafkaConsumer(
            **client_options(self._broker),
            client_id="ayumi-log-reader",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=_FETCH_BYTES,
            # It asks for nothing that is not there; but the client begins with another partition only when the broker
            # has answered what was asked about the one before, half a second later by default.
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await consumer.start()
        except (KafkaError, OSError, TimeoutError) as error:
            await consumer.stop()
            raise _away(error) from error
        self._consumer = consumer

    async def _disconnect(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()


async def value_at(broker: BrokerSettings, zone: str, noun: Noun, partition: int, offset: int) -> bytes | None:
    """The value of the record at an offset, which the log has. Raises `RetryError`."""
    async with LogReader(broker, zone) as log:
        async for records in log.read(noun, partition, offset, offset + 1):
            value: bytes | None = records[0].value
            return value
    return None


def _away(error: BaseException) -> RetryError:
    return RetryError("the broker", f"{type(error).__name__}: {error}")
