"""The whole way on this machine: sustained rate with everything included, freshness at half of it, memory at rest."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from datetime import datetime
from pathlib import Path

import orjson

from lrs.cli.demo import feed, judge, prepare
from lrs.cli.probing import fetch
from lrs.cli.settings_loading import load_settings
from lrs.cli.zone import Zone
from lrs.kernel.zone_folder import ZoneFolder
from producers.simulator.run import Plan, simulate
from tests.bench.measuring import Results, cpu_seconds, pss_mb, quantile

# An analyst who looks twice a second at one day; asking more often measures the questions, not the way.
_POLL_SECONDS = 0.5
_QUESTION = "/api/aggregates/activity?from=2025-04-07&to=2025-04-07"
_AIM_RATE = 10_000
_REST_SECONDS = 10.0


async def whole_way(results: Results, count: int) -> None:
    """Send `count` through the SDK as fast as it goes; the clock stops when every one is accounted for."""
    plan = Plan(count=count, http_share=0)
    with tempfile.TemporaryDirectory(prefix="ayumi-bench-") as name:
        folder = Path(name)
        async with Zone(folder, load_settings(folder), free_ports=True) as zone:
            await _rest(results, zone)
            district = plan.district()
            target = await prepare(zone, district)
            pids = {child.name: child.pid for child in zone.children} | {"simulator and supervisor": os.getpid()}
            before = cpu_seconds(pids)
            began = time.monotonic()
            report, found = await feed(zone, plan, target, district)
            seconds = time.monotonic() - began
            after = cpu_seconds(pids)
            for part, used in after.items():
                results.add(f"CPU of {part}", (used - before[part]) / report.sent * 1e6, "us/statement")
            settings = zone.settings
        outcome = judge(report, found, seconds, settings, ZoneFolder(folder))
    results.add(f"whole way, {count:,} statements", report.sent / seconds, "statements/s", aim=f"aim >= {_AIM_RATE:,}")
    results.add("differences from the ground truth", len(outcome.differences), "", aim="aim 0")
    for difference in outcome.differences:
        print("  ", difference)  # noqa: T201 - a program's output


async def freshness(results: Results, rate: float, seconds: float) -> None:
    """Send at `rate`, and ask the aggregates API again and again how old the newest statement is that it knows."""
    plan = Plan(count=int(rate * seconds), http_share=0, rate=rate)
    with tempfile.TemporaryDirectory(prefix="ayumi-bench-") as name:
        folder = Path(name)
        async with Zone(folder, load_settings(folder), free_ports=True) as zone:
            district = plan.district()
            target = await prepare(zone, district)
            sending = asyncio.create_task(simulate(plan, target, district=district))
            ages: list[float] = []
            began = time.monotonic()
            while not sending.done():
                age = await _age(zone)
                # The first seconds fill caches and start nothing but noise; the end has nothing new to show.
                if age is not None and 5 < time.monotonic() - began < seconds - 1:
                    ages.append(age)
                await asyncio.sleep(_POLL_SECONDS)
            await sending
    results.add(f"freshness at {rate:,.0f}/s, p50", quantile(ages, 0.5), "s")
    results.add(f"freshness at {rate:,.0f}/s, p95", quantile(ages, 0.95), "s", aim="aim <= 1")


async def _age(zone: Zone) -> float | None:
    with contextlib.suppress(OSError, TimeoutError):
        status, body = await fetch(f"{zone.addresses['board']}{_QUESTION}")
        if status == 200 and (through := orjson.loads(body).get("fresh_through")):
            return time.time() - datetime.fromisoformat(through).timestamp()
    return None


async def _rest(results: Results, zone: Zone) -> None:
    """Memory of all processes of a zone that has nothing to do."""
    await asyncio.sleep(_REST_SECONDS)
    pids = {child.name: child.pid for child in zone.children}
    memory = pss_mb({**pids, "supervisor": os.getpid()})
    for part, size in memory.items():
        results.add(f"memory at rest, {part} (PSS)", size, "MiB")
    results.add("memory at rest, whole zone (PSS)", sum(memory.values()), "MiB", aim="aim <= 1536")
