"""A zone on a cluster of three brokers: one is lost under load, comes back, another is lost; nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lrs.cli.broker import Broker
from lrs.cli.demo import prepare, temporary_zone
from lrs.cli.reconciling import Accountant, until
from lrs.cli.settings_loading import load_settings
from lrs.cli.zone import Zone
from lrs.kernel.errors import RetryError
from lrs.kernel.settings import BrokerSettings
from processors.topic_admin import brokers_alive
from producers.simulator.run import Plan, Report, Target, simulate
from tests.chaos import verdict
from tests.chaos.cluster import NODES, addresses, cluster
from tests.chaos.run import MALFORMATIONS
from tests.support.waiting import eventually

_PLAN = Plan(rate=400, seed="cluster", faults=MALFORMATIONS, patience_seconds=120)
# What each of the two brokers that are lost has a share in; so many are sent before it is.
_COUNTS = {1: 3001, 2: 3002}
_BEFORE = 500


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_zone(_PLAN.seed) as folder:
        yield folder


@pytest.mark.timeout(400)
async def test_losing_one_broker_of_three_after_the_other_costs_no_statement(tmp_path: Path, folder: Path) -> None:
    sent = verdict.Sent()
    async with cluster(tmp_path) as brokers:
        wanted = {"bootstrap_servers": addresses(brokers), "replication_factor": "3"}
        async with Zone(folder, load_settings(folder, broker=wanted), free_ports=True) as zone:
            target = await prepare(zone, _PLAN.district())
            for number, count in _COUNTS.items():
                sent.add(await _sent_without(brokers[number], replace(_PLAN, count=count), target))
            async with Accountant(zone.settings, zone.folder, zone.addresses) as accountant:
                found = await until(accountant.read, lambda now: not sent.differences(now), 120)
                assert found is not None
                assert sent.differences(found) == []
                assert await verdict.doubled(accountant) == []
    assert await verdict.unlike_the_truth(folder, sent.truth) == []


async def _sent_without(lost: Broker, plan: Plan, target: Target) -> Report:
    """Send the plan; the broker is killed while that goes on, and comes back when all of it was acknowledged."""
    settled = 0

    def told(now: int, _planned: int) -> None:
        nonlocal settled
        settled = now

    sending = asyncio.create_task(simulate(plan, target, district=plan.district(), progress=told))
    await eventually(lambda: settled > _BEFORE, 60)
    lost.running.kill()
    lost.running.wait()
    assert settled < plan.count, "it was not killed under load"
    report = await sending
    await lost.start()
    await eventually(lambda: _all_alive(lost.settings), 120)
    return report


async def _all_alive(broker: BrokerSettings) -> bool:
    try:
        return await brokers_alive(broker) == len(NODES)
    except RetryError:  # it is not up yet
        return False
