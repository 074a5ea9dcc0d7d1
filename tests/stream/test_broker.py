"""The broker that `ayumi up` starts: real processes on free ports."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from lrs.cli.broker import Broker, new_cluster_id
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Noun, topic_name
from processors.topic_admin import brokers_alive, ensure_topics, wait_for_topics
from tests.support.broker import new_broker, new_zone_name
from tests.support.waiting import eventually

TOPIC = topic_name("osaka", Noun.RECEIVED)


@asynccontextmanager
async def running(node: Broker) -> AsyncIterator[Broker]:
    await node.start()
    try:
        await node.ready()
        yield node
    finally:
        await node.stop()


async def write(address: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all") as producer:
        await producer.send_and_wait(TOPIC, value, partition=0)


async def read(address: str) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
    async with consumer:
        partition = TopicPartition(TOPIC, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        return [(await consumer.getone()).value for _ in range(end)]


def test_no_identity_begins_with_a_dash_which_the_tools_take_for_an_option() -> None:
    given = iter([b"\xfb" + bytes(15), b"\xf8" + bytes(15), bytes(15) + b"\xfb"])
    assert new_cluster_id(lambda: next(given)) == "AAAAAAAAAAAAAAAAAAAA-w"


async def test_acknowledged_records_survive_kill_9_and_a_move_to_another_port(tmp_path: Path) -> None:
    async with running(new_broker(tmp_path)) as first:
        await ensure_topics(first.settings, "osaka")
        await write(first.address, b"kept")
        killed = first.running
        killed.kill()
        killed.wait()
    second = new_broker(tmp_path)
    assert second.address != first.address
    async with running(second):
        assert await read(second.address) == [b"kept"]
        assert await ensure_topics(second.settings, "osaka") == []


async def test_a_second_broker_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with running(new_broker(tmp_path)) as first:
        second = new_broker(tmp_path)
        await second.start()
        with pytest.raises(StopError, match="Another broker runs on this folder"):
            await second.ready()
        await second.stop()
        assert await brokers_alive(first.settings) == 1


async def test_stop_leaves_no_process_and_frees_the_port(tmp_path: Path) -> None:
    node = new_broker(tmp_path)
    async with running(node):
        pid = node.running.pid
    assert not psutil.pid_exists(pid)
    with socket.create_server(("127.0.0.1", node.settings.port)):
        pass
    await node.stop()


async def test_the_broker_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from tests.support.broker import new_broker

        async def main():
            node = new_broker(Path({str(tmp_path)!r}))
            await node.start()
            print(node.running.pid, flush=True)
            await asyncio.sleep(600)

        asyncio.run(main())
    """)
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:  # noqa: ASYNC220
        assert parent.stdout
        pid = next(int(line) for line in parent.stdout if line.strip().isdigit())
        assert psutil.pid_exists(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        await eventually(lambda: not psutil.pid_exists(pid))


async def test_a_port_in_use_is_refused_and_the_setting_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        node = new_broker(tmp_path, port=other.getsockname()[1])
        with pytest.raises(StopError, match=r"in use.*AYUMI_BROKER__PORT"):
            await node.start()


async def test_too_little_disk_is_refused_and_the_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(StopError, match=r"too little disk.*AYUMI_BROKER__MIN_FREE_DISK_MB"):
        await new_broker(tmp_path, min_free_disk_mb=10**9).start()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"version=1\nnode.id=7\n", b""])
async def test_an_unreadable_identity_of_the_data_is_refused(tmp_path: Path, content: bytes) -> None:
    node = new_broker(tmp_path)
    node.data.mkdir(parents=True)
    identity = node.data / "meta.properties"
    identity.write_bytes(content)
    with pytest.raises(StopError, match=r"is damaged: meta\.properties.*backup"):
        await node.start()
    assert identity.read_bytes() == content


async def test_a_data_folder_without_an_identity_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    node = new_broker(tmp_path)
    segment = node.data / f"{TOPIC}-0" / "00000000000000000000.log"
    segment.parent.mkdir(parents=True)
    segment.write_bytes(b"records")
    with pytest.raises(StopError, match="is damaged"):
        await node.start()
    assert segment.read_bytes() == b"records"


async def test_a_broker_that_ends_is_refused_in_its_words(tmp_path: Path) -> None:
    node = new_broker(tmp_path, heap_mb=8)
    await node.start()
    try:
        with pytest.raises(StopError, match=r"the broker ended with code .*AYUMI_BROKER__HEAP_MB"):
            await node.ready()
    finally:
        await node.stop()


async def test_damaged_metadata_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    """Kafka would cut it off, forget every topic, and begin to count offsets anew."""
    node = new_broker(tmp_path)
    async with running(node):
        pass
    segment = min(node.data.glob("__cluster_metadata-0/*.log"))
    segment.write_bytes(b"\0" * 400)
    with pytest.raises(StopError, match="damaged: the metadata log"):
        await node.start()
    assert segment.read_bytes() == b"\0" * 400


async def test_an_interrupted_format_is_done_again(tmp_path: Path) -> None:
    node = new_broker(tmp_path)
    draft = node.data.with_name("data.new")
    draft.mkdir(parents=True)
    (draft / "meta.properties").write_text("version=1\n")
    async with running(node):
        assert await brokers_alive(node.settings) == 1
    assert not draft.exists()


async def test_topics_are_made_once(broker: BrokerSettings) -> None:
    zone = new_zone_name()
    made = await ensure_topics(broker, zone)
    assert topic_name(zone, Noun.CONSENT) in made
    assert await ensure_topics(broker, zone) == []
    await wait_for_topics(broker, zone, 5)


async def test_another_partition_count_is_refused(broker: BrokerSettings, zone: str) -> None:
    other = broker.model_copy(update={"partitions": broker.partitions + 1})
    with pytest.raises(StopError, match=f"AYUMI_BROKER__PARTITIONS={broker.partitions}"):
        await ensure_topics(other, zone)


async def test_more_replicas_than_brokers_are_refused(broker: BrokerSettings) -> None:
    other = broker.model_copy(update={"replication_factor": 3})
    with pytest.raises(StopError, match="AYUMI_BROKER__REPLICATION_FACTOR"):
        await ensure_topics(other, new_zone_name())


async def test_waiting_for_topics_that_nobody_makes_ends(broker: BrokerSettings) -> None:
    with pytest.raises(RetryError, match="no leader yet"):
        await wait_for_topics(broker, new_zone_name(), 0.2)


async def test_waiting_for_a_broker_that_is_away_ends(tmp_path: Path) -> None:
    settings = new_broker(tmp_path).settings
    with pytest.raises(RetryError, match="broker"):
        await wait_for_topics(settings, new_zone_name(), 0.2)
