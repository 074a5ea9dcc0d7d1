"""The publisher against a real broker: what is acknowledged is on the log, once, where it was said to be."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from uuid import UUID

import pytest

from lrs.kernel.errors import RefusedError, RetryError
from lrs.kernel.publishing import Coordinates
from lrs.kernel.records import Received
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import partition_of
from processors.topic_admin import ensure_topics
from producers.publisher import KafkaPublisher
from tests.support.broker import new_broker, new_zone_name
from tests.support.received_log import read_received


def _record(size: int = 200, statement_id: bytes | None = None) -> Received:
    return {
        "statement_id": statement_id or os.urandom(16),
        "app": "drill-a",
        "entrance": "GATEWAY",
        "xapi_version": "1.0.3",
        "stored_at_ms": 1_775_000_000_000,
        "authority": b"{}",
        "statement": os.urandom(size // 2).hex().encode(),
    }


async def test_each_record_lies_where_its_acknowledgement_says(broker: BrokerSettings, zone: str) -> None:
    calls = [[_record() for _ in range(count)] for count in (1, 40, 1, 7, 300)]
    async with KafkaPublisher(broker, zone) as publisher:
        told = await asyncio.gather(*(publisher.publish(records) for records in calls))
    logged = {Coordinates(one.partition, one.offset): one for one in await read_received(broker, zone)}
    assert len(logged) == 349
    for records, places in zip(calls, told, strict=True):
        for record, place in zip(records, places, strict=True):
            assert logged[place].record == record
            assert logged[place].key == record["statement_id"]
            assert place.partition == partition_of(record["statement_id"], broker.partitions)


async def test_records_of_one_id_keep_the_order_of_their_calls(broker: BrokerSettings, zone: str) -> None:
    statement_id = os.urandom(16)
    async with KafkaPublisher(broker, zone) as publisher:
        told = await asyncio.gather(*(publisher.publish([_record(100, statement_id)]) for _ in range(200)))
    offsets = [place.offset for [place] in told]
    assert offsets == sorted(offsets)


async def test_the_log_ends_behind_everything_acknowledged(broker: BrokerSettings, zone: str) -> None:
    async with KafkaPublisher(broker, zone) as publisher:
        assert await publisher.log_ends() == dict.fromkeys(range(broker.partitions), 0)

        async def publish_and_look() -> bool:
            [place] = await publisher.publish([_record()])
            return (await publisher.log_ends())[place.partition] > place.offset

        assert all(await asyncio.gather(*(publish_and_look() for _ in range(50))))
        assert sum((await publisher.log_ends()).values()) == 50


async def test_a_record_larger_than_a_batch_is_published_whole(broker: BrokerSettings, zone: str) -> None:
    large = _record(6 * 1024 * 1024)
    async with KafkaPublisher(broker, zone) as publisher:
        await publisher.publish([_record(), large, _record()])
    assert large in [one.record for one in await read_received(broker, zone)]


async def test_a_record_that_the_topic_would_not_take_is_refused_before_its_neighbours_are_sent(
    broker: BrokerSettings, zone: str
) -> None:
    async with KafkaPublisher(broker, zone) as publisher:
        with pytest.raises(RefusedError, match="at most 7340032 bytes"):
            await publisher.publish([_record(), _record(8 * 1024 * 1024)])
        assert sum((await publisher.log_ends()).values()) == 0


async def test_memory_is_bounded_while_more_waits_than_fits(broker: BrokerSettings, zone: str) -> None:
    limit, size = 200_000, 50_000
    most = 0
    async with KafkaPublisher(broker, zone, max_pending_bytes=limit) as publisher:

        async def publish() -> None:
            nonlocal most
            await publisher.publish([_record(size)])
            most = max(most, publisher.pending_bytes)

        await asyncio.gather(*(publish() for _ in range(60)))
        assert sum((await publisher.log_ends()).values()) == 60
        assert publisher.pending_bytes == 0
    assert most <= limit + size + 1000


async def test_nothing_is_published_before_start_or_after_stop(broker: BrokerSettings, zone: str) -> None:
    publisher = KafkaPublisher(broker, zone)
    with pytest.raises(RetryError, match="not started"):
        await publisher.publish([_record()])
    async with publisher:
        await publisher.publish([_record()])
    with pytest.raises(RetryError, match="not started"):
        await publisher.publish([_record()])
    with pytest.raises(RetryError, match="not started"):
        await publisher.log_ends()
    assert publisher.pending_bytes == 0


async def test_stopping_waits_for_what_is_under_way(broker: BrokerSettings, zone: str) -> None:
    publisher = KafkaPublisher(broker, zone, stop_seconds=30)
    await publisher.start()
    calls = [asyncio.ensure_future(publisher.publish([_record()])) for _ in range(100)]
    await asyncio.sleep(0)
    await publisher.stop()
    assert len({place for [place] in await asyncio.gather(*calls)}) == 100


async def test_a_broker_that_is_away_is_told_at_start() -> None:
    with pytest.raises(RetryError, match="broker is not available"):
        await KafkaPublisher(BrokerSettings.model_validate({"bootstrap_servers": "127.0.0.1:1"}), "osaka").start()


async def test_a_killed_broker_costs_time_and_neither_loses_nor_doubles_a_record(tmp_path: Path) -> None:
    zone = new_zone_name()
    node = new_broker(tmp_path)
    await node.start()
    await node.ready()
    await ensure_topics(node.settings, zone)
    records = [_record() for _ in range(400)]
    async with KafkaPublisher(node.settings, zone, timeout_seconds=60) as publisher:
        calls = [asyncio.ensure_future(publisher.publish([record])) for record in records[:200]]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        node.running.kill()
        node.running.wait()
        await node.stop()  # it may have been making its class archive
        calls += [asyncio.ensure_future(publisher.publish([record])) for record in records[200:]]
        again = new_broker(tmp_path, port=node.settings.port)
        await again.start()
        try:
            await again.ready()
            places = [place for [place] in await asyncio.gather(*calls)]
            logged = await read_received(again.settings, zone)
        finally:
            await again.stop()
    assert sorted(UUID(bytes=one.key) for one in logged) == sorted(UUID(bytes=one["statement_id"]) for one in records)
    known = {Coordinates(one.partition, one.offset) for one in logged}
    assert {place for place in places if place.offset >= 0} <= known


async def test_a_call_that_is_not_confirmed_in_time_is_a_retry_and_frees_its_memory(tmp_path: Path) -> None:
    zone = new_zone_name()
    node = new_broker(tmp_path)
    await node.start()
    try:
        await node.ready()
        await ensure_topics(node.settings, zone)
        publisher = KafkaPublisher(node.settings, zone, timeout_seconds=1.0)
        await publisher.start()
    finally:
        await node.stop()
    calls = await asyncio.gather(*(publisher.publish([_record()]) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(error, RetryError) for error in calls)
    assert "not confirmed in 1 s" in str(calls[0])
    await publisher.stop()
    assert publisher.pending_bytes == 0
