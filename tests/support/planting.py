"""Losing statements by hand in a zone's folder: rows, tallies, committed offsets."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from lrs.kernel.kafka_options import client_options
from lrs.kernel.settings import BrokerSettings, Settings
from lrs.kernel.topics import Noun, partition_of, topic_name
from processors.batch_producer import BatchProducer
from processors.log_reader import LogReader
from tests.support.broker import new_broker
from tests.support.learning import ITEM
from tests.support.learning import statement as drill
from tests.support.log import Pair, received, send
from tests.support.processing import Stream
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
ZONE = Settings().zone.name
PARTITIONS = Settings().broker.partitions


def change(folder: Path, store: str, *statements: str) -> None:
    """Run statements in a store of a zone that does not run."""
    command = [sys.executable, "-m", "tests.support.plant_store", str(folder), store, *statements]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "TZ": "UTC"}, check=True, timeout=120)


@asynccontextmanager
async def broker_alone(folder: Path) -> AsyncIterator[BrokerSettings]:
    """The broker of a zone that does not run."""
    broker = new_broker(folder)
    await broker.start()
    try:
        await broker.ready()
        yield broker.settings
    finally:
        await broker.stop(10)


async def commit(  # noqa: PLR0917 - what, where and how far
    broker: BrokerSettings, processor: str, noun: Noun, partition: int, by: int, done: int | None = None
) -> None:
    """Move a group's committed offset, as soon as the broker has forgotten its members.

    `done`: from there, for a group that was killed may have done more than it had committed.
    """

    async def committed() -> bool:
        consumer = AIOKafkaConsumer(**client_options(broker), group_id=f"{ZONE}.{processor}", enable_auto_commit=False)
        await consumer.start()
        try:
            key = TopicPartition(topic_name(ZONE, noun), partition)
            consumer.assign([key])
            start = (await consumer.committed(key) or 0) if done is None else done
            await consumer.commit({key: start + by})
        except KafkaError:
            return False
        else:
            return True
        finally:
            await consumer.stop()

    await eventually(committed, 60)


async def put_references(broker: BrokerSettings) -> None:
    """The one learner of `drill`, who agreed, and the one item."""
    producer = BatchProducer(broker, client_id="test")
    try:
        await Stream(broker, ZONE, producer, None).put_references()
    finally:
        await producer.stop()


async def ends(broker: BrokerSettings, noun: Noun) -> dict[int, int]:
    """Where each partition of a topic ends."""
    async with LogReader(broker, ZONE) as log:
        return {partition: span.end for partition, span in (await log.spans(noun)).items()}


def statements(partition: int, number: int, seed: int, **envelope: Any) -> list[Pair]:  # noqa: ANN401 - any field
    """Records of a partition that become activities."""

    def made() -> Iterator[Pair]:
        for one in count():
            body = drill(seed * 1_000_000 + one, object={"id": ITEM})
            key = uuid.UUID(body["id"]).bytes
            if partition_of(key, PARTITIONS) == partition:
                yield received(key, orjson.dumps(body), **envelope)

    return list(islice(made(), number))


async def feed(broker: BrokerSettings, partition: int, records: list[Pair]) -> None:
    """Put them on the log in one batch."""
    await send(broker, topic_name(ZONE, Noun.RECEIVED), partition, records)
