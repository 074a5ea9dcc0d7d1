"""Making a zone's topics, and asking whether a broker answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.kafka_options import client_options
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Topic, topics

_REQUEST_MS = 10_000
_LEADER_SECONDS = 20.0
_POLL_SECONDS = 0.05


@asynccontextmanager
async def _admin(broker: BrokerSettings, request_ms: int = _REQUEST_MS) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**client_options(broker), request_timeout_ms=request_ms, client_id="ayumi-admin")
    try:
        await client.start()
        yield client
    except (KafkaError, OSError, TimeoutError) as error:
        raise RetryError("broker", str(error) or type(error).__name__) from error
    finally:
        await client.close()


async def brokers_alive(broker: BrokerSettings, *, request_ms: int = 2000) -> int:
    """How many brokers a metadata request names as alive. Raises `RetryError` when none answers."""
    async with _admin(broker, request_ms) as admin:
        return len((await admin.describe_cluster())["brokers"])


async def ensure_topics(broker: BrokerSettings, zone: str) -> list[str]:
    """Make the zone's topics that are missing, wait until every partition has a leader, and return the names made.

    Raises `StopError` when a topic exists with another partition count: statement ids would move to other partitions,
    away from the id authority that knows them.
    """
    wanted = {topic.name: topic for topic in topics(zone, broker.partitions).values()}
    async with _admin(broker) as admin:
        existing = await _partitions(admin, None)
        _refuse_other_counts(wanted.values(), existing)
        missing = [topic for name, topic in wanted.items() if name not in existing]
        await _create(admin, missing, broker.replication_factor)
        await _wait_for_leaders(admin, wanted, time.monotonic() + _LEADER_SECONDS)
    return [topic.name for topic in missing]


async def wait_for_topics(broker: BrokerSettings, zone: str, timeout_seconds: float) -> None:
    """Return once every topic of the zone is there with its partitions led. Raises `RetryError` when it takes too long.

    A part that runs on a machine of its own makes no topics: it waits for whoever does.
    """
    wanted = {topic.name: topic for topic in topics(zone, broker.partitions).values()}
    deadline = time.monotonic() + timeout_seconds
    with _hushed():
        while True:
            try:
                async with _admin(broker) as admin:
                    await _wait_for_leaders(admin, wanted, deadline)
            except RetryError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return


async def forget_records(broker: BrokerSettings, topic: str, before: Mapping[int, int]) -> None:
    """Let each named partition begin at an offset. Raises `RetryError`."""
    wanted = {TopicPartition(topic, number): RecordsToDelete(offset) for number, offset in before.items()}
    if wanted:
        async with _admin(broker) as admin:
            await admin.delete_records(wanted)


@contextmanager
def _hushed() -> Iterator[None]:
    """The client logs every refused connection as an error; while waiting, a refused connection is none."""
    client = logging.getLogger("aiokafka")
    before = client.level
    client.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        client.setLevel(before)


async def _partitions(admin: AIOKafkaAdminClient, names: list[str] | None) -> dict[str, list[dict[str, Any]]]:
    return {
        entry["topic"]: entry["partitions"] for entry in await admin.describe_topics(names) if not entry["error_code"]
    }


def _refuse_other_counts(wanted: Iterable[Topic], existing: Mapping[str, list[Any]]) -> None:
    for topic in wanted:
        count = len(existing.get(topic.name, ()))
        if count not in (0, topic.partitions):
            raise StopError(
                f"topic {topic.name} has {count} partitions, this zone wants {topic.partitions}",
                remedy=f"Set AYUMI_BROKER__PARTITIONS={count}, or use another AYUMI_ZONE__NAME.",
            )


async def _create(admin: AIOKafkaAdminClient, missing: list[Topic], replication_factor: int) -> None:
    if not missing:
        return
    new = [NewTopic(topic.name, topic.partitions, replication_factor, topic_configs=topic.config) for topic in missing]
    answer = await admin.create_topics(new)
    for name, code, *message in answer.topic_errors:
        if code and for_code(code) is not TopicAlreadyExistsError:  # another process was quicker: the same topic
            raise StopError(
                f"the broker refused to make topic {name}: {message[0] if message else for_code(code).__name__}",
                remedy="Check AYUMI_BROKER__REPLICATION_FACTOR and the rights of the account, or make it yourself.",
            )


async def _wait_for_leaders(admin: AIOKafkaAdminClient, wanted: Mapping[str, Topic], deadline: float) -> None:
    while True:
        found = await _partitions(admin, list(wanted))
        _refuse_other_counts(wanted.values(), found)
        led = [name for name, parts in found.items() if parts and all(part["leader"] >= 0 for part in parts)]
        if len(led) == len(wanted):
            return
        if time.monotonic() > deadline:
            raise RetryError("broker", f"no leader yet for {', '.join(sorted(set(wanted) - set(led)))}")
        await asyncio.sleep(_POLL_SECONDS)
