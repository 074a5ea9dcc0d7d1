"""A real Prometheus over a real zone under load: no query of ours is empty, and a planted gap raises its alert."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from lrs.cli.probing import fetch
from lrs.cli.zone_state import settings_of
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Noun
from lrs.store.accounting import HopCounts
from tests.support.ayumi import AYUMI, RunningZone, ayumi, environment, up
from tests.support.broker import complete
from tests.support.issuer import AUDIENCE, ISSUER, key_set, signer
from tests.support.log import received
from tests.support.planting import change, commit, ends, feed, put_references, statements
from tests.support.prometheus import ROOT, Prometheus, legs, prometheus
from tests.support.signing import certificate
from tests.support.waiting import eventually

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]

DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "ayumi.json").read_text("utf-8"))
VERSION = {"X-Experience-API-Version": "1.0.3"}
FIRST = "offset = (SELECT min(offset) FROM"
DELETE_FACT = f"ALTER TABLE activities DELETE WHERE partition = 1 AND {FIRST} activities WHERE partition = 1)"
DELETE_STATEMENT = f"ALTER TABLE statements DELETE WHERE partition = 2 AND {FIRST} statements WHERE partition = 2)"
LOST = "lost"  # the app of a dead letter
DELETE_LETTER = (
    f"ALTER TABLE dead_letters DELETE WHERE app = '{LOST}'",
    f"ALTER TABLE tallies DELETE WHERE hop = 'letters' AND app = '{LOST}'",
)
# By hop: of the processor two, a slice of three in the middle of a partition and one of two at the end of another.
PLANTED = {"recorder": 1.0, "letters": 1.0, "processor": 5.0, "loader": 1.0}
KILLED = ("processors", "lrs", "store")


class Watched(NamedTuple):
    """A running zone, and the Prometheus that scrapes it."""

    zone: RunningZone
    prometheus: Prometheus


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A zone with an issuer's keys and a certificate that ended yesterday."""
    folder = tmp_path_factory.mktemp("watched")
    keys, authority = folder / "jwks.json", folder / "ca.pem"
    keys.write_bytes(key_set(signer("ES256", "ec").jwk()))
    authority.write_bytes(certificate("authority", "authority").public_bytes(Encoding.PEM))
    settings = {
        "AYUMI_OIDC__ISSUER": ISSUER,
        "AYUMI_OIDC__AUDIENCE": AUDIENCE,
        "AYUMI_OIDC__JWKS_FILE": str(keys),
        "AYUMI_BROKER__SSL_CA_FILE": str(authority),
    }
    with up(folder / "zone", settings) as zone:
        complete(zone.ready())
        # What has no folder yet when Prometheus starts it looks for once a minute.
        with prometheus(folder, folder / "zone" / "targets.json") as watcher:
            complete(eventually(watcher.is_ready, 60))
            complete(eventually(lambda: _some(watcher, 'sum(up{job="ayumi"}) == 3'), 90))
            yield Watched(zone, watcher)


async def test_every_query_of_dashboard_and_rules_has_an_answer_under_load(watched: Watched) -> None:
    zone, watcher = watched
    async with under_load(zone), calling_everything(zone):
        await each_is_answered(watcher, required_labels())
        rules = await watcher.rules()
        looked_at = {leg for rule in rules for leg in legs(rule["query"])}
        await each_is_answered(watcher, {leg: set() for leg in looked_at})
        assert {(rule["health"], rule.get("lastError")) for rule in rules} <= {("ok", None), ("unknown", None)}


async def each_is_answered(watcher: Prometheus, labels: dict[str, set[str]]) -> None:
    """Each query, with the labels that it must have, gives a number; what never did is told."""
    missing = set(labels)
    with contextlib.suppress(AssertionError):
        await eventually(lambda: _answered(watcher, missing, labels), 90)
    assert not missing


