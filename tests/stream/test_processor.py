"""The processor on a real broker: every accepted statement once and in order, whatever happens to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from lrs.kernel.codec import codec
from lrs.kernel.errors import StopError
from lrs.kernel.kafka_options import client_options
from lrs.kernel.pseudonyms import Pseudonyms
from lrs.kernel.reasons import Withholding
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Noun
from processors.log_order import LeftOutError, LogOrder
from processors.processor import ProcessorPart
from processors.topic_admin import ensure_topics
from tests.support.broker import new_zone_name
from tests.support.learning import CODE, ROOT_KEY, slice_bytes, statement
from tests.support.processing import (
    ACTIVITY,
    PER_SLICE,
    Stream,
    consent,
    first_occurrences,
    offsets,
    opened,
    processing,
    read,
    ready,
)
from tests.support.waiting import eventually


@pytest.fixture
async def stream(broker: BrokerSettings, zone: str) -> AsyncIterator[Stream]:
    async with opened(broker, zone) as made:
        await made.put_references()
        yield made


async def test_slices_become_activities_on_the_same_partition_in_the_same_order(stream: Stream) -> None:
    for partition in range(4):
        await stream.put_slices(partition, range(6))
    async with processing(stream) as part:
        await eventually(lambda: stream.has(Noun.ACTIVITY, 4 * 6 * PER_SLICE))
        await eventually(lambda: ready(part))
    records = await stream.records(Noun.ACTIVITY)
    assert len(records) == 4 * 6 * PER_SLICE
    assert first_occurrences(records) == {partition: offsets(range(6)) for partition in range(4)}
    keys = Pseudonyms(ROOT_KEY, "dashboards")
    for record in records:
        source = read(record.value)
        assert record.key == source["statement_key"] == keys.statement_key(statement_id(source["offset"]))
        assert source["curriculum_code"] == CODE
    assert await stream.committed() == dict.fromkeys(range(4), 6)


def time_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a processor finish, however slow the machine is: what a stop gives up comes again, which others prove."""
    monkeypatch.setattr("processors.processor._FAUST_STOP_SECONDS", 60)
    monkeypatch.setattr("processors.slice_step._STOP_SECONDS", 60)


def statement_id(offset: int) -> bytes:
    return bytes.fromhex(statement(offset + 1)["id"].replace("-", ""))


