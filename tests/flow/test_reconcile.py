"""`ayumi reconcile` and the accountant: a zone that lost nothing, and every gap that was made by hand, by its name."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lrs.cli.probing import fetch
from lrs.cli.zone_state import settings_of
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Noun, topic_name
from processors.topic_admin import forget_records
from tests.support.ayumi import AYUMI, RunningZone, ayumi, environment, up
from tests.support.broker import complete
from tests.support.log import received
from tests.support.planting import broker_alone, change, commit, ends, feed, put_references, statements
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(400)

# Each partition has an app and an hour of its own; ten statements, of which the recorder takes eight and knows two.
HOURS_MS = [1_780_000_000_000 + number * 7_200_000 for number in range(4)]
APPS = ["drill-a", "drill-b", "drill-c", "drill-d"]
OPERATOR = "operator"
# An accountant that says what is missing after seconds: the defaults' minute is for tests/flow/test_prometheus.py.
QUICK = {"AYUMI_ACCOUNTANT__EVERY_SECONDS": "1", "AYUMI_ACCOUNTANT__OVERDUE_SECONDS": "5"}
NOTHING = dict.fromkeys(("recorder", "letters", "processor", "loader"), 0.0)


def hour(partition: int) -> str:
    """As reconciling writes it."""
    return datetime.fromtimestamp(HOURS_MS[partition] // 3_600_000 * 3600, UTC).strftime("%Y-%m-%dT%H:00Z")


@asynccontextmanager
async def running(
    folder: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[RunningZone, BrokerSettings]]:
    """The zone in `folder`, ready."""
    with up(folder, settings) as zone:
        await zone.ready()
        yield zone, settings_of(folder).broker


def reconciled(folder: Path, *words: str, wait: int = 60) -> tuple[int, dict[str, Any]]:
    """Exit code and report."""
    done = ayumi("reconcile", str(folder), "--json", "--wait", str(wait), *words)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def places(report: dict[str, Any]) -> list[tuple[str, str, str, int, list[list[int]]]]:
    """What names each gap."""
    return sorted((gap["hop"], gap["app"], gap["hour"], gap["partition"], gap["offsets"]) for gap in report["gaps"])


async def missing(zone: RunningZone) -> dict[str, float]:
    """What the accountant says, by hop."""
    _, body = await fetch(f"{zone.state['addresses']['store']}/metrics", 20)
    name = 'ayumi_accountant_gap_statements{hop="'
    lines = [line for line in body.decode().splitlines() if line.startswith(name)]
    return {line.removeprefix(name).partition('"')[0]: float(line.rpartition(" ")[2]) for line in lines}


async def balanced_at(zone: RunningZone) -> float:
    """When the accountant last found everything accounted for."""
    _, body = await fetch(f"{zone.state['addresses']['store']}/metrics", 20)
    name = "ayumi_accountant_balanced_timestamp_seconds "
    return next(float(line.removeprefix(name)) for line in body.decode().splitlines() if line.startswith(name))


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a stopped zone that has taken statements of four apps, and was balanced."""
    folder = tmp_path_factory.mktemp("fed") / "zone"
    complete(_feed(folder))
    return folder


async def _feed(folder: Path) -> None:
    async with running(folder) as (zone, broker):
        await put_references(broker)
        await eventually(lambda: _views_hold(zone), 60)
        for partition, app in enumerate(APPS):
            envelope = {"app": app, "stored_at_ms": HOURS_MS[partition]}
            records = statements(partition, 8, partition, **envelope)
            await feed(broker, partition, [*records, *records[:2]])
        code, report = reconciled(folder, "--from-log")
        assert (code, report["gaps"]) == (0, [])
        expected = {"received": 10, "archived": 8, "refused": 0, "duplicate": 2}
        onward = {"published": 8, "withheld": 0, "loaded": 8}
        assert report["hours"] == [
            {"hour": hour(partition), "app": app, **expected, **onward} for partition, app in enumerate(APPS)
        ]


async def _views_hold(zone: RunningZone) -> bool:
    _, body = await fetch(f"{zone.state['addresses']['processors']}/metrics", 20)
    return 'ayumi_processor_view_entries{topic="consent"} 1.0' in body.decode()


def copied(fed: Path, tmp_path: Path) -> Path:
    """A zone folder of the test's own."""
    return Path(shutil.copytree(fed, tmp_path / "zone", symlinks=True))


