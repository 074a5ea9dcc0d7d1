"""What a real broker tells of topics and groups: ends, committed offsets, times, retention."""

from __future__ import annotations

import uuid

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from lrs.kernel.errors import RetryError
from lrs.kernel.kafka_options import client_options
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Noun, topic_name
from lrs.store.accounting import LogSpan
from processors.log_watch import LogWatch
from tests.support.log import received, send

GROUPS = {"recorder": Noun.RECEIVED, "loader": Noun.ACTIVITY}


async def fill(broker: BrokerSettings, zone: str, partition: int, count: int) -> None:
    await send(broker, topic_name(zone, Noun.RECEIVED), partition, [received(uuid.uuid4().bytes) for _ in range(count)])


async def commit(broker: BrokerSettings, zone: str, offsets: dict[int, int]) -> None:
    consumer = AIOKafkaConsumer(**client_options(broker), group_id=f"{zone}.recorder", enable_auto_commit=False)
    await consumer.start()
    try:
        topic = topic_name(zone, Noun.RECEIVED)
        consumer.assign([TopicPartition(topic, partition) for partition in offsets])
        await consumer.commit({TopicPartition(topic, partition): offset for partition, offset in offsets.items()})
    finally:
        await consumer.stop()


async def written_at(broker: BrokerSettings, zone: str, partition: int) -> list[float]:
    """When each record of a partition was written, by the records themselves."""
    key = TopicPartition(topic_name(zone, Noun.RECEIVED), partition)
    consumer = AIOKafkaConsumer(**client_options(broker), auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([key])
        end = (await consumer.end_offsets([key]))[key]
        times: list[float] = []
        while len(times) < end:
            times += [record.timestamp / 1000 for record in (await consumer.getmany(timeout_ms=200)).get(key, [])]
        return times
    finally:
        await consumer.stop()


async def test_ends_and_committed_offsets_are_told_by_partition(broker: BrokerSettings, zone: str) -> None:
    await fill(broker, zone, 1, 5)
    await commit(broker, zone, {1: 3})
    async with LogWatch(broker, zone) as watch:
        assert await watch.committed(GROUPS) == {"recorder": {1: 3}, "loader": {}}
        spans = await watch.spans([Noun.RECEIVED, Noun.ACTIVITY])
        assert spans[Noun.RECEIVED] == {p: LogSpan(0, 5 if p == 1 else 0) for p in range(broker.partitions)}
        assert spans[Noun.ACTIVITY] == {p: LogSpan(0, 0) for p in range(broker.partitions)}


async def test_the_time_of_any_record_is_found_without_reading_it(broker: BrokerSettings, zone: str) -> None:
    for _ in range(4):
        await fill(broker, zone, 2, 3)
    times = await written_at(broker, zone, 2)
    async with LogWatch(broker, zone) as watch:
        assert await watch.oldest(Noun.RECEIVED) == times[0]
        for offset in (0, 2, 3, 7, 11):
            assert await watch.written(Noun.RECEIVED, {2: offset}) == times[offset], offset
        await fill(broker, zone, 3, 1)
        assert await watch.written(Noun.RECEIVED, {2: 11, 3: 0}) == times[11]


async def test_an_empty_topic_has_no_times(broker: BrokerSettings, zone: str) -> None:
    async with LogWatch(broker, zone) as watch:
        assert await watch.oldest(Noun.ACTIVITY) is None
        assert await watch.written(Noun.ACTIVITY, {0: 0}) is None


async def test_retention_is_what_the_broker_holds_to(broker: BrokerSettings, zone: str) -> None:
    async with LogWatch(broker, zone) as watch:
        found = await watch.retention([Noun.RECEIVED, Noun.REFUSED, Noun.RELEASED])
    assert found == {"received": 7 * 86_400.0, "refused": 30 * 86_400.0, "released": None}


async def test_a_broker_that_does_not_answer_is_told_as_away() -> None:
    with pytest.raises(RetryError, match="the broker"):
        async with LogWatch(BrokerSettings.model_validate({"port": 1}), "nobody"):
            pass
