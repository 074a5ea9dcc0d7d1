"""The limits of this machine, measured in the same run: a bare copy through Kafka, and a bare engine insert."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from lrs.kernel.kafka_options import client_options
from lrs.kernel.settings import BrokerSettings


async def bare_copy(broker: BrokerSettings, source: str, target: str) -> float:
    """Records a second of a loop that only consumes `source` and sends each value to `target` in built batches."""
    consumer = AIOKafkaConsumer(
        **client_options(broker), auto_offset_reset="earliest", max_partition_fetch_bytes=8 << 20
    )
    producer = AIOKafkaProducer(**client_options(broker), acks="all", enable_idempotence=True, max_batch_size=512 << 10)
    await consumer.start()
    await producer.start()
    try:
        partitions = [TopicPartition(source, number) for number in await _numbers(producer, source)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        total = sum((await consumer.end_offsets(partitions)).values())
        copied, began = 0, time.perf_counter()
        while copied < total:
            for key, records in (await consumer.getmany(timeout_ms=500, max_records=5000)).items():
                await _send(producer, target, key.partition, records)
                copied += len(records)
        return copied / (time.perf_counter() - began)
    finally:
        await consumer.stop()
        await producer.stop()


async def _numbers(producer: Any, topic: str) -> list[int]:  # noqa: ANN401 - aiokafka has no types
    return sorted(await producer.partitions_for(topic))


async def _send(producer: Any, topic: str, partition: int, records: list[Any]) -> None:  # noqa: ANN401
    sent = []
    batch = producer.create_batch()
    for record in records:
        if batch.append(key=record.key, value=record.value, timestamp=None) is None:
            batch.close()
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=record.key, value=record.value, timestamp=None)
    batch.close()
    sent.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*sent)


def bare_insert(rows: int, batch: int) -> float:
    """Rows a second of the bare engine, handed ready blocks of 1 kB statements; no archive, no Kafka."""
    from lrs.store.engine import Engine  # noqa: PLC0415 - opens an engine, which a process may do once

    with tempfile.TemporaryDirectory() as name:
        engine = Engine.open(f"chdb://{name}", "bench", readers=1, max_memory_mb=1500, query_seconds=10)
        try:
            engine.command(
                "CREATE TABLE raw (partition UInt16, offset UInt64, raw String CODEC(ZSTD(3))) ENGINE = MergeTree "
                "ORDER BY offset SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"
            )
            blob = [bytes(f"{number:08d}", "ascii") * 128 for number in range(batch)]
            began = time.perf_counter()
            for start in range(0, rows, batch):
                engine.insert("raw", ("partition", "offset", "raw"), [(0, start + i, blob[i]) for i in range(batch)])
            return rows / (time.perf_counter() - began)
        finally:
            engine.close()


if __name__ == "__main__":
    sys.stdout.write(f"{bare_insert(int(sys.argv[1]), int(sys.argv[2]))}\n")
    sys.stdout.flush()
