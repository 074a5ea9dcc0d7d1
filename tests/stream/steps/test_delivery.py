"""Whatever is delivered how often, and wherever a step is killed: every record counts once, and none is passed over."""

from __future__ import annotations

import asyncio

from tests.stream.steps.step import PARTITIONS, POISON, Letter, Step
from tests.support.log import send
from tests.support.running import running
from tests.support.stream_part import run_and_be_killed
from tests.support.waiting import eventually


async def test_the_same_input_twice_counts_once(step: Step) -> None:
    items = range(step.lot)
    await step.put(items)
    await work_off(step)
    await step.rewind()
    with step.opened():
        async with running(step.part()):
            await step.put(items)
            await eventually(step.done)
        assert await step.outputs() == step.expected(items)


async def test_a_kill_between_any_two_steps_loses_and_doubles_nothing(step: Step) -> None:
    items = range(2 * step.lot)
    await step.put(items)
    for point, times in step.points:
        await asyncio.to_thread(run_and_be_killed, step.name, step.folder, step.settings(), point, times)
    await work_off(step)
    with step.opened():
        assert await step.outputs() == step.expected(items)


async def test_poison_becomes_a_dead_letter_with_its_coordinates_and_its_neighbours_pass(step: Step) -> None:
    before, after = range(step.lot // 4), range(step.lot // 4, step.lot // 2)
    await step.put(before)
    places = []
    for partition in (0, PARTITIONS - 1):
        offset = (await step.ends())[partition]
        await send(step.broker, step.topic, partition, [(None, value) for value in POISON])
        places += [Letter(step.source.value, partition, offset + number, value) for number, value in enumerate(POISON)]
    await step.put(after)
    await work_off(step)
    with step.opened():
        assert await step.outputs() == step.expected([*before, *after])
        assert sorted(one for one in await step.letters() if one.original in POISON) == sorted(places)


async def work_off(step: Step) -> None:
    """Run the step until everything on the log is committed."""
    with step.opened():
        async with running(step.part()):
            await eventually(step.done)