async def _answered(watcher: Prometheus, missing: set[str], labels: dict[str, set[str]]) -> bool:
    """Whether every query had an answer by now; those that had are taken out of `missing`."""
    for expression in sorted(missing):
        samples = await watcher.query(expression)
        numbers = [sample["metric"] for sample in samples if not math.isnan(float(sample["value"][1]))]
        if any(labels[expression] <= set(metric) for metric in numbers):
            missing.discard(expression)
    if missing:
        await asyncio.sleep(0.5)  # a scrape comes every five seconds
    return not missing


def targets() -> list[dict[str, Any]]:
    """Every query of the dashboard."""
    return [target for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]


def as_sent(expression: str) -> str:
    """The dashboard's variables, filled in."""
    return expression.replace("$zone", "zone").replace("$__rate_interval", "20s")


def required_labels() -> dict[str, set[str]]:
    """Each query as Grafana would send it, and what its legend speaks of."""
    return {as_sent(target["expr"]): set(re.findall(r"{{(\w+)}}", target["legendFormat"])) for target in targets()}


def test_the_variable_of_the_dashboard_is_the_zone(watched: Watched) -> None:
    [_, variable] = DASHBOARD["templating"]["list"]
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
    assert found is not None
    samples = complete(_eventually_some(watched.prometheus, found[1]))
    assert {sample["metric"][found[2]] for sample in samples} == {"zone"}
    assert {sample["metric"]["process"] for sample in samples} == {"lrs", "processors", "store"}


async def _eventually_some(watcher: Prometheus, expression: str) -> list[dict[str, Any]]:
    async def three() -> bool:
        return len(await watcher.query(expression)) == 3

    await eventually(three, 60)
    return await watcher.query(expression)


@asynccontextmanager
async def under_load(zone: RunningZone) -> AsyncIterator[None]:
    """A simulated district sends, with all that can be wrong with statements."""
    words = [*AYUMI, "simulate", "--dir", str(zone.folder), "--count", "12000", "--rate", "150"]
    sender = await asyncio.create_subprocess_exec(*words, env=environment(), stderr=asyncio.subprocess.DEVNULL)
    try:
        yield
        assert sender.returncode in (None, 0)
    finally:
        if sender.returncode is None:
            sender.terminate()
        await sender.wait()


@asynccontextmanager
async def calling_everything(zone: RunningZone) -> AsyncIterator[None]:
    """Tokens, reads and pages, which the simulator does not use: again and again, for a rate needs two scrapes."""
    added = ayumi("credential", "add", "probe", "--scope", "all", "--dir", str(zone.folder), "--json")
    known = json.loads(added.stdout)
    addresses = zone.state["addresses"]
    url = f"{addresses['gateway']}/xAPI/statements"

    async def call(client: httpx.AsyncClient) -> None:
        bearer = {"Authorization": f"Bearer {signer('ES256', 'ec').token()}"}
        for one in (
            await client.get(url, params={"limit": 1}, auth=(known["key"], known["secret"])),
            await client.get(url, params={"limit": 1}, headers=bearer),
            *[await client.get(f"{addresses['board']}/api/aggregates/{name}") for name in ("activity", "success")],
        ):
            assert one.status_code == 200, one.text

    async def call_on(client: httpx.AsyncClient) -> None:
        while True:
            await call(client)
            await asyncio.sleep(1)

    async with httpx.AsyncClient(headers=VERSION, timeout=30, trust_env=False) as client:
        await call(client)
        calls = asyncio.create_task(call_on(client))
        try:
            yield
            assert not calls.done(), calls.exception()
        finally:
            calls.cancel()
            await asyncio.wait([calls])


