"""The loop that every sink shares, on a real broker, with a shelf in memory as its sink."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import pytest

from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Noun, topic_name
from processors.batch_producer import BatchProducer
from processors.group_consumer import EndedError, GroupConsumer
from processors.partition_consumer import PartitionConsumer
from processors.sink import LogSpan, start_offset
from tests.support.log import committed, send
from tests.support.running import running
from tests.support.waiting import eventually


class Shelf:
    """A sink that keeps what it is given; `before_write` may fail or wait."""

    def __init__(self, before_write: Callable[[], Any] = lambda: None, *, first: int | None = None) -> None:
        self.written: dict[int, list[int]] = {}
        self.events: list[str] = []
        self.tries = 0
        self.begun: dict[int, int] = {}
        self.promised: dict[int, int] = {}
        self.accounted = first
        self._before_write = before_write

    async def take_over(self, span: LogSpan) -> int | None:
        self.events.append(f"take {span.partition}")
        accounted = self.accounted if span.partition == 0 else None
        self.begun[span.partition] = start_offset(span, accounted)
        return accounted

    def read(self, partition: int, records: Sequence[Any]) -> list[int]:
        assert all(record.partition == partition for record in records)
        return [record.offset for record in records]

    async def write(self, batches: Mapping[int, list[int]]) -> None:
        self.tries += 1
        waiting = self._before_write()
        if waiting is not None:
            await waiting
        for partition, batch in batches.items():
            self.written.setdefault(partition, []).extend(batch)
            self.events.append(f"wrote {partition}")

    async def account(self) -> None:
        self.events.append("accounted")

    def caught_up(self, partition: int, next_offset: int, at_ms: int) -> None:  # noqa: ARG002 - no clock here
        # A promise to readers: nothing before `next_offset` is still on its way here.
        self.promised[partition] = next_offset
        known = self.written.get(partition)
        assert next_offset <= (known[-1] + 1 if known else self.begun[partition])

    def let_go(self, partition: int) -> None:
        self.events.append(f"let go {partition}")

    def all_written(self) -> int:
        return sum(len(offsets) for offsets in self.written.values())


class Loop:
    """A `PartitionConsumer` as a part."""

    name = "loop"

    def __init__(
        self,
        broker: BrokerSettings,
        zone: str,
        shelf: Shelf,
        member: str = "first",
        *,
        most: int = 10,
        max_bytes: int | None = None,
    ) -> None:
        topic = topic_name(zone, Noun.ACTIVITY)
        self.consumer = GroupConsumer(
            broker,
            topic=topic,
            group=f"{zone}.shelf",
            member=member,
            max_records=most,
            max_wait_seconds=0.2,
            max_bytes=max_bytes,
        )
        self._loop = PartitionConsumer(shelf, self.consumer, gather_seconds=0.01 if most == 10 else 3)
        self.run = self._loop.run
        self.checks = self._loop.checks

    def ready(self) -> bool:
        return all(check.ok for check in self.checks())


async def fill(broker: BrokerSettings, zone: str, partition: int, count: int) -> None:
    await send(broker, topic_name(zone, Noun.ACTIVITY), partition, [(None, b"%d" % n) for n in range(count)])


async def committed_of(broker: BrokerSettings, zone: str) -> dict[int, int | None]:
    return await committed(broker, f"{zone}.shelf", topic_name(zone, Noun.ACTIVITY))


async def test_every_record_comes_once_in_order_and_is_accounted_before_it_is_committed(
    broker: BrokerSettings, zone: str
) -> None:
    await fill(broker, zone, 0, 35)
    await fill(broker, zone, 2, 5)
    shelf = Shelf()
    loop = Loop(broker, zone, shelf)
    async with running(loop):
        await eventually(lambda: shelf.promised == {0: 35, 1: 0, 2: 5, 3: 0} and loop.ready())
    assert shelf.written == {0: list(range(35)), 2: list(range(5))}
    assert shelf.promised == {0: 35, 1: 0, 2: 5, 3: 0}
    assert "accounted" in shelf.events
    assert shelf.events[-1].startswith("let go")
    assert await committed_of(broker, zone) == {0: 35, 1: None, 2: 5, 3: None}


async def test_a_batch_that_fails_is_given_again_and_nothing_goes_past_it(broker: BrokerSettings, zone: str) -> None:
    failures = iter([True, True, False, True])

    def away_at_times() -> None:
        if next(failures, False):
            raise RetryError(what="the shelf", detail="it wobbles")

    await fill(broker, zone, 0, 30)
    shelf = Shelf(away_at_times)
    loop = Loop(broker, zone, shelf)
    async with running(loop):
        await eventually(lambda: shelf.all_written() == 30 and loop.ready())
    assert shelf.written == {0: list(range(30))}
    assert shelf.tries == 6


async def test_under_load_what_comes_until_the_next_write_is_written_at_once(broker: BrokerSettings, zone: str) -> None:
    shelf = Shelf()
    loop = Loop(broker, zone, shelf, most=5000)
    producer = BatchProducer(broker, client_id="test")
    await producer.start()
    async with running(loop), AsyncExitStack() as closing:
        closing.push_async_callback(producer.stop)
        await eventually(loop.ready)
        await fill(broker, zone, 0, 1000)
        await eventually(lambda: shelf.all_written() == 1000)
        before = shelf.tries
        for number in (0, 1, 0, 3, 0):
            await producer.publish(topic_name(zone, Noun.ACTIVITY), number, [(None, b"record")] * 20)
        await eventually(lambda: shelf.all_written() == 1100)
        assert shelf.tries <= before + 2
    assert shelf.written[0] == list(range(1060))


async def test_a_batch_has_no_more_bytes_than_it_may_however_many_records_are_allowed(
    broker: BrokerSettings, zone: str
) -> None:
    large = [(None, bytes([number]) * 100_000) for number in range(120)]
    await send(broker, topic_name(zone, Noun.ACTIVITY), 0, [*[(None, b"small")] * 3000, *large])
    sizes: list[int] = []

    class Scales(Shelf):
        async def write(self, batches: Mapping[int, list[int]]) -> None:
            sizes.append(sum(len(batch) for batch in batches.values()))
            await super().write(batches)

    shelf = Scales()
    async with running(Loop(broker, zone, shelf, most=5000, max_bytes=1_000_000)):
        await eventually(lambda: shelf.all_written() == 3120)
    assert shelf.written == {0: list(range(3120))}
    # A megabyte is ten of the large ones; what is taken in one step before they are known to be large comes on top.
    assert max(sizes[1:]) <= 10 + 16
    assert len(sizes) < 20


async def test_while_a_batch_fails_the_part_is_not_ready_and_says_what_is_away(
    broker: BrokerSettings, zone: str
) -> None:
    def away() -> None:
        raise RetryError(what="the shelf", detail="it wobbles")

    await fill(broker, zone, 0, 5)
    shelf = Shelf(away)
    loop = Loop(broker, zone, shelf)
    async with running(loop):
        await eventually(lambda: any("it wobbles" in check.detail for check in loop.checks()))
    assert shelf.written == {}
    assert await committed_of(broker, zone) == {0: None, 1: None, 2: None, 3: None}


async def test_an_error_that_waiting_cannot_mend_ends_the_part_and_commits_nothing(
    broker: BrokerSettings, zone: str
) -> None:
    def broken() -> None:
        raise StopError(problem="the shelf broke", remedy="Buy another.")

    await fill(broker, zone, 0, 5)
    with pytest.raises(StopError, match="broke"):
        async with running(Loop(broker, zone, Shelf(broken))):
            await asyncio.Event().wait()
    assert await committed_of(broker, zone) == {0: None, 1: None, 2: None, 3: None}


async def test_an_answer_that_the_client_does_not_know_is_no_end(broker: BrokerSettings, zone: str) -> None:
    """As of a broker that is starting: here to a heartbeat for a group without a name."""
    shelf = Shelf()
    loop = Loop(broker, zone, shelf)
    async with running(loop):
        await eventually(loop.ready)
        coordinator = loop.consumer._consumer._coordinator  # noqa: SLF001
        coordinator.group_id, group = "", coordinator.group_id
        await fill(broker, zone, 0, 5)
        await eventually(lambda: any("InvalidGroupId" in check.detail for check in loop.checks()))
        coordinator.group_id = group
        await eventually(lambda: shelf.all_written() == 5 and loop.ready())
    assert (await committed_of(broker, zone))[0] == 5


@pytest.mark.parametrize("waits", [True, False], ids=["a batch waits", "nothing waits"])
async def test_an_answer_that_ends_the_clients_heartbeats_is_no_end(
    broker: BrokerSettings, zone: str, monkeypatch: pytest.MonkeyPatch, *, waits: bool
) -> None:
    """The client hands it to whoever polls next and does nothing more until then; while a batch waits nobody polls.

    Here it is the broker's to a question for a coordinator of a kind that there is not.
    """
    wobbles = waits

    def away() -> None:
        if wobbles:
            raise RetryError(what="the shelf", detail="it wobbles")

    def says(word: str) -> bool:
        return any(word in check.detail for check in loop.checks())

    shelf = Shelf(away)
    loop = Loop(broker, zone, shelf)
    async with running(loop):
        await eventually(loop.ready)
        await fill(broker, zone, 0, 5)
        await eventually(lambda: says("it wobbles") is waits)
        coordinator = loop.consumer._consumer._coordinator  # noqa: SLF001
        with monkeypatch.context() as patch:
            patch.setattr("aiokafka.consumer.group_coordinator.CoordinationType", SimpleNamespace(GROUP=9))
            coordinator.coordinator_dead()
            await eventually(coordinator._heartbeat_task.done)  # noqa: SLF001
            await eventually(lambda: not says("it wobbles"))
        wobbles = False
        await eventually(lambda: shelf.all_written() == 5 and loop.ready())
    assert (await committed_of(broker, zone))[0] == 5


@pytest.mark.parametrize("task", ["_coordinator._coordination_task", "_fetcher._fetch_task", "_client._sync_task"])
async def test_a_client_of_which_a_task_has_ended_ends_the_part_instead_of_waiting_for_ever(
    broker: BrokerSettings, zone: str, task: str
) -> None:
    loop = Loop(broker, zone, Shelf())

    async def cut_off() -> None:
        await eventually(loop.ready)
        attrgetter(task)(loop.consumer._consumer).cancel()  # noqa: SLF001
        await asyncio.Event().wait()

    with pytest.raises(EndedError, match=topic_name(zone, Noun.ACTIVITY)):
        async with running(loop):
            await cut_off()


async def test_a_rebalance_waits_for_the_batch_in_flight_before_the_next_owner_takes_over(
    broker: BrokerSettings, zone: str
) -> None:
    release = asyncio.Event()
    await fill(broker, zone, 0, 5)
    first, second = Shelf(release.wait), Shelf()
    events: list[str] = []
    first.events = second.events = events
    one, other = Loop(broker, zone, first), Loop(broker, zone, second, member="second")
    async with running(one):
        await eventually(lambda: first.tries == 1)
        async with running(other):
            # The group is asked to rebalance, and the first member keeps it waiting.
            await eventually(one._loop._hurry.is_set)  # noqa: SLF001
            before = list(events)
            assert not any(event.startswith("wrote") for event in before)
            release.set()
            await eventually(lambda: one.ready() and other.ready())
    after = events[len(before) :]
    assert after[0] == "wrote 0"
    assert after.index("accounted") < next(index for index, event in enumerate(after) if event.startswith("take"))
    assert first.written == {0: list(range(5))}
    assert second.written == {}
    assert (await committed_of(broker, zone))[0] == 5


async def test_a_member_that_takes_anothers_name_takes_its_place_at_once(broker: BrokerSettings, zone: str) -> None:
    """As after a kill: the ghost's session would last for 20 s."""
    await fill(broker, zone, 1, 5)
    first, second = Shelf(), Shelf()
    async with running(Loop(broker, zone, first)):
        await eventually(lambda: first.all_written() == 5)
    loop = Loop(broker, zone, second)
    async with running(loop):
        await eventually(loop.ready, 10)
        await fill(broker, zone, 1, 5)
        await eventually(lambda: second.all_written() == 5)
    assert second.written == {1: [5, 6, 7, 8, 9]}


async def test_a_store_that_lags_behind_what_was_committed_is_given_the_records_again(
    broker: BrokerSettings, zone: str
) -> None:
    await fill(broker, zone, 0, 8)
    first, restored = Shelf(), Shelf(first=3)
    async with running(Loop(broker, zone, first)):
        await eventually(lambda: first.all_written() == 8)
    async with running(Loop(broker, zone, restored)):
        await eventually(lambda: restored.all_written() == 5)
    assert restored.written == {0: [3, 4, 5, 6, 7]}
