"""A zone from its backup: with the log that it had everything comes back, without it everything that was archived."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lrs.cli.probing import fetch
from tests.support.ayumi import AYUMI, RunningZone, ayumi, environment, up
from tests.support.broker import complete
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(400)

STORES = ("archive", "facts", "ids", "objects", "registry.sqlite", "registry.sqlite-shm", "registry.sqlite-wal")
SUMS = ("received", "archived", "refused", "duplicate", "published", "withheld", "loaded", "retracted")


@dataclass(frozen=True)
class BackedUp:
    """A stopped zone, its backups, the file of its keys, and what came in until the second backup and until the end."""

    folder: Path
    target: Path
    keys: Path
    under_load: dict[str, Any]
    lagging: dict[str, Any]
    until_lagging: dict[str, int]
    until_end: dict[str, int]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[RunningZone]:
    """The zone in `folder`, ready."""
    with up(folder) as zone:
        await zone.ready()
        yield zone


async def simulated(folder: Path, count: int, seed: str, rate: int = 500) -> dict[str, int]:
    """What the simulator's ground truth expects of so many statements, when all are sent."""
    numbers = ("--count", str(count), "--rate", str(rate), "--schools", "1", "--seed", seed)
    words = ("simulate", "--dir", str(folder), *numbers)
    process = await asyncio.create_subprocess_exec(
        *AYUMI, *words, "--json", env=environment(), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    report = json.loads(told)
    assert not report["surprises"]
    expected: dict[str, int] = report["expected"]
    return expected


async def simulated_until(done: asyncio.Event, folder: Path) -> dict[str, int]:
    """Load, however long that is."""
    expected = [await simulated(folder, 600, "load 1", 200)]
    while not done.is_set():
        expected.append(await simulated(folder, 600, f"load {len(expected) + 1}", 200))
    return added(*expected)


def added(*expected: dict[str, int]) -> dict[str, int]:
    """Sums over several runs."""
    return {name: sum(one[name] for one in expected) for name in SUMS}


async def backed_up_to(folder: Path, target: Path, *words: str) -> dict[str, Any]:
    """Take a backup."""
    done = await asyncio.to_thread(ayumi, "backup", str(folder), str(target), "--json", *words)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def balance(folder: Path, *words: str, wait: int = 90) -> tuple[list[Any], dict[str, int]]:
    """The gaps and sums that `ayumi reconcile` finds."""
    done = await asyncio.to_thread(ayumi, "reconcile", str(folder), "--json", "--wait", str(wait), *words)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    sums = {name: report[name] if isinstance(report[name], int) else sum(report[name].values()) for name in SUMS}
    return report["gaps"], sums


async def settles(folder: Path, *words: str, truth: dict[str, int]) -> None:
    """There is no gap, and the sums become the truth: what was voided is taken out some seconds after it was loaded."""
    found: list[tuple[list[Any], dict[str, int]]] = []

    async def settled() -> bool:
        found.append(await balance(folder, *words))
        return found[-1] == ([], truth)

    with contextlib.suppress(AssertionError):
        await eventually(settled, 60)
    assert found[-1] == ([], truth)


async def recorded(zone: RunningZone) -> int:
    """Records that the recorder has counted."""
    token = (zone.folder / "keys" / "operator.token").read_text("ascii").strip()
    _, body = await fetch(f"{zone.state['addresses']['gateway']}/operator/archive?thorough=0", 60, token=token)
    return sum(count for *_, count in json.loads(body)["counts"])


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> BackedUp:
    """A zone that was backed up under load, then while the facts lagged behind, and went on after both."""
    return complete(_feed(tmp_path_factory.mktemp("backed-up")))


async def _feed(place: Path) -> BackedUp:
    folder, target, keys = place / "zone", place / "target", place / "zone.keys"
    async with running(folder) as zone:
        done = asyncio.Event()
        load = asyncio.ensure_future(simulated_until(done, folder))
        await eventually(lambda: _has_recorded(zone, 100), 120)
        under_load = await backed_up_to(folder, target, "--keys", str(keys))
        done.set()
        first = await load
        sending = asyncio.ensure_future(simulated(folder, 300, "lagging", 100))
        await eventually(lambda: _has_recorded(zone, first["received"] + 30), 120)
        os.kill(zone.child("processors")["pid"], signal.SIGSTOP)
        second = await sending
        await eventually(lambda: _has_recorded(zone, first["received"] + second["received"]), 120)
        lagging = await backed_up_to(folder, target)
        os.kill(zone.child("processors")["pid"], signal.SIGCONT)
        await asyncio.to_thread(_kill_a_backup, folder, place / "killed")
        third = await simulated(folder, 300, "afterwards")
        truth = added(first, second, third)
        await settles(folder, truth=truth)
    return BackedUp(folder, target, keys, under_load, lagging, added(first, second), truth)


async def _has_recorded(zone: RunningZone, count: int) -> bool:
    return await recorded(zone) >= count


def _kill_a_backup(folder: Path, target: Path) -> None:
    """What a killed backup leaves behind is no backup, and the next one is not disturbed by it."""
    with subprocess.Popen([*AYUMI, "backup", str(folder), str(target)], env=environment()) as process:
        complete(eventually(lambda: any((target / "contents").glob("*/*")), 60))
        process.kill()
    assert list((target / "backups").iterdir()) == []
    assert ayumi("verify", str(target)).stdout == "0 backups, all whole.\n"
    refused = ayumi("restore", str(target), str(target.parent / "nothing"))
    assert (refused.returncode, "there is none at all" in refused.stderr) == (2, True)
    assert ayumi("backup", str(folder), str(target), "--keep", "1").returncode == 0
    assert ayumi("verify", str(target)).stdout == "1 backups, all whole.\n"


async def test_with_its_log_a_restored_zone_comes_back_to_everything(zone: BackedUp, tmp_path: Path) -> None:
    folder = tmp_path / "zone"
    shutil.copytree(zone.folder, folder, symlinks=True, ignore=shutil.ignore_patterns(*STORES))
    at = zone.under_load["at"]
    done = ayumi("restore", str(zone.target), str(folder), "--at", at)
    assert done.returncode == 0, done.stderr
    async with running(folder):
        gaps, sums = await balance(folder, "--from-log")
        assert (gaps, sums) == ([], zone.until_end)
        more = await simulated(folder, 200, "restored")
        await settles(folder, truth=added(zone.until_end, more))


async def test_without_its_log_a_restored_zone_has_all_that_was_archived_and_takes_no_new_statement_for_an_old_one(
    zone: BackedUp, tmp_path: Path
) -> None:
    folder = tmp_path / "zone"
    done = ayumi("restore", str(zone.target), str(folder), "--at", zone.lagging["at"])
    assert (done.returncode, "keys/root.key is not there yet" in done.stdout) == (0, True), done.stderr
    refused = ayumi("up", str(folder), "--free-ports")
    assert (refused.returncode, "root.key is missing" in refused.stderr) == (2, True), refused.stderr
    folder, keys = tmp_path / "again", str(zone.keys)
    done = ayumi("restore", str(zone.target), str(folder), "--at", zone.lagging["at"], "--keys", keys)
    assert done.returncode == 0, done.stderr
    refused = ayumi("up", str(folder), "--free-ports")
    assert (refused.returncode, "`ayumi rebuild` makes the log anew" in refused.stderr) == (2, True), refused.stderr
    rebuilt = json.loads(ayumi("rebuild", str(folder), "--json").stdout)
    assert rebuilt["published"] > 0
    assert (rebuilt["unknown"], rebuilt["empty"]) == ({}, [])
    async with running(folder):
        gaps, sums = await balance(folder, "--from-log")
        assert (gaps, sums) == ([], zone.until_lagging)
        more = await simulated(folder, 300, "rebuilt")
        await settles(folder, "--from-log", truth=added(zone.until_lagging, more))