async def test_a_stopped_processor_goes_on_where_it_was_without_a_repeat(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_to_stop(monkeypatch)
    await stream.put_slices(0, range(40))
    for share in (1, 2):
        async with processing(stream):
            await eventually(partial(stream.has, Noun.ACTIVITY, share * 10 * PER_SLICE))
        done = (await stream.ends(Noun.ACTIVITY))[0]
        assert (await stream.committed())[0] * PER_SLICE == done
    async with processing(stream):
        await eventually(lambda: stream.has(Noun.ACTIVITY, 40 * PER_SLICE))
    records = await stream.records(Noun.ACTIVITY)
    assert [read(record.value)["offset"] for record in records] == offsets(range(40))


async def commit(stream: Stream, offset: int) -> None:
    group = AIOKafkaConsumer(
        **client_options(stream.broker), group_id=f"{stream.zone}.processor", enable_auto_commit=False
    )
    await group.start()
    try:
        key = TopicPartition(stream.topic(Noun.ACCEPTED), 0)
        group.assign([key])
        await group.commit({key: offset})
    finally:
        await group.stop()


async def test_a_record_that_is_no_slice_becomes_a_dead_letter_and_holds_nothing_up(stream: Stream) -> None:
    poison = [b"not avro", slice_bytes(1, [(1, statement())]), b""]
    await stream.put_slices(0, range(1))
    await stream.put(Noun.ACCEPTED, 0, [(None, value) for value in poison])
    await stream.put_slices(0, range(1, 2))
    async with processing(stream):
        await eventually(lambda: stream.has(Noun.ACTIVITY, 2 * PER_SLICE))
    letters = [codec("refused").decode(record.value) for record in await stream.records(Noun.REFUSED)]
    assert [letter["original"] for letter in letters] == poison
    assert {letter["reason"] for letter in letters} == {"wrong_envelope"}
    assert "marker is missing" in letters[0]["rule"]
    assert "partition 1 on partition 0" in letters[1]["rule"]
    assert await stream.committed() == {0: 5}


async def test_a_slice_of_another_releases_schema_stops_the_part(stream: Stream) -> None:
    await stream.put(Noun.ACCEPTED, 0, [(None, codec("refused").header)])
    with pytest.raises(StopError, match=r"accepted\.v1-0 offset 0 cannot be read: .* unknown schema"):
        await ProcessorPart(stream.settings, root_key=ROOT_KEY).run(asyncio.Event())
    assert await stream.committed() == {}


async def test_nothing_is_decided_before_the_views_have_caught_up(stream: Stream) -> None:
    # The learner's consent is the last of many records: a view that is read halfway would withhold the slices.
    await stream.put_slices(0, range(2))
    await stream.put_consent(granted=False)
    await stream.put(Noun.CONSENT, 0, [consent(f"child-{n}", granted=True) for n in range(20_000)])
    await stream.put_consent(granted=True)
    async with processing(stream) as part:
        assert not ready(part)
        await eventually(lambda: stream.has(Noun.ACTIVITY, 2 * PER_SLICE))
        assert all(check.ok for check in part.checks() if check.name.startswith("view"))
    assert all(record.value.startswith(ACTIVITY.header) for record in await stream.records(Noun.ACTIVITY))


async def test_a_processor_waits_for_topics_that_are_not_there_yet(broker: BrokerSettings) -> None:
    async with opened(broker, new_zone_name()) as stream, processing(stream) as part:
        assert not ready(part)
        await ensure_topics(broker, stream.zone)
        await stream.put_references()
        await stream.put_slices(0, range(1))
        await eventually(lambda: stream.has(Noun.ACTIVITY, PER_SLICE))


async def test_a_withdrawal_of_consent_takes_effect_within_seconds(stream: Stream) -> None:
    async with processing(stream) as part:
        await eventually(lambda: ready(part))
        await stream.put_slices(0, range(1))
        await eventually(lambda: stream.has(Noun.ACTIVITY, PER_SLICE))
        await stream.put_consent(granted=False)
        withdrawn = time.monotonic()
        put_after: list[float] = []

        async def is_withheld() -> bool:
            put_after.append(time.monotonic() - withdrawn)
            sent = len(put_after) + 1
            await stream.put_slices(0, range(sent - 1, sent))
            await eventually(lambda: stream.has(Noun.ACTIVITY, sent * PER_SLICE))
            return read((await stream.records(Noun.ACTIVITY))[-1].value).get("reason") == Withholding.NO_CONSENT

        # A round takes as long as the machine lets it; what counts is when a slice was put that is published still.
        await eventually(is_withheld, 60)
        assert max(put_after[:-1], default=0.0) < 5


async def test_a_reference_record_that_cannot_be_read_does_not_stop_the_stream(stream: Stream) -> None:
    await stream.put(Noun.CONSENT, 0, [(b"x", b"not avro"), (b"\xff", None)])  # type: ignore[list-item]
    await stream.put(Noun.ROSTER, 0, [(b"x", b"\xc3\x01")])
    await stream.put_slices(0, range(1))
    async with processing(stream):
        await eventually(lambda: stream.has(Noun.ACTIVITY, PER_SLICE))


async def test_a_record_that_the_stream_left_out_is_noticed(stream: Stream) -> None:
    await stream.put_slices(0, range(6))
    order = LogOrder(stream.broker, stream.topic(Noun.ACCEPTED), f"{stream.zone}.processor")
    assert await order.admit(0, 0, 1)
    order.taken(0, 0, 1)
    with pytest.raises(LeftOutError, match="left out record 1"):
        await order.admit(0, 2, 1)
    assert await order.admit(0, 1, 1)
    order.taken(0, 1, 1)
    assert not await order.admit(0, 1, 1)  # done already
    assert await order.admit(0, 0, 2)  # after a rebalance, from the committed offset
    await commit(stream, 3)
    with pytest.raises(LeftOutError, match="left out record 3"):
        await order.admit(0, 4, 3)
    assert await order.behind({0})
    order.taken(0, 5, 3)
    assert not await order.behind({0})
