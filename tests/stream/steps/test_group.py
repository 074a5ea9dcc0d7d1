"""Several members of a step's group: one takes over from another only what the other has done or given up."""

from __future__ import annotations

import asyncio

import pytest

from lrs.kernel.errors import StopError
from tests.stream.steps.step import Hold, Step, add_partition
from tests.support.running import running
from tests.support.waiting import eventually


async def test_a_rebalance_in_mid_batch_loses_and_doubles_nothing(step: Step, hold: Hold) -> None:
    items = range(2 * step.lot)
    await step.put(items[: step.lot])
    with step.opened():
        async with running(step.part()):
            await hold.reached.wait()
            async with running(step.part("second")):
                await eventually(lambda: is_joining(step))
                hold.release.set()
                await step.put(items[step.lot :])
                await eventually(step.done)
        assert await step.outputs() == step.expected(items)


async def is_joining(step: Step) -> bool:
    """Whether the group knows of a second member; it may have to wait for the first."""
    return await step.members() > 1


async def test_one_that_stood_still_while_another_took_its_place_writes_nothing_twice(step: Step) -> None:
    items = range(2 * step.lot)
    await step.put(items[: step.lot])
    with step.opened(), step.frozen() as frozen:
        await frozen.stands()
        async with running(step.part()):
            await eventually(step.done)
        frozen.thaw()
        await step.put(items[step.lot :])

        async def is_over() -> bool:
            return frozen.has_ended() or await step.done()

        # It goes on in its place, or ends and is started again.
        await eventually(is_over)
        await frozen.ended(20)
        async with running(step.part()):
            await eventually(step.done)
        assert await step.outputs() == step.expected(items)


async def test_a_partition_that_was_added_stops_the_step_and_it_says_what_to_do(step: Step) -> None:
    await step.put(range(step.lot // 4))
    await add_partition(step.broker, step.topic)
    with step.opened(), pytest.raises(StopError, match=r"has a partition 4, .* AYUMI_BROKER__PARTITIONS"):
        async with running(step.part()):
            await asyncio.Event().wait()
