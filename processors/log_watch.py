"""What the broker knows about a zone's topics and consumer groups: ends, committed offsets, times, retention.

Beside every group: it joins none, commits nothing and reads no record.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from lrs.kernel.errors import RetryError
from lrs.kernel.kafka_options import client_options
from lrs.kernel.topics import topic_name
from lrs.store.accounting import LogSpan

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from types import TracebackType

    from lrs.kernel.settings import BrokerSettings
    from lrs.kernel.topics import Noun

_ANSWER_SECONDS = 20.0
# Seven days, halved so often, are ten seconds.
_HALVINGS = 16
_RETENTION = "retention.ms"


class LogWatch:
    """An async context manager over two connections. Every call raises `RetryError` when the broker does not answer."""

    def __init__(self, broker: BrokerSettings, zone: str) -> None:
        self._broker = broker
        self._zone = zone
        self._exit = AsyncExitStack()
        self._consumer: Any = None
        self._admin: Any = None

    async def __aenter__(self) -> Self:
        options = client_options(self._broker)
        self._consumer = AIOKafkaConsumer(
            **options, client_id="ayumi-log-watch", group_id=None, enable_auto_commit=False
        )
        self._admin = AIOKafkaAdminClient(**options, client_id="ayumi-log-watch")
        self._exit.push_async_callback(self._consumer.stop)
        self._exit.push_async_callback(self._admin.close)
        try:
            with _answers():
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await self._consumer.start()
                    await self._admin.start()
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    async def spans(self, nouns: Collection[Noun]) -> dict[str, dict[int, LogSpan]]:
        """For each topic, where its partitions begin and end now."""
        keys = [key for noun in nouns for key in self._keys(noun)]
        with _answers():
            async with asyncio.timeout(_ANSWER_SECONDS):
                begins = await self._consumer.beginning_offsets(keys)
                ends = await self._consumer.end_offsets(keys)
        return {noun: {key.partition: LogSpan(begins[key], ends[key]) for key in self._keys(noun)} for noun in nouns}

    async def committed(self, groups: Mapping[str, Noun]) -> dict[str, dict[int, int]]:
        """For each group, by its name within the zone, the next offset of each partition of the topic that it reads.

        What a group has never committed is left out.
        """
        found = {}
        for group, noun in groups.items():
            with _answers():
                async with asyncio.timeout(_ANSWER_SECONDS):
                    answer = await self._admin.list_consumer_group_offsets(f"{self._zone}.{group}")
            topic = topic_name(self._zone, noun)
            found[group] = {
                key.partition: place.offset for key, place in answer.items() if key.topic == topic and place.offset >= 0
            }
        return found

    async def oldest(self, noun: Noun) -> float | None:
        """When the oldest record of a topic was written, in Unix seconds; None: it has none."""
        found = await self._at_times(dict.fromkeys(self._keys(noun), 0))
        times = [place.timestamp / 1000 for place in found.values() if place is not None]
        return min(times, default=None)

    async def written(self, noun: Noun, offsets: Mapping[int, int]) -> float | None:
        """When the oldest of the records at `offsets` (by partition) was written, in Unix seconds.

        The broker tells the first record behind a time, not the time of a record: so the time is halved in until it
        fits, all partitions at once. At most some seconds too early, never too late. None: there is no such record.
        """
        keys = {key: offsets[key.partition] for key in self._keys(noun) if key.partition in offsets}
        first = await self._at_times(dict.fromkeys(keys, 0))
        spans = {key: [place.timestamp, time.time_ns() // 1_000_000] for key, place in first.items() if place}
        for _ in range(_HALVINGS):
            middles = {key: (low + high) // 2 for key, (low, high) in spans.items() if high - low > 1}
            if not middles:
                break
            for key, place in (await self._at_times(middles)).items():
                if place is None or place.offset > keys[key]:
                    spans[key][1] = middles[key]
                elif place.offset == keys[key]:
                    spans[key] = [place.timestamp, place.timestamp]
                else:
                    spans[key][0] = middles[key]
        return min((low / 1000 for low, _ in spans.values()), default=None)

    async def retention(self, nouns: Collection[Noun]) -> dict[str, float | None]:
        """For each topic, for how many seconds it keeps a record; None: for ever."""
        names = {topic_name(self._zone, noun): noun for noun in nouns}
        wanted = [ConfigResource(ConfigResourceType.TOPIC, name, configs={_RETENTION: None}) for name in names]
        with _answers():
            async with asyncio.timeout(_ANSWER_SECONDS):
                answers = await self._admin.describe_configs(wanted)
        found: dict[str, float | None] = {}
        for answer in answers:
            for _code, _message, _type, name, entries in answer.resources:
                for key, value, *_rest in entries:
                    if key == _RETENTION:
                        found[names[name].value] = int(value) / 1000 if int(value) >= 0 else None
        return found

    async def _at_times(self, times: dict[TopicPartition, int]) -> dict[TopicPartition, Any]:
        if not times:
            return {}
        with _answers():
            async with asyncio.timeout(_ANSWER_SECONDS):
                found: dict[TopicPartition, Any] = await self._consumer.offsets_for_times(times)
        return found

    def _keys(self, noun: Noun) -> list[TopicPartition]:
        name = topic_name(self._zone, noun)
        return [TopicPartition(name, number) for number in range(self._broker.partitions)]


@contextmanager
def _answers() -> Iterator[None]:
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise RetryError("the broker", f"{type(error).__name__}: {error}") from error