async def test_a_zone_that_lost_nothing_says_so_in_words_and_metrics(fed: Path, tmp_path: Path) -> None:
    folder = copied(fed, tmp_path)
    async with running(folder) as (zone, _):
        done = ayumi("reconcile", str(folder), "--from-log")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "All accounted for."), done.stdout
        await eventually(lambda: _is_balanced(zone), 60)
        code, report = reconciled(folder, "--since", hour(2))
        assert (code, [row["app"] for row in report["hours"]]) == (0, APPS[2:])


async def _is_balanced(zone: RunningZone) -> bool:
    return await balanced_at(zone) > 0 and await missing(zone) == NOTHING


async def test_a_zone_under_load_with_faults_of_every_kind_has_no_gap(fed: Path, tmp_path: Path) -> None:
    folder = copied(fed, tmp_path)
    load = [*AYUMI, "simulate", "--dir", str(folder), "--count", "3000", "--rate", "150", "--json"]
    async with running(folder) as (zone, _):
        simulating = await asyncio.create_subprocess_exec(*load, env=environment(), stdout=asyncio.subprocess.PIPE)
        await eventually(lambda: _has_received(zone, 500), 60)
        code, report = await asyncio.to_thread(reconciled, folder, "--from-log")
        assert simulating.returncode is None
        assert (code, report["gaps"]) == (0, [])
        told, _ = await simulating.communicate()
        sent = json.loads(told)
        code, report = reconciled(folder, "--from-log")
        assert (code, report["gaps"]) == (0, [])
        assert report["received"] == 40 + sent["expected"]["received"]
        assert min(report[name] for name in ("refused", "duplicate", "withheld", "retracted")) > 0
        assert sum(row["received"] for row in report["hours"]) == report["received"]
        assert await missing(zone) == NOTHING


async def test_a_zone_whose_log_retention_took_as_a_whole_has_no_gap(fed: Path, tmp_path: Path) -> None:
    folder = copied(fed, tmp_path)
    async with running(folder) as (_, broker):
        topic = topic_name(settings_of(folder).zone.name, Noun.RECEIVED)
        await forget_records(broker, topic, await ends(broker, Noun.RECEIVED))
        code, report = reconciled(folder, "--from-log")
        assert (code, report["gaps"], report["received"]) == (0, [], 40)


async def _has_received(zone: RunningZone, count: int) -> bool:
    _, body = await fetch(f"{zone.state['addresses']['lrs']}/metrics", 20)
    name = "ayumi_recorder_statements_total{"
    return sum(float(line.rpartition(" ")[2]) for line in body.decode().splitlines() if line.startswith(name)) >= count


async def test_rows_and_counts_that_were_changed_by_hand_are_named_each(fed: Path, tmp_path: Path) -> None:
    folder = copied(fed, tmp_path)
    change(folder, "facts", "ALTER TABLE activities DELETE WHERE partition = 0 AND offset = 3")
    change(
        folder,
        "archive",
        "ALTER TABLE statements DELETE WHERE partition = 1 AND offset = 5",
        "ALTER TABLE tallies UPDATE count = count + 1 WHERE partition = 2 AND outcome = 'duplicate'",
        "INSERT INTO statements SELECT * FROM statements WHERE partition = 3 AND offset = 7",
    )
    async with running(folder, QUICK) as (zone, _):
        code, report = reconciled(folder, wait=5)
        assert places(report) == [
            ("loader", APPS[0], hour(0), 0, [[3, 3]]),
            ("recorder", APPS[1], hour(1), 1, [[5, 5]]),
            ("recorder", APPS[2], hour(2), 2, [[0, 9]]),
            ("recorder", APPS[3], hour(3), 3, [[7, 7]]),
        ]
        assert (code, report["balanced"]) == (1, False)
        assert [gap["statements"] for gap in report["gaps"]] == [1, 1, 1, 1]
        said = ayumi("reconcile", str(folder), "--wait", "5").stdout
        assert f"GAP at hop loader, app {APPS[0]}, hour {hour(0)}, partition 0, offsets 3: 1 published" in said
        await eventually(lambda: _is_missing(zone, recorder=3, loader=1), 60)
        await eventually(lambda: _page_names(zone, places(report)), 120)
        assert ayumi("top", str(folder), "--once", "--json").returncode == 1


async def _page_names(zone: RunningZone, gaps: list[tuple[str, str, str, int, list[list[int]]]]) -> bool:
    """Whether the operator's page shows these gaps."""
    token = (zone.folder / "keys" / "operator.token").read_text("ascii").strip()
    _, body = await fetch(f"{zone.state['addresses']['board']}/operator/now", 30, token=token)
    seen = json.loads(body)
    return (seen["state"], seen["accounts"]["state"], places(seen["accounts"])) == ("bad", "gap", gaps)


