"""The gateway beside Ralph and beside the bare limit, in one run: batches of 100, and single posts on 16 connections.

The sides take turns, so that a machine whose speed drifts does so for all. The first turn of each only warms it up: the
broker's virtual machine compiles itself for a while. Only statements that are in a side's store count, and a side
that answered anything but 200, or whose store does not hold what it answered, has no rate: it failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lrs.cli.settings_loading import load_settings
from lrs.cli.zone import Zone
from lrs.kernel.topics import Noun, topic_name
from lrs.store.registry import open_registry
from processors.topic_admin import ensure_topics
from tests.bench.measuring import Results, counter
from tests.bench.ralph import Ralph, ralph

_RALPH, _BARE, _AYUMI = "Ralph", "Starlette + aiokafka", "Ayumi"
_ROUNDS = 4  # the first one does not count
_SECONDS = 6.0
_AIM_P99_MS = 50
_STORED_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of load: its name, unit, size, and what is aimed at: times Ralph's rate, and absolutely."""

    name: str
    unit: str
    figure: str
    batch: int
    connections: int
    most: int
    times: int
    rate: int


_LOADS = (
    Load("batches of 100", "statements/s", "statements_per_second", 100, 4, 1500, times=5, rate=15_000),
    Load("single posts", "requests/s", "requests_per_second", 1, 16, 30_000, times=20, rate=1500),
)


@dataclass
class Side:
    """One server: how to reach it, what it is to have stored, and how to ask what it has stored, if anybody can."""

    port: int
    user: str
    stored: Callable[[], Awaitable[int]] | None = None
    acknowledged: int = 0
    runs: list[dict[str, Any]] = field(default_factory=list)

    async def measure(self, load: Load, seed: int, count: int, rate: float = 0) -> dict[str, Any]:
        """One run of the load, at most `count` statements of it; with `rate`, at so many requests a second."""
        command = [sys.executable, "-m", "tests.bench.http_load", "--port", str(self.port), "--user", self.user]
        options = {
            "batch": load.batch,
            "connections": load.connections,
            "most": min(load.most, -(-count // load.batch)),
            "seconds": _SECONDS,
            "seed": seed,
            "rate": rate,
        }
        command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
        done = await asyncio.to_thread(subprocess.run, command, check=True, stdout=subprocess.PIPE, text=True)
        found: dict[str, Any] = json.loads(done.stdout)
        self.acknowledged += found["statements"]
        self.runs.append(found)
        return found

    @property
    def counted(self) -> list[dict[str, Any]]:
        """The runs but the one that warms up."""
        return self.runs[1:]

    async def failure(self) -> str:
        """Why the runs so far do not count; empty if they do."""
        statuses = sum((Counter(run["statuses"]) for run in self.runs), Counter[str]())
        bad = {status: number for status, number in statuses.items() if status != "200"}
        if bad or not statuses:
            return f"answers by status {dict(statuses)}"
        stored = await self._stored()
        return "" if stored == self.acknowledged else f"stored {stored} of {self.acknowledged} acknowledged statements"

    async def _stored(self) -> int:
        """What is stored, once it is everything or time is up."""
        deadline = time.monotonic() + _STORED_SECONDS
        while self.stored is not None:
            stored = await self.stored()
            if stored >= self.acknowledged or time.monotonic() > deadline:
                return stored
            await asyncio.sleep(0.2)
        return self.acknowledged


async def beside_ralph(results: Results, count: int) -> None:
    """Run the servers, one load after the other, with at most `count` statements a run; record medians and ratios."""
    with tempfile.TemporaryDirectory(prefix="ayumi-bench-") as name:
        folder = Path(name)
        (folder / "zone").mkdir()
        settings = load_settings(folder / "zone")
        async with (
            Zone(folder / "zone", settings, free_ports=True) as zone,
            ralph(folder) as peer,
            _bare(zone) as bare_port,
        ):
            registry = open_registry(zone.settings, zone.folder)
            user = ":".join(registry.credentials.add("bench"))
            registry.close()
            sides = {
                _RALPH: Side(peer.port, peer.user, peer.stored),
                _BARE: Side(bare_port, user),
                _AYUMI: Side(zone.settings.gateway.port, user, lambda: _archived(zone)),
            }
            for number, load in enumerate(_LOADS):
                await _compare(results, load, sides, peer, seed=1000 * number, count=count)


async def _archived(zone: Zone) -> int:
    name = "ayumi_recorder_statements_total"
    return int(await counter(zone.addresses["gateway"], name, label='outcome="archived"'))


async def _compare(results: Results, load: Load, sides: dict[str, Side], peer: Ralph, *, seed: int, count: int) -> None:
    for side in sides.values():
        side.runs.clear()
    own = 0.0
    for number in range(_ROUNDS):
        for name, side in sides.items():
            seed += 1
            before = peer.cpu_seconds()
            await side.measure(load, seed, count)
            own += peer.cpu_seconds() - before if name == _RALPH and number else 0
    good = {name: await _tell(results, load, name, side) for name, side in sides.items()}
    if good[_RALPH]:
        requests = sum(run["requests"] for run in sides[_RALPH].counted)
        most = (os.cpu_count() or 1) * requests / own * (load.batch if load.figure.startswith("statements") else 1)
        results.add(f"{_RALPH}, {load.name}, by its CPU alone", most, load.unit)
    if good[_AYUMI]:
        await _tell_half(results, load, sides[_AYUMI], seed + 1, count)


async def _tell(results: Results, load: Load, name: str, side: Side) -> bool:
    """Record a side's rate and p99, or that it failed."""
    title = f"{name}, {load.name}"
    if why := await side.failure():
        results.fail(title, load.unit, why)
        return False
    value = statistics.median(run[load.figure] for run in side.counted)
    if name == _AYUMI:
        aim = f"aim >= {load.times} x {_RALPH}, >= {load.rate:,} {load.unit}"
        results.add(title, value, load.unit, limit=f"{_RALPH}, {load.name}", aim=aim)
        results.add(f"{title}, beside the limit", value, load.unit, limit=f"{_BARE}, {load.name}")
    else:
        results.add(title, value, load.unit)
    results.add(f"{title}, p99", statistics.median(run["p99_ms"] for run in side.counted), "ms")
    return True


async def _tell_half(results: Results, load: Load, side: Side, seed: int, count: int) -> None:
    """The p99 when requests fall due at half of the rate that was just measured, whoever is still waiting."""
    rate = statistics.median(run["requests_per_second"] for run in side.counted) / 2
    side.runs.clear()
    found = await side.measure(load, seed, count, rate)
    title = f"{_AYUMI}, {load.name}, p99 at {rate:,.0f} requests/s"
    if why := await side.failure():
        results.fail(title, "ms", why)
    else:
        results.add(title, found["p99_ms"], "ms", aim=f"aim <= {_AIM_P99_MS}")


@contextlib.asynccontextmanager
async def _bare(zone: Zone) -> AsyncIterator[int]:
    """The bare server on the zone's broker, with topics of its own."""
    spare = f"{zone.settings.zone.name}bare"
    await ensure_topics(zone.settings.broker, spare)
    command = [sys.executable, "-m", "tests.bench.bare_http"]
    command += [zone.addresses["broker"], topic_name(spare, Noun.RECEIVED)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - returns at once
    try:
        assert process.stdout
        yield int(await asyncio.to_thread(process.stdout.readline))
    finally:
        process.terminate()
        process.wait()