async def test_a_gap_that_is_planted_at_any_hop_raises_its_alert_within_a_minute(watched: Watched) -> None:
    zone, watcher = watched
    broker = settings_of(zone.folder).broker
    await put_references(broker)
    for partition in (0, 1, 2):
        await feed(broker, partition, statements(partition, 4, 10 + partition))
    await feed(broker, 1, [received(os.urandom(16), b"no statement", app=LOST)])
    loaded = 'sum(ayumi_loader_rows_total{process="store"}) >= 12'
    await eventually(lambda: _some(watcher, loaded), 60)
    settled = await asyncio.to_thread(ayumi, "reconcile", str(zone.folder))
    assert settled.returncode == 0, settled.stdout
    assert await watcher.alerts("AyumiGap") == []

    killed = {name: zone.child(name)["pid"] for name in KILLED}
    os.kill(zone.process.pid, signal.SIGSTOP)  # or it would start again what is killed now
    try:
        os.kill(killed["processors"], signal.SIGKILL)
        before = await ends(broker, Noun.ACCEPTED)
        for partition, number, size in ((0, 1, 3), (0, 2, 3), (3, 1, 2)):
            await feed(broker, partition, statements(partition, size, 20 + number))
            await eventually(partial(_reaches, zone, partition, before[partition] + number))
        # Killed before it has counted them, the recorder would put them on the log once more.
        await eventually(partial(_has_counted, zone))
        for name in ("lrs", "store"):
            os.kill(killed[name], signal.SIGKILL)
        await asyncio.gather(
            # Two slices are passed over; a row is deleted from the facts, others from the archive.
            _pass_over(broker, {partition: before[partition] for partition in (0, 3)}),
            asyncio.to_thread(change, zone.folder, "facts", DELETE_FACT),
            asyncio.to_thread(change, zone.folder, "archive", DELETE_STATEMENT, *DELETE_LETTER),
        )
    finally:
        os.kill(zone.process.pid, signal.SIGCONT)

    ready = await _ready_again(zone, killed)
    fired: dict[str, float] = {}
    told: dict[str, float] = {}

    async def all_fire() -> bool:
        told.update(await watcher.firing("AyumiGap", "hop"))
        for hop, planted in PLANTED.items():
            if told.get(hop) == planted:
                fired.setdefault(hop, round(time.monotonic() - ready, 1))
        return set(fired) == set(PLANTED)

    with contextlib.suppress(AssertionError):
        await eventually(all_fire, 90)
    assert told == PLANTED
    sys.stderr.write(f"AyumiGap fired so many seconds after the zone was ready: {fired}\n")
    assert max(fired.values()) < 60
    annotation = DASHBOARD["annotations"]["list"][0]["expr"]
    await eventually(lambda: _some(watcher, as_sent(annotation)), 20)


async def _pass_over(broker: BrokerSettings, slices: dict[int, int]) -> None:
    """One slice of each partition: the processor never gets to see it."""
    for partition, offset in slices.items():
        await commit(broker, "processor", Noun.ACCEPTED, partition, by=1, done=offset)


async def _ready_again(zone: RunningZone, killed: dict[str, int]) -> float:
    """When all that were killed run again and are ready."""

    async def is_ready() -> bool:
        return zone.is_ready and not any(zone.child(name)["pid"] == pid for name, pid in killed.items())

    await eventually(is_ready, 90)
    return time.monotonic()


async def _has_counted(zone: RunningZone) -> bool:
    token = (zone.folder / "keys" / "operator.token").read_text("ascii").strip()
    _, body = await fetch(f"{zone.state['addresses']['gateway']}/operator/archive?thorough=0", 20, token=token)
    counted = HopCounts.from_json(json.loads(body)).ends()
    there = await ends(settings_of(zone.folder).broker, Noun.RECEIVED)
    return all(counted.get(partition, 0) == end for partition, end in there.items())


async def _reaches(zone: RunningZone, partition: int, slices: int) -> bool:
    return (await ends(settings_of(zone.folder).broker, Noun.ACCEPTED))[partition] >= slices


async def _some(watcher: Prometheus, expression: str) -> bool:
    return bool(await watcher.query(expression))
