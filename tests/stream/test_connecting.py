"""What a step is connected by, stopped at any moment while it connects."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import psutil

from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Noun, topic_name
from processors.batch_producer import BatchProducer
from processors.group_consumer import GroupConsumer, NotOursError
from processors.topic_admin import ensure_topics
from tests.support.broker import new_broker, new_zone_name
from tests.support.waiting import eventually

_DELAYS = [number / 2000 for number in range(40)]


def _connections(broker: BrokerSettings) -> int:
    """Of this process with the broker."""
    found = psutil.Process().net_connections(kind="tcp")
    return sum(bool(one.raddr) and one.raddr.port == broker.port and one.status == "ESTABLISHED" for one in found)


async def test_a_producer_that_is_stopped_while_it_connects_leaves_no_connection_open(broker: BrokerSettings) -> None:
    before = _connections(broker)
    producers = [BatchProducer(broker, client_id="test") for _ in _DELAYS]
    for producer, seconds in zip(producers, _DELAYS, strict=True):
        connecting = asyncio.ensure_future(producer.start())
        await asyncio.sleep(seconds)
        connecting.cancel()
        with suppress(asyncio.CancelledError):
            await connecting
        await producer.stop()
    await eventually(lambda: _connections(broker) <= before, 5)


async def test_a_consumer_that_is_stopped_while_it_connects_leaves_no_connection_open(
    broker: BrokerSettings, zone: str
) -> None:
    async def revoked() -> None:
        """Nothing was given."""

    before = _connections(broker)
    for number, seconds in enumerate(_DELAYS):
        topic = topic_name(zone, Noun.RECEIVED)
        consumer = GroupConsumer(
            broker, topic=topic, group=f"{zone}.test-{number}", member="one", max_records=1, max_wait_seconds=0.1
        )
        stopped = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(seconds, stopped.set_result, None)
        with suppress(NotOursError):
            await consumer.connect(stopped, revoked=revoked, assigned=lambda _: None)
        await consumer.disconnect()
        await stopped
    await eventually(lambda: _connections(broker) <= before, 5)


async def test_a_consumer_whose_broker_is_away_disconnects_at_any_moment_and_leaves_nothing_open(
    tmp_path: Path,
) -> None:
    zone = new_zone_name()
    given: list[frozenset[int]] = []

    async def revoked() -> None:
        """Nobody else is there."""

    node = new_broker(tmp_path)
    try:
        await node.start()
        await node.ready()
        await ensure_topics(node.settings, zone)
        stopped = asyncio.get_running_loop().create_future()
        consumers = [
            GroupConsumer(
                node.settings,
                topic=topic_name(zone, Noun.RECEIVED),
                group=f"{zone}.test-{number}",
                member="one",
                max_records=1,
                max_wait_seconds=0.1,
            )
            for number in range(5)
        ]
        for consumer in consumers:
            await consumer.connect(stopped, revoked=revoked, assigned=given.append)
        await eventually(lambda: len(given) == len(consumers))
        for consumer in consumers:
            for partition in given[0]:
                consumer.seek(partition, 0)
            await consumer.poll(0.2, stopped)
        clients = [consumer._consumer for consumer in consumers]  # noqa: SLF001
        node.running.kill()
        node.running.wait()
        for consumer in consumers:
            await asyncio.sleep(0.02)  # a fetch that has failed waits 0.1 s before the next
            await consumer.disconnect()
    finally:
        await node.stop()
    assert [client._client._sync_task for client in clients] == [None] * len(clients)  # noqa: SLF001
