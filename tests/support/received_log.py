"""What lies on a zone's `received` topic, read back whole."""

from __future__ import annotations

from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from lrs.kernel.codec import codec
from lrs.kernel.kafka_options import client_options
from lrs.kernel.records import Received
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Noun, topic_name


class Logged(NamedTuple):
    """One record of the log."""

    partition: int
    offset: int
    key: bytes
    record: Received


async def read_received(broker: BrokerSettings, zone: str) -> list[Logged]:
    """Every record of every partition, in order of partition and offset."""
    topic = topic_name(zone, Noun.RECEIVED)
    found: list[Logged] = []
    async with AIOKafkaConsumer(**client_options(broker), auto_offset_reset="earliest") as consumer:
        places = [TopicPartition(topic, number) for number in range(broker.partitions)]
        consumer.assign(places)
        ends: dict[Any, int] = await consumer.end_offsets(places)
        for place in places:
            consumer.pause(*places)
            consumer.resume(place)
            while await consumer.position(place) < ends[place]:
                message = await consumer.getone(place)
                found.append(
                    Logged(place.partition, message.offset, message.key, codec("received").decode(message.value))
                )
    return found
