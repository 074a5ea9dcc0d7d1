"""Writing to and reading from the topics of a real broker, as any client could."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from lrs.kernel.codec import codec
from lrs.kernel.kafka_options import client_options
from lrs.kernel.records import Received
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Noun, partition_of, topic_name
from processors.batch_producer import BatchProducer

Pair = tuple[bytes | None, bytes]


def statement(statement_id: bytes, content: int = 0, **more: object) -> bytes:
    """A valid statement; another `content` is another statement to xAPI."""
    whole: dict[str, object] = {
        "id": str(uuid.UUID(bytes=statement_id)),
        "actor": {"account": {"homePage": "https://drill.example", "name": f"learner-{content}"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": "https://drill.example/items/1"},
    }
    return orjson.dumps(whole | more)


def received(statement_id: bytes, raw: bytes | None = None, **envelope: Any) -> Pair:  # noqa: ANN401 - any field
    """A record of `received` as the SDK sends it."""
    record: Received = {
        "statement_id": statement_id,
        "app": "drill",
        "entrance": "SDK",
        "xapi_version": "1.0.3",
        "stored_at_ms": None,
        "authority": None,
        "statement": statement(statement_id) if raw is None else raw,
    }
    record.update(envelope)  # type: ignore[typeddict-item]
    return statement_id, codec("received").encode(record)


async def send(broker: BrokerSettings, topic: str, partition: int, records: Sequence[Pair]) -> None:
    """Put records on one partition."""
    producer = BatchProducer(broker, client_id="test")
    try:
        await producer.publish(topic, partition, records)
    finally:
        await producer.stop()


async def send_received(broker: BrokerSettings, zone: str, records: Iterable[Pair]) -> dict[int, int]:
    """Put records on `received`, each where its key belongs; returns how many each partition got."""
    by_partition: dict[int, list[Pair]] = defaultdict(list)
    for key, value in records:
        by_partition[partition_of(key or b"", broker.partitions)].append((key, value))
    for partition, some in by_partition.items():
        await send(broker, topic_name(zone, Noun.RECEIVED), partition, some)
    return {partition: len(some) for partition, some in by_partition.items()}


async def read_all(broker: BrokerSettings, topic: str) -> dict[int, list[bytes]]:
    """Every value on the topic now, for each partition in offset order."""
    consumer = AIOKafkaConsumer(**client_options(broker), auto_offset_reset="earliest")
    await consumer.start()
    try:
        keys = [TopicPartition(topic, number) for number in range(broker.partitions)]
        consumer.assign(keys)
        ends = await consumer.end_offsets(keys)
        found: dict[int, list[bytes]] = {key.partition: [] for key in keys}
        async with asyncio.timeout(30):
            while any([await consumer.position(key) < ends[key] for key in keys]):
                for key, records in (await consumer.getmany(timeout_ms=200)).items():
                    found[key.partition] += [record.value for record in records]
        return found
    finally:
        await consumer.stop()


async def committed(broker: BrokerSettings, group: str, topic: str) -> dict[int, int | None]:
    """What a consumer group has committed."""
    consumer = AIOKafkaConsumer(**client_options(broker), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        keys = [TopicPartition(topic, number) for number in range(broker.partitions)]
        consumer.assign(keys)
        return {key.partition: await consumer.committed(key) for key in keys}
    finally:
        await consumer.stop()
