"""A processor's topics from the test's side, and the processor itself on the test's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from lrs.kernel.codec import codec
from lrs.kernel.kafka_options import client_options
from lrs.kernel.settings import BrokerSettings, Settings
from lrs.kernel.topics import Noun, topic_name
from processors.batch_producer import BatchProducer
from processors.processor import ProcessorPart
from tests.support.learning import CODE, HOME, ITEM, NAME, ROOT_KEY, SALT, SCHOOL, slice_bytes, statement

PER_SLICE = 20
ACTIVITY, _WITHHELD = codec("activity"), codec("withheld")


@dataclass
class Stream:
    """A zone's topics from the test's side."""

    broker: BrokerSettings
    zone: str
    producer: BatchProducer
    probe: Any
    member: str = ""

    @property
    def settings(self) -> Settings:
        rooms = {"zone": {"name": self.zone}, "broker": self.broker, "processor": {"member": self.member}}
        return Settings.model_validate(rooms)

    def topic(self, noun: Noun) -> str:
        return topic_name(self.zone, noun)

    async def put(self, noun: Noun, partition: int, records: Iterable[tuple[bytes | None, bytes]]) -> None:
        await self.producer.publish(self.topic(noun), partition, list(records))

    async def put_references(self) -> None:
        item = {"activity_id": ITEM, "curriculum_code": CODE, "subject": "", "item_type": "question", "title": ""}
        place = {"salt": SALT, "school_code": SCHOOL, "grade": 6, "class_name": "2組"}
        await self.put(Noun.CATALOGUE, 0, [(ITEM.encode(), codec("catalogue").encode(item))])
        learner = codec("roster").encode({"home_page": HOME, "name": NAME, **place})
        await self.put(Noun.ROSTER, 0, [(f"{HOME}\x1f{NAME}".encode(), learner)])
        await self.put_consent(granted=True)

    async def put_consent(self, name: str = NAME, *, granted: bool) -> None:
        await self.put(Noun.CONSENT, 0, [consent(name, granted=granted)])

    async def put_slices(self, partition: int, slices: range) -> None:
        """Slices number so and so of a partition; every third source offset is missing, as if it had been refused."""
        values = [
            slice_bytes(partition, [(offset, statement(offset + 1)) for offset in offsets(slices[n : n + 1])])
            for n in range(len(slices))
        ]
        await self.put(Noun.ACCEPTED, partition, [(None, value) for value in values])

    async def ends(self, noun: Noun) -> dict[int, int]:
        keys = [TopicPartition(self.topic(noun), partition) for partition in range(self.broker.partitions)]
        return {key.partition: end for key, end in (await self.probe.end_offsets(keys)).items()}

    async def has(self, noun: Noun, count: int) -> bool:
        return sum((await self.ends(noun)).values()) >= count

    async def records(self, noun: Noun) -> list[Any]:
        """Everything on a topic, by partition and offset."""
        found: list[Any] = []
        for partition, end in (await self.ends(noun)).items():
            key = TopicPartition(self.topic(noun), partition)
            self.probe.assign([key])
            await self.probe.seek_to_beginning(key)
            while await self.probe.position(key) < end:
                for records in (await self.probe.getmany(timeout_ms=200)).values():
                    found += records
        return found

    async def committed(self) -> dict[int, int]:
        """The group's committed offsets."""
        async with admin(self.broker) as client:
            found = await client.list_consumer_group_offsets(f"{self.zone}.processor")
        return {key.partition: offset.offset for key, offset in found.items()}


def offsets(slices: range) -> list[int]:
    """The source offsets of these slices."""
    return [number * 3 // 2 for number in range(slices.start * PER_SLICE, slices.stop * PER_SLICE)]


def consent(name: str, *, granted: bool) -> tuple[bytes, bytes]:
    record = {
        "home_page": HOME,
        "name": name,
        "purpose": "dashboards",
        "recipient_kind": "学校・教員",
        "data_class": "学習履歴・学校教育",
        "granted": granted,
        "guardian": True,
        "decided_at_ms": 1,
        "valid_until_ms": None,
    }
    return f"{HOME}\x1f{name}\x1fdashboards".encode(), codec("consent").encode(record)


def read(value: bytes) -> dict[str, Any]:
    record: dict[str, Any] = (ACTIVITY if value.startswith(ACTIVITY.header) else _WITHHELD).decode(value)
    return record


def first_occurrences(records: Iterable[Any]) -> dict[int, list[int]]:
    """By partition the source offsets in the order in which they first came."""
    found: dict[int, list[int]] = {}
    for record in records:
        source = read(record.value)
        assert source["partition"] == record.partition
        came = found.setdefault(record.partition, [])
        if source["offset"] not in came:
            came.append(source["offset"])
    return found


@asynccontextmanager
async def admin(broker: BrokerSettings) -> AsyncIterator[Any]:
    client = AIOKafkaAdminClient(**client_options(broker))
    await client.start()
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def opened(broker: BrokerSettings, zone: str) -> AsyncIterator[Stream]:
    probe = AIOKafkaConsumer(**client_options(broker), enable_auto_commit=False)
    await probe.start()
    producer = BatchProducer(broker, client_id="test")
    try:
        yield Stream(broker, zone, producer, probe)
    finally:
        await producer.stop()
        await probe.stop()


@asynccontextmanager
async def processing(stream: Stream) -> AsyncIterator[ProcessorPart]:
    """The part on this event loop; it must end without an error."""
    part = ProcessorPart(stream.settings, root_key=ROOT_KEY)
    stop = asyncio.Event()
    task = asyncio.create_task(part.run(stop))
    try:
        yield part
    finally:
        stop.set()
        await task


def ready(part: ProcessorPart) -> bool:
    return all(check.ok for check in part.checks())


async def caught_up(stream: Stream, slices: int) -> bool:
    """Whether the group has committed so many slices of every partition."""
    try:
        return await stream.committed() == dict.fromkeys(range(4), slices)
    except KafkaError:  # of a broker that has just begun, or gone on
        return False
