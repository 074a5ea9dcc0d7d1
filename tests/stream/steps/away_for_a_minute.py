"""What a step leans on is away for longer than any limit: a session (20 s), a confirmation (30 s), a rebalance (60 s).

Two minutes and a half, all steps side by side. So `make test` leaves this file out, by its name; `make chaos` names it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from lrs.cli.broker import Broker
from lrs.cli.ports import free_port
from lrs.kernel.settings import BrokerSettings
from processors.topic_admin import ensure_topics
from tests.stream.steps.conftest import STEPS, fresh
from tests.stream.steps.sinks import SinkStep
from tests.stream.steps.step import Hold, Step
from tests.stream.steps.test_trouble import REFUSING, goes_on_after, is_well, killed
from tests.support.broker import new_broker, new_zone_name
from tests.support.running import running
from tests.support.store_server import StoreServer
from tests.support.topic_settings import other_settings
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(500)

AWAY_SECONDS = 61.0
_BACK_SECONDS = 150.0


async def test_a_minute_without_what_it_writes_to_costs_no_step_anything(
    broker: BrokerSettings, tmp_path: Path
) -> None:
    async with all_steps(broker, tmp_path) as steps:
        await asyncio.gather(*(without_its_output(step) for step in steps))


async def without_its_output(step: Step) -> None:
    """A sink's store is gone; the processor's topic takes nothing."""
    if isinstance(step, SinkStep):
        with served(step) as server, step.opened():
            await goes_on_after(step, killed(server), AWAY_SECONDS)
    else:
        assert step.writes_to is not None
        with step.opened():
            refusing = other_settings(step.broker, step.zone, step.writes_to, REFUSING)
            await goes_on_after(step, refusing, AWAY_SECONDS)


async def test_a_minute_without_an_answer_of_the_broker_costs_no_step_with_a_batch_in_flight_anything(
    tmp_path: Path,
) -> None:
    async with own_broker(tmp_path) as node, all_steps(node.settings, tmp_path) as steps:
        with ExitStack() as stores:
            for step in steps:
                if isinstance(step, SinkStep):
                    stores.enter_context(served(step))
                stores.enter_context(step.opened())
            await go_on_after_silence(node, steps)
            for step in steps:
                assert await step.outputs() == step.expected(range(2 * step.lot)), step.name


async def go_on_after_silence(node: Broker, steps: list[Step]) -> None:
    """The broker stands still once each step has taken a batch that it has not written."""
    async with AsyncExitStack() as stopping:
        parts = [step.part() for step in steps]
        for step, part in zip(steps, parts, strict=True):
            await step.put(range(step.lot))
            await stopping.enter_async_context(running(part))
        for step in steps:
            await eventually(step.done, _BACK_SECONDS)
        with ExitStack() as gates:
            holds = [gates.enter_context(held(step)) for step in steps]
            for step, hold in zip(steps, holds, strict=True):
                await step.put(range(step.lot, 2 * step.lot))
                await asyncio.wait_for(hold.reached.wait(), _BACK_SECONDS)
            with stalled(node):
                for hold in holds:
                    hold.release.set()
                await asyncio.sleep(AWAY_SECONDS)
                assert [step.name for step, part in zip(steps, parts, strict=True) if is_well(part)] == []
            for step in steps:
                await eventually(step.done, _BACK_SECONDS)
            for part in parts:
                await eventually(lambda part=part: is_well(part))  # type: ignore[misc]


@asynccontextmanager
async def all_steps(broker: BrokerSettings, root: Path) -> AsyncIterator[list[Step]]:
    """Each in a zone of its own: what one writes is another's input."""
    async with AsyncExitStack() as closing:
        made = []
        for kind in STEPS.values():
            zone = new_zone_name()
            await ensure_topics(broker, zone)
            made.append(await closing.enter_async_context(fresh(kind, broker, zone, root / kind.name)))
        yield made


@contextmanager
def served(step: SinkStep) -> Iterator[StoreServer]:
    """Its store is a process of its own: this one can have one embedded store only."""
    port = free_port()
    step.store = {step.dsn: f"http://127.0.0.1:{port}"}
    with StoreServer(step.folder.root / "server", port) as server:
        yield server


@contextmanager
def held(step: Step) -> Iterator[Hold]:
    """The next batch that the step makes durable is held until it is released."""
    owner, name = step.gate
    made = Hold()
    with patch.object(owner, name, made.around(getattr(owner, name))):
        yield made
        made.release.set()


@asynccontextmanager
async def own_broker(root: Path) -> AsyncIterator[Broker]:
    """One that stands still for nobody else."""
    node = new_broker(root)
    await node.start()
    try:
        await node.ready()
        yield node
    finally:
        await node.stop()


@contextmanager
def stalled(node: Broker) -> Iterator[None]:
    """Its connections stay open, and nothing comes of them."""
    os.kill(node.running.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(node.running.pid, signal.SIGCONT)
