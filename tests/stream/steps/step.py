"""What the suite needs to know of a stream step, and what is the same for all of them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, ClassVar, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.records_to_delete import RecordsToDelete

from lrs.kernel.kafka_options import client_options
from lrs.kernel.parts import Part
from lrs.kernel.settings import BrokerSettings, Settings
from lrs.kernel.topics import Noun, topic_name
from lrs.kernel.zone_folder import ZoneFolder
from processors.members import member_name
from tests.support.log import Pair, read_all, send
from tests.support.waiting import eventually

PARTITIONS = 4
POISON = (b"\x00\xffno record", b"", b"\xc3\x01\x00")
"""What no step can read."""
FIRST = "first"


class Letter(NamedTuple):
    """What identifies a dead letter."""

    source: str
    partition: int
    offset: int
    original: bytes


class Step(ABC):
    """One step of a zone of its own.

    Its input is numbered: item n lies on partition n % 4, where it is the (n // 4)-th.
    `opened` opens its stores, which one process at a time can have; `part` and `outputs` need them.
    """

    name: ClassVar[str]
    source: ClassVar[Noun]
    lot: ClassVar[int]
    """How many items make several batches on every partition."""
    points: ClassVar[tuple[tuple[str, int], ...]]
    """Where to be killed: after the n-th call of what `tests.support.stream_part` calls so."""
    gate: ClassVar[tuple[type, str]]
    """The asynchronous method that makes a batch's outcome durable."""
    writes_to: ClassVar[Noun | None] = None
    """The topic that takes its output, if one does."""
    room: ClassVar[dict[str, Any]]
    """Its room of the settings."""

    def __init__(self, broker: BrokerSettings, zone: str, folder: ZoneFolder, probe: Any) -> None:  # noqa: ANN401
        """`probe`: a consumer of the step's group that joins nothing."""
        self.broker = broker
        self.zone = zone
        self.folder = folder
        self.probe = probe
        self.store: dict[str, str] = {}
        self.changed: dict[str, Any] = {}

    @property
    def topic(self) -> str:
        """The topic it reads."""
        return topic_name(self.zone, self.source)

    def settings(self, member: str = FIRST) -> Settings:
        """The zone's settings for a member of the step's group."""
        rooms = {"zone": {"name": self.zone}, "broker": {**self.broker.model_dump(), **self.changed}}
        return Settings.model_validate({**rooms, "store": self.store, self.name: {**self.room, "member": member}})

    async def prepare(self) -> None:  # noqa: B027 - most steps need nothing
        """Put on the log what the step needs beside its input."""

    async def put(self, items: Iterable[int]) -> None:
        """Put items on the log, in this order."""
        by_partition: dict[int, list[Pair]] = {}
        for item in items:
            by_partition.setdefault(item % PARTITIONS, []).append(self.record(item))
        for partition, records in by_partition.items():
            await send(self.broker, self.topic, partition, records)

    @abstractmethod
    def record(self, item: int) -> Pair:
        """Key and value of an item."""

    @abstractmethod
    def opened(self) -> AbstractContextManager[None]:
        """Its stores, open for this process."""

    @abstractmethod
    def part(self, member: str = FIRST) -> Part:
        """A new part over the open stores."""

    @abstractmethod
    async def outputs(self) -> dict[str, Any]:
        """Everything that came out, as whoever comes next will count it; what is there twice shows twice."""

    @abstractmethod
    def expected(self, items: Iterable[int]) -> dict[str, Any]:
        """What `outputs` is when each of these items came through once."""

    @abstractmethod
    async def letters(self) -> list[Letter]:
        """The dead letters that it made."""

    @abstractmethod
    def frozen(self) -> AbstractContextManager[Frozen]:
        """A running part that freezes, as a stopped process does, between taking a batch and writing it."""

    async def committed(self) -> dict[int, int]:
        """What the group has committed; 0 for a partition where nothing is."""
        found = {}
        for key in self.keys():
            found[key.partition] = await self.probe.committed(key) or 0
        return found

    async def ends(self) -> dict[int, int]:
        """The log's end."""
        return {key.partition: end for key, end in (await self.probe.end_offsets(self.keys())).items()}

    async def done(self) -> bool:
        """Whether everything on the log is committed."""
        return await self.committed() == await self.ends()

    def keys(self) -> list[TopicPartition]:
        """The partitions of its topic."""
        return [TopicPartition(self.topic, number) for number in range(PARTITIONS)]

    async def rewind(self) -> None:
        """Everything will be delivered again: told by the group's one member, whose name the group remembers."""
        options = client_options(self.broker)
        group = {"group_id": f"{self.zone}.{self.name}", "group_instance_id": member_name(FIRST, PARTITIONS)}
        async with AIOKafkaConsumer(self.topic, enable_auto_commit=False, **options, **group) as member:
            await eventually(lambda: len(member.assignment()) == PARTITIONS)
            await member.commit(dict.fromkeys(self.keys(), 0))

    async def lose(self, before: dict[int, int]) -> None:
        """As if retention had removed what lies before these offsets."""
        async with admin(self.broker) as client:
            await client.delete_records(
                {TopicPartition(self.topic, number): RecordsToDelete(offset) for number, offset in before.items()}
            )

    async def members(self) -> int:
        """How many members its group has."""
        async with admin(self.broker) as client:
            [response] = await client.describe_consumer_groups([f"{self.zone}.{self.name}"])
        [group] = response.groups
        return len(group[5])

    async def values(self, noun: Noun) -> dict[int, list[bytes]]:
        """Every value on one of the zone's topics."""
        return await read_all(self.broker, topic_name(self.zone, noun))


class Frozen(ABC):
    """A part that stands still."""

    @abstractmethod
    async def stands(self) -> None:
        """Return once it does."""

    @abstractmethod
    def thaw(self) -> None:
        """Let it go on."""

    @abstractmethod
    def has_ended(self) -> bool:
        """Whether it has ended by itself."""

    @abstractmethod
    async def ended(self, seconds: float) -> None:
        """Stop it, unless it has ended by itself, and wait for its end."""


async def add_partition(broker: BrokerSettings, topic: str) -> None:
    """Let a topic have one partition more than its zone."""
    async with admin(broker) as client:
        await client.create_partitions({topic: NewPartitions(PARTITIONS + 1)})

        async def is_known() -> bool:
            [found] = await client.describe_topics([topic])
            return len(found["partitions"]) > PARTITIONS

        await eventually(is_known)


@asynccontextmanager
async def admin(broker: BrokerSettings) -> AsyncIterator[Any]:
    """A client for what a broker's operator does."""
    client = AIOKafkaAdminClient(**client_options(broker))
    await client.start()
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def probe_of(broker: BrokerSettings, group: str) -> AsyncIterator[Any]:
    """A consumer that asks about a group's offsets and never joins it."""
    async with AIOKafkaConsumer(**client_options(broker), group_id=group, enable_auto_commit=False) as probe:
        yield probe


class Hold:
    """Holds the first call of an asynchronous method until `release` is set."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.release = asyncio.Event()

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """The method that is held."""

        async def wait(*given: Any, **named: Any) -> Any:  # noqa: ANN401
            if not self.reached.is_set():
                self.reached.set()
                await self.release.wait()
            return await work(*given, **named)

        return wait
