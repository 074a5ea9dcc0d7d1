"""The processor while the topic that it writes to takes nothing: it tries again in place, and the log loses nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lrs.kernel.metrics import PROCESSOR_RETRIES
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Noun
from tests.support.processing import PER_SLICE, Stream, caught_up, offsets, opened, processing, read, ready
from tests.support.topic_settings import other_settings
from tests.support.waiting import eventually


@pytest.fixture
async def stream(broker: BrokerSettings, zone: str) -> AsyncIterator[Stream]:
    async with opened(broker, zone) as made:
        await made.put_references()
        yield made


@asynccontextmanager
async def refusing(stream: Stream) -> AsyncIterator[None]:
    """The broker turns down what is written to `activity`: any record is older than it allows."""
    too_strict = {"message.timestamp.type": "CreateTime", "message.timestamp.before.max.ms": "0"}
    async with other_settings(stream.broker, stream.zone, Noun.ACTIVITY, too_strict):
        yield


def retries() -> float:
    """How often this process has tried a slice again."""
    return sum(
        sample.value for metric in PROCESSOR_RETRIES.collect() for sample in metric.samples if "total" in sample.name
    )


async def written(stream: Stream) -> dict[int, list[int]]:
    """By partition the source offsets of everything on `activity`, as they lie there."""
    found: dict[int, list[int]] = {}
    for record in await stream.records(Noun.ACTIVITY):
        found.setdefault(record.partition, []).append(read(record.value)["offset"])
    return found


async def test_writes_that_are_turned_down_for_a_while_arrive_once_and_in_order(stream: Stream) -> None:
    slices = 20
    for partition in range(4):
        await stream.put_slices(partition, range(slices // 2))
    async with processing(stream) as part:
        await eventually(lambda: caught_up(stream, slices // 2))
        before = retries()
        async with refusing(stream):
            for partition in range(4):
                await stream.put_slices(partition, range(slices // 2, slices))
            await eventually(lambda: retries() >= before + 4)
            await eventually(lambda: any(check.name == "activity written" and not check.ok for check in part.checks()))
        await eventually(lambda: caught_up(stream, slices))
        await eventually(lambda: ready(part))
    assert await written(stream) == {partition: offsets(range(slices)) for partition in range(4)}


async def test_a_processor_that_is_stopped_while_it_is_turned_down_goes_on_later(stream: Stream) -> None:
    slices = 12
    await stream.put_slices(0, range(2))
    async with processing(stream):
        await eventually(lambda: stream.has(Noun.ACTIVITY, 2 * PER_SLICE))
        before = retries()
        async with refusing(stream):
            await stream.put_slices(0, range(2, slices))
            await eventually(lambda: retries() >= before + 2)
    async with processing(stream):
        await eventually(lambda: stream.has(Noun.ACTIVITY, slices * PER_SLICE))
    assert await written(stream) == {0: offsets(range(slices))}
