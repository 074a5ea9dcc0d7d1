"""A topic's settings, changed for a while: how a real broker is made to turn writes down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from lrs.kernel.kafka_options import client_options
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Noun, topics


@asynccontextmanager
async def other_settings(broker: BrokerSettings, zone: str, noun: Noun, changed: dict[str, str]) -> AsyncIterator[None]:
    """The topic has `changed` beside its own settings, and afterwards its own alone.

    The broker says so a moment before it acts so: wait for what the change does.
    """
    topic = topics(zone, broker.partitions)[noun]
    await _configure(broker, topic.name, {**topic.config, **changed})
    try:
        yield
    finally:
        await _configure(broker, topic.name, topic.config)


async def _configure(broker: BrokerSettings, name: str, settings: dict[str, str]) -> None:
    client = AIOKafkaAdminClient(**client_options(broker))
    await client.start()
    try:
        (response,) = await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, settings)])
    finally:
        await client.close()
    assert [code for code, *_ in response.resources] == [0]
