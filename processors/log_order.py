"""Holds the stream to the log: each record of a partition once and in order, and a gap is an error and never a skip.

Faust commits past a record that it left out (its issue 606), and its consumer jumps where retention has passed the
committed offset. Both would be silent loss, so the order is checked here, against the broker itself.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from lrs.kernel.errors import AyumiError, RetryError, StopError
from lrs.kernel.kafka_options import client_options
from lrs.kernel.logs import get_logger
from processors.sink import RETENTION, LogSpan, lost_before, lost_records, refuse_added, start_offset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lrs.kernel.settings import BrokerSettings

_log = get_logger(__name__)

_PROBE_SECONDS = 20.0
_FETCH_BYTES = 9 << 20


class LeftOutError(AyumiError):
    """The stream left out a record; reading again from the committed offset, after a restart, brings it."""

    retriable = True

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        super().__init__(f"the stream left out record {offset} of {topic}-{partition}")
        self.topic = topic
        self.partition = partition
        self.offset = offset


class _Next(NamedTuple):
    generation: int
    offset: int


class LogOrder:
    """What the next record of each partition must be. One event loop's."""

    def __init__(self, broker: BrokerSettings, topic: str, group: str) -> None:
        self._broker = broker
        self._partitions = broker.partitions
        self._topic = topic
        self._group = group
        self._next: dict[int, _Next] = {}

    async def check_start(self) -> None:
        """Raises `StopError` if retention passed a committed offset, `RetryError` if broker or topic are away.

        `StopError` as well if the topic has more partitions than the zone.
        """
        async with self._probe() as probe:
            for partition in range(self._partitions):
                await self._start(probe, partition)
            refuse_added(self._topic, max(probe.partitions_for_topic(self._topic), default=0), self._partitions)

    async def admit(self, partition: int, offset: int, generation: int) -> bool:
        """Whether the record is the next to do; False: it is done already.

        Raises `LeftOutError` if a record before it was left out, `StopError` if retention took that, and `RetryError`
        if the broker is away.
        """
        refuse_added(self._topic, partition, self._partitions)
        known = self._next.get(partition)
        if known is not None and known.generation == generation:
            due = known.offset
        else:
            async with self._probe() as probe:
                due = await self._start(probe, partition)
        if offset > due:
            await self._refuse_gap(partition, due, offset)
        return offset >= due

    def taken(self, partition: int, offset: int, generation: int) -> None:
        """The record will be written before any later one, or the part ends."""
        self._next[partition] = _Next(generation, offset + 1)

    def next_offset(self, partition: int) -> int | None:
        """The first offset that is not taken; None before the first record."""
        known = self._next.get(partition)
        return None if known is None else known.offset

    async def behind(self, partitions: set[int]) -> bool:
        """Whether the log holds records of these partitions after what is taken. Raises `RetryError`."""
        async with self._probe() as probe:
            ends = await probe.end_offsets([TopicPartition(self._topic, partition) for partition in partitions])
            for key, end in ends.items():
                taken = self.next_offset(key.partition)
                if (await self._start(probe, key.partition) if taken is None else taken) < end:
                    return True
        return False

    async def _start(self, probe: Any, partition: int) -> int:  # noqa: ANN401 - aiokafka has no types
        key = TopicPartition(self._topic, partition)
        begin = (await probe.beginning_offsets([key]))[key]
        end = (await probe.end_offsets([key]))[key]
        given_up = lost_before(self._broker.lost_before, self._topic, partition)
        span = LogSpan(self._topic, partition, begin, end, await probe.committed(key), given_up)
        start = start_offset(span, None)
        if lost := lost_records(span, None):
            _log.error("records_lost", topic=self._topic, partition=partition, first=start - lost, before=start)
        return start

    async def _refuse_gap(self, partition: int, due: int, offset: int) -> None:
        key = TopicPartition(self._topic, partition)
        async with self._probe() as probe:
            probe.assign([key])
            probe.seek(key, due)
            first = await probe.getone(key)
        if first.offset < offset:
            raise LeftOutError(self._topic, partition, first.offset)

    @asynccontextmanager
    async def _probe(self) -> AsyncIterator[Any]:
        """A short-lived consumer beside the group: it asks for offsets and never joins or commits."""
        probe = AIOKafkaConsumer(
            **client_options(self._broker),
            client_id="ayumi-processor-probe",
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await probe.start()
                yield probe
        except (KafkaError, OSError, TimeoutError) as error:
            if isinstance(error, OffsetOutOfRangeError):
                raise StopError(f"{self._topic} no longer has the next record to read", remedy=RETENTION) from error
            raise RetryError("the broker", f"{type(error).__name__}: {error}") from error
        finally:
            await probe.stop()
