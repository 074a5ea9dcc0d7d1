"""Makes a lost log go on where the stores remember it: offsets that were used once are never used again.

A sink takes what lies at or below its high-water for done. A broker that lost its data counts from 0 again, so the
first records of every partition would be passed over in silence. Therefore a new partition is filled up to the offset
that follows the last one remembered, and then begins there.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.kafka_options import client_options
from lrs.kernel.topics import topic_name
from processors.batch_producer import BatchProducer
from processors.log_reader import LogReader
from processors.topic_admin import forget_records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from lrs.kernel.settings import BrokerSettings
    from lrs.kernel.topics import Noun

_FILLER = b"\x00ayumi: no record, only an offset that is used up"
_AT_ONCE = 100_000
_MEMBERS_SECONDS = 45.0
_AGAIN_SECONDS = 1.0


class Refilling:
    """An async context manager over the topics of a zone of which no part runs."""

    def __init__(self, broker: BrokerSettings, zone: str) -> None:
        self._broker = broker
        self._zone = zone
        self._producer = BatchProducer(broker, client_id=f"{zone}.rebuild")
        self.log = LogReader(broker, zone)

    async def __aenter__(self) -> Self:
        await self.log.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()
        await self.log.__aexit__(kind, error, trace)

    async def fill(self, noun: Noun, partition: int, floor: int, advance: Callable[[int], None]) -> int:
        """Let a partition begin at `floor`; what had come meanwhile goes behind it. Returns how many records that were.

        Safe to be cut off and done again: then some records are there twice, which their ids tell.
        """
        topic = topic_name(self._zone, noun)
        span = (await self.log.spans(noun))[partition]
        end = span.end
        while end < floor:
            number = min(_AT_ONCE, floor - end)
            await self._producer.publish(topic, partition, [(None, _FILLER)] * number)
            end += number
            advance(number)
        moved = 0
        async for records in self.log.read(noun, partition, span.begin, min(span.end, floor)):
            ours = [(record.key, record.value) for record in records if record.value != _FILLER]
            await self._producer.publish(topic, partition, ours)
            moved += len(ours)
        await forget_records(self._broker, topic, {partition: floor})
        return moved

    async def publish(self, noun: Noun, partition: int, values: list[bytes]) -> None:
        """Put values on a partition, in order and confirmed. Raises `RetryError`."""
        await self._producer.publish(topic_name(self._zone, noun), partition, [(None, value) for value in values])

    async def commit(self, processor: str, noun: Noun, offsets: Mapping[int, int] | None = None) -> None:
        """Move a group's committed offsets; without `offsets` only make sure that this can be done.

        Waits for members that are gone until the broker has forgotten them. Raises `StopError` when one is still there.
        """
        deadline = time.monotonic() + _MEMBERS_SECONDS
        while not await self.committed(processor, noun, offsets):
            if time.monotonic() > deadline:
                problem = f"a part of this zone is still running: the {processor}"
                raise StopError(problem, remedy="Stop every part of the zone, on every machine, and do this again.")
            await asyncio.sleep(_AGAIN_SECONDS)

    async def committed(self, processor: str, noun: Noun, offsets: Mapping[int, int] | None = None) -> bool:
        """`commit`, once; False while the group has members."""
        group, topic = f"{self._zone}.{processor}", topic_name(self._zone, noun)
        consumer = AIOKafkaConsumer(**client_options(self._broker), group_id=group, enable_auto_commit=False)
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            with suppress(KafkaError):
                await consumer.stop()
            raise RetryError("the broker", f"{type(error).__name__}: {error}") from error
        try:
            wanted: dict[Any, int | None]
            if offsets is None:
                keys = [TopicPartition(topic, number) for number in range(self._broker.partitions)]
                consumer.assign(keys)
                wanted = {key: await consumer.committed(key) for key in keys}
            else:
                wanted = {TopicPartition(topic, number): offset for number, offset in offsets.items()}
                consumer.assign(list(wanted))
            if known := {key: offset for key, offset in wanted.items() if offset is not None}:
                await consumer.commit(known)
        except KafkaError:
            return False
        else:
            return True
        finally:
            await consumer.stop()
