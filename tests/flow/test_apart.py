"""Parts as processes of their own, as on many machines: `ayumi run PART` against servers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from lrs.cli.ports import free_port
from lrs.cli.probing import is_ready
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.zone_folder import ZoneFolder
from tests.support.ayumi import AYUMI, ayumi, environment
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
STATEMENT = {
    "actor": {"account": {"homePage": "https://school.example", "name": "learner-1"}},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
    "object": {"id": "https://drill.example/items/1"},
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A ClickHouse server's HTTP interface over the embedded engine."""
    command = [sys.executable, "-m", "tests.support.http_front", str(tmp_path / "engine")]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "TZ": "UTC"}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


@pytest.fixture
def parts(tmp_path: Path, broker: BrokerSettings, zone: str, server: str) -> Iterator[str]:
    """A recorder and a gateway on folders of their own; the gateway's URL."""
    settings = {
        "AYUMI_BROKER__BOOTSTRAP_SERVERS": f"127.0.0.1:{broker.port}",
        "AYUMI_ZONE__NAME": zone,
        "AYUMI_STORE__ARCHIVE_DSN": server,
        "AYUMI_GATEWAY__PORT": str(free_port()),
        "AYUMI_GATEWAY__READ_WAIT_SECONDS": "30",
        "AYUMI_GATEWAY__PUBLISH_SECONDS": "30",
    }
    with ExitStack() as stack:
        for part in ("recorder", "gateway"):
            command = [*AYUMI, "run", part, "--dir", str(tmp_path / part), "--migrate"]
            sink = stack.enter_context((tmp_path / f"{part}.log").open("wb"))
            process = stack.enter_context(
                subprocess.Popen(command, env=environment(settings), stdout=sink, stderr=subprocess.STDOUT)
            )
            stack.callback(process.terminate)
        yield f"http://127.0.0.1:{settings['AYUMI_GATEWAY__PORT']}"


@pytest.fixture
def operations(tmp_path: Path, broker: BrokerSettings, zone: str) -> Iterator[httpx.Client]:
    """A zone without an accountant; the operator at its board."""
    folder = ZoneFolder(tmp_path / "zone")
    folder.prepare()
    settings = {
        "AYUMI_BROKER__BOOTSTRAP_SERVERS": f"127.0.0.1:{broker.port}",
        "AYUMI_ZONE__NAME": zone,
        "AYUMI_GATEWAY__PORT": str(free_port()),
        "AYUMI_BOARD__PORT": str(free_port()),
    }
    with ExitStack() as stack:
        for parts in (["gateway", "recorder", "letters"], ["loader", "board"]):
            command = [*AYUMI, "run", *parts, "--dir", str(folder.root), "--migrate"]
            sink = stack.enter_context((tmp_path / f"{parts[-1]}.log").open("wb"))
            process = stack.enter_context(
                subprocess.Popen(command, env=environment(settings), stdout=sink, stderr=subprocess.STDOUT)
            )
            stack.callback(process.terminate)
        token = {"Authorization": f"Bearer {folder.operator_token.read_text('ascii')}"}
        url = f"http://127.0.0.1:{settings['AYUMI_BOARD__PORT']}/operator"
        yield stack.enter_context(httpx.Client(base_url=url, headers=token, trust_env=False, timeout=30))


async def test_a_board_without_an_accountant_beside_it_says_whether_everything_is_accounted_for(
    operations: httpx.Client,
) -> None:
    async def is_balanced() -> bool:
        try:
            answer = await asyncio.to_thread(operations.get, "/now")
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and answer.json()["accounts"]["state"] == "balanced"

    await eventually(is_balanced, seconds=90)


async def test_a_gateway_without_a_recorder_beside_it_reads_what_it_took_and_knows_repeats(
    parts: str, tmp_path: Path
) -> None:
    await eventually(lambda: is_ready(parts), seconds=60)
    made = ayumi("credential", "add", "drill", "--dir", str(tmp_path / "gateway")).stdout.split()
    async with httpx.AsyncClient(
        base_url=f"{parts}/xAPI",
        auth=(made[made.index("key") + 1], made[made.index("secret") + 1]),
        headers={"X-Experience-API-Version": "1.0.3"},
        trust_env=False,
        timeout=30,
    ) as client:
        number = str(uuid.uuid4())
        taken = await client.put("/statements", params={"statementId": number}, json=STATEMENT)
        assert taken.status_code == 204, taken.text
        read = await client.get("/statements", params={"statementId": number})
        assert (read.status_code, read.json()["actor"]) == (200, STATEMENT["actor"])
        other = {**STATEMENT, "object": {"id": "https://drill.example/items/2"}}
        assert (await client.put("/statements", params={"statementId": number}, json=other)).status_code == 409
