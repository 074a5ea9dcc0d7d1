"""What a step leans on goes away, or it is told to stop, or the log has lost what it has not read: never in silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from lrs.cli.ports import free_port
from lrs.kernel.errors import StopError
from tests.stream.steps.sinks import SinkStep
from tests.stream.steps.step import PARTITIONS, Hold, Step
from tests.support.running import running
from tests.support.store_server import StoreServer
from tests.support.topic_settings import other_settings
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from lrs.kernel.parts import Part

# Any record is older than the topic allows.
REFUSING = {"message.timestamp.type": "CreateTime", "message.timestamp.before.max.ms": "0"}


def troubles(part: Part) -> bool:
    """Whether the part says that it cannot write."""
    return any(check.name.endswith(" written") and not check.ok for check in part.checks())


def is_well(part: Part) -> bool:
    """Whether the part is ready."""
    return all(check.ok for check in part.checks())


async def goes_on_after(step: Step, away: AbstractAsyncContextManager[None], seconds: float = 0.0) -> None:
    """What comes while something is away is written when it is there again, and the part was not ready meanwhile.

    It stays away for `seconds` after it was missed.
    """
    items = range(2 * step.lot)
    await step.put(items[: step.lot])
    part = step.part()
    async with running(part):
        await eventually(step.done)
        async with away:
            await step.put(items[step.lot :])
            await eventually(lambda: troubles(part))
            await asyncio.sleep(seconds)
            await eventually(lambda: troubles(part))
        await eventually(step.done, 30 + seconds)
        await eventually(lambda: is_well(part))
    assert await step.outputs() == step.expected(items)


@pytest.mark.parametrize("step", ["recorder", "processor"], indirect=True)
async def test_a_topic_that_takes_nothing_for_a_while_gets_everything_once_it_does(step: Step) -> None:
    assert step.writes_to is not None
    with step.opened():
        await goes_on_after(step, other_settings(step.broker, step.zone, step.writes_to, REFUSING))


@pytest.mark.parametrize("step", ["recorder", "processor"], indirect=True)
async def test_a_step_that_is_stopped_while_its_topic_takes_nothing_goes_on_later(step: Step) -> None:
    assert step.writes_to is not None
    items = range(2 * step.lot)
    await step.put(items[: step.lot])
    with step.opened():
        async with running(step.part()):
            await eventually(step.done)
        async with other_settings(step.broker, step.zone, step.writes_to, REFUSING):
            part = step.part()
            async with running(part):
                await step.put(items[step.lot :])
                await eventually(lambda: troubles(part))
            assert not await step.done()
        async with running(step.part()):
            await eventually(step.done)
        assert await step.outputs() == step.expected(items)


@pytest.mark.parametrize("step", ["recorder", "loader", "letters"], indirect=True)
async def test_a_store_that_is_killed_and_comes_back_holds_everything_once(step: SinkStep) -> None:
    port = free_port()
    step.store = {step.dsn: f"http://127.0.0.1:{port}"}
    with StoreServer(step.folder.root / "server", port) as server, step.opened():
        await goes_on_after(step, killed(server))


@asynccontextmanager
async def killed(server: StoreServer) -> AsyncIterator[None]:
    """The store is gone, and there again afterwards."""
    await asyncio.to_thread(server.kill)
    yield
    await asyncio.to_thread(server.start)


async def test_a_step_that_is_told_to_stop_finishes_the_batch_in_flight(
    step: Step, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a stop gives up after its time comes again; here it is to have time.
    monkeypatch.setattr("processors.processor._FAUST_STOP_SECONDS", 60)
    monkeypatch.setattr("processors.slice_step._STOP_SECONDS", 60)
    items = range(step.lot)
    await step.put(items)
    with step.opened():
        stop = asyncio.Event()
        run = asyncio.create_task(step.part().run(stop))
        await hold.reached.wait()
        stop.set()
        done, _ = await asyncio.wait({run}, timeout=0.3)
        assert not done
        hold.release.set()
        await asyncio.wait_for(run, 90)
        committed = await step.committed()
        assert 0 < sum(committed.values()) < step.lot
        finished = [item for item in items if item // PARTITIONS < committed[item % PARTITIONS]]
        assert await step.outputs() == step.expected(finished)
        async with running(step.part()):
            await eventually(step.done)
        assert await step.outputs() == step.expected(items)


async def test_records_that_retention_took_unread_stop_the_step_until_the_loss_is_acknowledged(step: Step) -> None:
    """Partition 1 lost two of those that came after the last commit, partition 2 only what was done."""
    items = range(2 * step.lot)
    first = step.lot // PARTITIONS
    await step.put(items[: step.lot])
    with step.opened():
        async with running(step.part()):
            await eventually(step.done)
        await step.put(items[step.lot :])
        await step.lose({1: first + 2, 2: first})
        with pytest.raises(StopError, match=f"2 records of {step.topic}-1, offsets {first} to {first + 1}, are gone"):
            async with running(step.part()):
                await asyncio.Event().wait()
        assert (await step.committed())[1] == first
        step.changed = {"lost_before": f"{step.topic}-1:{first + 2}"}
        async with running(step.part()):
            await eventually(step.done)
        lost = {1 + PARTITIONS * first, 1 + PARTITIONS * (first + 1)}
        assert await step.outputs() == step.expected(set(items) - lost)


async def test_a_new_group_on_a_log_whose_beginning_is_gone_stops(step: Step) -> None:
    await step.put(range(step.lot))
    await step.lose({2: 3})
    with step.opened():
        with pytest.raises(StopError, match=f"3 records of {step.topic}-2, offsets 0 to 2, are gone"):
            async with running(step.part()):
                await asyncio.Event().wait()
        assert (await step.committed())[2] == 0


async def test_retention_that_overtakes_a_running_step_stops_it(step: Step, hold: Hold) -> None:
    lots = [range(number * step.lot, (number + 1) * step.lot) for number in range(4)]
    await step.put(lots[0])
    with step.opened():
        with pytest.raises(StopError, match=r"no longer has the next record|are gone from the log"):  # noqa: PT012
            async with running(step.part()):
                await hold.reached.wait()
                for lot in lots[1:3]:
                    await step.put(lot)
                await step.lose(await step.ends())
                await step.put(lots[3])
                hold.release.set()
                await asyncio.Event().wait()
        outputs = await step.outputs()
        assert outputs != step.expected([item for lot in lots for item in lot])
