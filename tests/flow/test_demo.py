"""The whole way under a kill: whichever process dies in mid-run, the zone heals itself and every number is right."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from lrs.cli.child import ChildState
from lrs.cli.demo import feed, judge, prepare, temporary_zone
from lrs.cli.settings_loading import load_settings
from lrs.cli.zone import Zone
from lrs.kernel.zone_folder import ZoneFolder
from producers.simulator.run import Plan
from tests.support.waiting import eventually

_PLAN = Plan(count=8000, rate=1000, seed="kills")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", ["broker", "lrs", "processors", "store"])
async def test_a_process_killed_in_mid_run_costs_no_statement_and_doubles_none(victim: str) -> None:
    with temporary_zone(_PLAN.seed) as folder:
        await _run_and_kill(folder, victim)


async def _run_and_kill(folder: Path, victim: str) -> None:
    district = _PLAN.district()
    async with Zone(folder, load_settings(folder), free_ports=True) as zone:
        target = await prepare(zone, district)
        settled = 0

        def told(now: int, _planned: int) -> None:
            nonlocal settled
            settled = now

        feeding = asyncio.create_task(feed(zone, _PLAN, target, district, progress=told))
        await eventually(lambda: settled > 2000 or feeding.done(), 60)
        child = next(child for child in zone.children if child.name == victim)
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        report, found = await feeding
        assert child.restarts == 1
        assert child.state is ChildState.READY
        settings = zone.settings
    outcome = judge(report, found, 1.0, settings, ZoneFolder(folder))
    assert outcome.differences == []
    assert found.balanced
