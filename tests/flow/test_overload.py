"""More than a zone can do, or a part of it away: what is refused hears so with a time, what is acknowledged is kept."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from lrs.cli.ports import free_port
from lrs.cli.probing import is_ready
from lrs.kernel.settings import BrokerSettings
from lrs.store.registry.quotas import Quota
from processors.topic_admin import ensure_topics
from tests.support.ayumi import AYUMI, ayumi, environment, up
from tests.support.broker import new_broker, new_zone_name
from tests.support.http_zone import Zone, client_of, http_zone, new_id, ready, statement, zone_settings
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(300)


def _metric(text: str, name: str) -> float:
    return next((float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name)), 0.0)


async def _stored(client: httpx.AsyncClient, ids: list[str]) -> set[str]:
    """Those of the ids that can be read."""
    answers = await asyncio.gather(*(client.get("/xAPI/statements", params={"statementId": one}) for one in ids))
    return {one for one, answer in zip(ids, answers, strict=True) if answer.status_code == 200}


async def test_an_app_above_its_quota_hears_its_quota_and_when_to_come_again(running: Zone) -> None:
    credentials = running.registry.credentials
    limited = running._replace(auth=credentials.add("drill-quota", quota=Quota(2, 10)))
    async with client_of(running) as other, client_of(limited) as app:
        await eventually(lambda: ready(other))
        posted = await app.post("/xAPI/statements", json=[statement() for _ in range(10)])
        assert posted.status_code == 200
        # As many as five seconds bring: the first answer may have taken some.
        refused = await app.post("/xAPI/statements", json=[statement() for _ in range(10)])
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 5
        error = refused.json()
        assert error["error"] == "over_quota"
        assert "the app drill-quota may send 2 statements a second, and 10 at once after a pause" in error["rule"]
        assert (await app.get("/xAPI/statements", params={"limit": "1"})).status_code == 200
        assert (await other.post("/xAPI/statements", json=[statement() for _ in range(50)])).status_code == 200
        metrics = (await other.get("/metrics")).text
        assert _metric(metrics, 'ayumi_gateway_over_quota_total{app="drill-quota"}') == 1
        assert _metric(metrics, 'ayumi_gateway_last_seen_timestamp_seconds{app="drill-quota"}') > time.time() - 600
        # While the bucket is empty the answer comes before the body is read: the time is then that of one statement.
        again = refused
        for _ in range(2):
            if again.status_code == 429:
                await asyncio.sleep(int(again.headers["retry-after"]))
                again = await app.post("/xAPI/statements", json=[statement() for _ in range(3)])
        assert again.status_code == 200
        credentials.set_quota("drill-quota", None)
        many = [statement() for _ in range(50)]
        await eventually(lambda: _is_taken(app, many))


async def _is_taken(app: httpx.AsyncClient, statements: list[dict[str, object]]) -> bool:
    return (await app.post("/xAPI/statements", json=statements)).status_code == 200


async def test_while_the_broker_is_away_nothing_is_acknowledged_and_nothing_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    node = new_broker(tmp_path)
    await node.start()
    await node.ready()
    name = new_zone_name()
    await ensure_topics(node.settings, name)
    settings = zone_settings(node.settings, name)
    settings = settings.model_copy(
        update={"gateway": settings.gateway.model_copy(update={"publish_seconds": 1.0, "max_bodies_mb": 1})}
    )
    with http_zone(tmp_path / "zone", settings) as zone:
        async with client_of(zone) as client:
            await eventually(lambda: ready(client))
            acknowledged = [new_id() for _ in range(30)]
            # A broker that has only just started may take longer than a second to confirm its first records.
            posted = [statement(id=one) for one in acknowledged]
            await eventually(lambda: _is_taken(client, posted))
            node.running.kill()
            node.running.wait()
            await node.stop()
            tried = [new_id() for _ in range(40)]
            answers = await asyncio.gather(*(_post(client, one) for one in tried))
            assert {answer.status_code for answer in answers} == {503}
            assert {answer.headers["retry-after"] for answer in answers} == {"5"}
            # What waits for the broker is bounded, however long it is away and whoever gave up waiting.
            large = [await _post(client, new_id(), "y" * 50_000) for _ in range(30)]
            assert {answer.status_code for answer in large} == {503}
            assert any("bytes of statements wait for it" in answer.json()["rule"] for answer in large)
            node = new_broker(tmp_path, port=node.settings.port)
            await node.start()
            try:
                await node.ready()
                await eventually(lambda: _again(client, tried[0]), seconds=90)
                for one in tried[1:]:
                    await eventually(lambda one=one: _again(client, one), seconds=60)  # type: ignore[misc]
                assert await _stored(client, acknowledged + tried) == {*acknowledged, *tried}
                listed = (await client.get("/xAPI/statements", params={"limit": "100"})).json()["statements"]
                small = [one["id"] for one in listed if "extensions" not in one.get("context", {})]
                assert sorted(small) == sorted(acknowledged + tried)
            finally:
                await node.stop()


async def _post(client: httpx.AsyncClient, number: str, padding: str = "") -> httpx.Response:
    context = {"context": {"extensions": {"https://drill.example.jp/padding": padding}}} if padding else {}
    return await client.post("/xAPI/statements", json=statement(id=number, **context))


async def _again(client: httpx.AsyncClient, number: str) -> bool:
    return (await _post(client, number)).status_code == 200


async def test_while_the_store_stands_still_statements_are_taken_and_read_and_everything_arrives_afterwards(
    tmp_path: Path, broker: BrokerSettings, zone: str
) -> None:
    cluster = {
        "AYUMI_BROKER__BOOTSTRAP_SERVERS": f"127.0.0.1:{broker.port}",
        "AYUMI_ZONE__NAME": zone,
        "AYUMI_GATEWAY__READ_WAIT_SECONDS": "30",
    }
    with up(tmp_path / "zone", cluster) as running:
        await running.ready()
        made = ayumi("credential", "add", "drill", "--dir", str(running.folder)).stdout.split()
        auth = (made[made.index("key") + 1], made[made.index("secret") + 1])
        store = running.child("store")["pid"]
        async with httpx.AsyncClient(
            base_url=running.state["addresses"]["gateway"],
            auth=auth,
            headers={"X-Experience-API-Version": "1.0.3"},
            timeout=60,
            trust_env=False,
        ) as client:
            os.kill(store, signal.SIGSTOP)
            try:
                ids = [new_id() for _ in range(200)]
                for start in range(0, 200, 50):
                    batch = [statement(id=one) for one in ids[start : start + 50]]
                    assert (await client.post("/xAPI/statements", json=batch)).status_code == 200
                assert await _stored(client, ids[::20]) == set(ids[::20])
                assert not await is_ready(running.state["addresses"]["store"])
            finally:
                os.kill(store, signal.SIGCONT)
        await eventually(lambda: is_ready(running.state["addresses"]["store"]), seconds=60)
        done = ayumi("reconcile", str(running.folder), "--wait", "60", settings=cluster)
        assert (done.returncode, "All accounted for." in done.stdout) == (0, True), done.stdout + done.stderr
        assert _restarts(running.state) == {"lrs": 0, "processors": 0, "store": 0}


def _restarts(state: dict[str, Any]) -> dict[str, int]:
    """How often each was started again."""
    return {child["name"]: child["restarts"] for child in state["children"]}


@pytest.fixture
def apart(tmp_path: Path, broker: BrokerSettings, zone: str) -> Iterator[tuple[str, int]]:
    """A gateway that takes a backlog of 50, its URL, and the process id of its recorder."""
    front = [sys.executable, "-m", "tests.support.http_front", str(tmp_path / "engine")]
    with ExitStack() as stack:
        server = stack.enter_context(
            subprocess.Popen(front, cwd=ROOT, env={**os.environ, "TZ": "UTC"}, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(server.kill)
        assert server.stdout is not None
        settings = {
            "AYUMI_BROKER__BOOTSTRAP_SERVERS": f"127.0.0.1:{broker.port}",
            "AYUMI_ZONE__NAME": zone,
            "AYUMI_STORE__ARCHIVE_DSN": f"http://127.0.0.1:{server.stdout.readline().strip()}",
            "AYUMI_GATEWAY__PORT": str(free_port()),
            "AYUMI_GATEWAY__MAX_BACKLOG_STATEMENTS": "50",
            "AYUMI_GATEWAY__READ_WAIT_SECONDS": "30",
        }
        pids = {}
        for part in ("recorder", "gateway"):
            command = [*AYUMI, "run", part, "--dir", str(tmp_path / part), "--migrate"]
            sink = stack.enter_context((tmp_path / f"{part}.log").open("wb"))
            process = stack.enter_context(
                subprocess.Popen(command, env=environment(settings), stdout=sink, stderr=subprocess.STDOUT)
            )
            stack.callback(process.terminate)
            pids[part] = process.pid
        yield f"http://127.0.0.1:{settings['AYUMI_GATEWAY__PORT']}", pids["recorder"]


async def test_a_gateway_whose_archive_is_too_far_behind_says_when_to_come_again_and_recovers_by_itself(
    apart: tuple[str, int], tmp_path: Path
) -> None:
    url, recorder = apart
    await eventually(lambda: is_ready(url), seconds=60)
    made = ayumi("credential", "add", "drill", "--dir", str(tmp_path / "gateway")).stdout.split()
    async with httpx.AsyncClient(
        base_url=url,
        auth=(made[made.index("key") + 1], made[made.index("secret") + 1]),
        headers={"X-Experience-API-Version": "1.0.3"},
        trust_env=False,
        timeout=30,
    ) as client:
        taken: list[str] = []
        os.kill(recorder, signal.SIGSTOP)
        try:
            refused = None
            while refused is None:
                ids = [new_id() for _ in range(30)]
                answer = await client.post("/xAPI/statements", json=[statement(id=one) for one in ids])
                if answer.status_code == 200:
                    taken += ids
                else:
                    refused = answer
            assert refused.status_code == 503
            assert 1 <= int(refused.headers["retry-after"]) <= 300
            assert "the archive is not available: it is" in refused.json()["rule"]
            assert 30 <= len(taken) <= 60
            await eventually(lambda: _shows(client, "ayumi_gateway_backlog_statements", len(taken)))
        finally:
            os.kill(recorder, signal.SIGCONT)
        await eventually(lambda: _again(client, new_id()), seconds=60)
        assert await _stored(client, taken) == set(taken)
        await eventually(lambda: _shows(client, "ayumi_gateway_backlog_statements", 0))


async def _shows(client: httpx.AsyncClient, name: str, value: float) -> bool:
    return _metric((await client.get("/metrics")).text, f"{name} ") == value