async def _is_missing(zone: RunningZone, **hops: float) -> bool:
    return await missing(zone) == NOTHING | hops


async def test_a_dead_letter_that_was_lost_is_named_in_the_middle_and_at_the_end(fed: Path, tmp_path: Path) -> None:
    folder = copied(fed, tmp_path)
    async with running(folder) as (zone, broker):
        # In one partition the letter in the middle will be lost, in another the last one.
        for partition, apps in ((1, ["other", APPS[1], "other"]), (2, ["other", "other", APPS[2]])):
            stored = HOURS_MS[partition]
            letters = [received(os.urandom(16), b"no statement", app=app, stored_at_ms=stored) for app in apps]
            await feed(broker, partition, letters)
        code, report = reconciled(folder, "--from-log")
        assert (code, report["refused"], report["gaps"]) == (0, 6, [])
    change(
        folder,
        "archive",
        "ALTER TABLE dead_letters DELETE WHERE app != 'other'",
        "ALTER TABLE tallies DELETE WHERE hop = 'letters' AND app NOT IN ('other', '')",
    )
    lost = [("letters", APPS[1], hour(1), 1, [[11, 11]]), ("letters", APPS[2], hour(2), 2, [[12, 12]])]
    async with running(folder, QUICK) as (zone, _):
        code, report = reconciled(folder, wait=5)
        assert (code, places(report)) == (1, lost)
        assert [(gap["exact"], gap["waiting"]) for gap in report["gaps"]] == [(True, False)] * 2
        said = ayumi("reconcile", str(folder), "--wait", "5").stdout
        assert f"GAP at hop letters, app {APPS[1]}, hour {hour(1)}, partition 1, offsets 11: 1 refused" in said
        await eventually(lambda: _is_missing(zone, letters=2), 60)


async def test_what_was_passed_over_is_named_by_its_offsets(fed: Path, tmp_path: Path) -> None:
    folder = copied(fed, tmp_path)
    await _leave_work(folder)
    async with broker_alone(folder) as broker:
        # A slice of accepted, an activity, and a record of received: each committed, none of them worked on.
        await commit(broker, "processor", Noun.ACCEPTED, 0, by=1)
        await commit(broker, "loader", Noun.ACTIVITY, 1, by=1)
        await feed(broker, 2, statements(2, 1, 9, app=APPS[2], stored_at_ms=HOURS_MS[2]))
        await commit(broker, "recorder", Noun.RECEIVED, 2, by=1)
    # The loader believes its own store more than what was committed.
    at = f"'{OPERATOR}', 1, toDateTime64(0, 0, 'UTC'), '', 'position', '', 9, 9, 0"
    change(folder, "facts", f"INSERT INTO tallies SELECT 'loader.position', {at}")
    change(
        folder,
        "archive",
        f"INSERT INTO tallies SELECT 'recorder', '{OPERATOR}', 2, toDateTime64({HOURS_MS[2] // 1000}, 0, 'UTC'), "
        f"'{APPS[2]}', 'archived', '', 10, 10, 0",
    )
    async with running(folder, QUICK) as (zone, _):
        code, report = reconciled(folder, wait=5)
        assert places(report) == [
            ("loader", APPS[1], hour(1), 1, [[10, 10]]),
            ("processor", APPS[0], hour(0), 0, [[10, 12]]),
            ("recorder", APPS[2], hour(2), 2, [[10, 10]]),
        ]
        assert code == 1
        assert [gap["exact"] for gap in report["gaps"]] == [True, True, True]
        await eventually(lambda: _is_missing(zone, recorder=1, processor=4), 60)


async def _leave_work(folder: Path) -> None:
    """Two slices of partition 0 before the processor, two activities of partition 1 before the loader."""
    async with running(folder) as (zone, broker):
        os.kill(zone.child("store")["pid"], signal.SIGSTOP)
        await feed(broker, 1, statements(1, 2, 7, app=APPS[1], stored_at_ms=HOURS_MS[1]))
        await eventually(lambda: _reaches(broker, Noun.ACTIVITY, 1, 10))
        os.kill(zone.child("processors")["pid"], signal.SIGSTOP)
        for seed, slices in ((5, 2), (6, 3)):
            await feed(broker, 0, statements(0, 3, seed, app=APPS[0], stored_at_ms=HOURS_MS[0]))
            await eventually(partial(_reaches, broker, Noun.ACCEPTED, 0, slices))


async def _reaches(broker: BrokerSettings, noun: Noun, partition: int, end: int) -> bool:
    return (await ends(broker, noun))[partition] >= end
