"""The SDK with a spool against a real broker that goes away: nobody is stopped, and everything arrives, in order."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from lrs.cli.broker import Broker
from lrs.kernel.errors import RefusedError, RetryError
from lrs.kernel.settings import BrokerSettings
from processors.topic_admin import ensure_topics
from producers.sdk import SendError, StatementPublisher
from tests.support.broker import new_broker, new_zone_name
from tests.support.received_log import Logged, read_received
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


def _statement(number: int) -> dict[str, Any]:
    return {
        "id": str(UUID(int=number, version=4)),
        "actor": {"account": {"homePage": "https://board.example.jp", "name": "u1"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": f"https://drill.example.jp/items/{number}"},
    }


def _sdk(broker: BrokerSettings, zone: str, spool: Path | None, **options: Any) -> StatementPublisher:  # noqa: ANN401
    return StatementPublisher(broker, zone=zone, app="drill-a", spool=spool, spool_after_seconds=1, **options)


def _numbers(logged: list[Logged]) -> dict[int, list[int]]:
    """The statements of each partition in the log's order, a repeated one where it came first."""
    found: dict[int, list[int]] = {}
    for one in logged:
        number = int(json.loads(one.record["statement"])["object"]["id"].rpartition("/")[2])
        if number not in found.setdefault(one.partition, []):
            found[one.partition].append(number)
    return found


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Node:
    """A broker that can go and come back on its port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.zone = new_zone_name()
        self._broker: Broker = new_broker(folder)
        self.settings = self._broker.settings

    async def start(self) -> None:
        """Start it, or start it again where it was."""
        if self.settings.port:
            self._broker = new_broker(self.folder, port=self.settings.port)
        await self._broker.start()
        await self._broker.ready()
        self.settings = self._broker.settings

    async def kill(self) -> None:
        """As a power cut would."""
        self._broker.running.kill()
        self._broker.running.wait()
        await self.stop()

    async def stop(self) -> None:
        """End whatever is there."""
        await self._broker.stop()


@asynccontextmanager
async def _node(folder: Path) -> AsyncIterator[Node]:
    node = Node(folder)
    await node.start()
    try:
        await ensure_topics(node.settings, node.zone)
        yield node
    finally:
        await node.stop()


async def test_what_is_sent_while_the_broker_is_away_arrives_in_order_when_it_is_back(tmp_path: Path) -> None:
    async with _node(tmp_path) as node, _sdk(node.settings, node.zone, tmp_path / "spool") as publisher:
        for number in range(20):
            await publisher.send(_statement(number))
        await eventually(lambda: not publisher.is_spooling)
        await node.kill()
        ids = await publisher.send_many([_statement(number) for number in range(20, 400)])
        assert [one.int for one in ids] == [UUID(int=number, version=4).int for number in range(20, 400)]
        for number in range(400, 430):
            await publisher.send(_statement(number))
        await eventually(lambda: publisher.is_spooling)
        await node.start()
        await eventually(lambda: not publisher.is_spooling, seconds=60)
        await publisher.send(_statement(430))
        assert _files(tmp_path / "spool") == ["lock"]
        found = _numbers(await read_received(node.settings, node.zone))
    assert sorted(number for numbers in found.values() for number in numbers) == list(range(431))
    assert all(numbers == sorted(numbers) for numbers in found.values())


_SEND_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
from lrs.kernel.settings import BrokerSettings
from tests.stream.test_spooling import _sdk, _statement
async def main():
    async with _sdk(BrokerSettings.model_validate_json(sys.argv[1]), sys.argv[2], Path(sys.argv[3])) as publisher:
        for number in range(10**9):
            await publisher.send(_statement(number))
            print(number, flush=True)
asyncio.run(main())
"""


async def test_an_app_that_is_killed_while_it_spools_loses_nothing_and_its_next_process_sends_it(
    tmp_path: Path,
) -> None:
    async with _node(tmp_path) as node:
        settings = node.settings.model_dump_json()
        await node.kill()
        command = [sys.executable, "-c", _SEND_UNTIL_KILLED, settings, node.zone, str(tmp_path / "spool")]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)  # noqa: ASYNC220 - returns at once
        assert process.stdout
        lines = [await asyncio.to_thread(process.stdout.readline) for _ in range(100)]
        process.kill()
        told = [int(line) for line in (*lines, *process.stdout.read().splitlines()) if line.strip().isdigit()]
        process.wait()
        process.stdout.close()
        await node.start()
        async with _sdk(node.settings, node.zone, tmp_path / "spool") as publisher:
            await eventually(lambda: not publisher.is_spooling, seconds=60)
        found = _numbers(await read_received(node.settings, node.zone))
    sent = {number for numbers in found.values() for number in numbers}
    assert set(told) <= sent
    assert all(numbers == sorted(numbers) for numbers in found.values())


async def test_an_app_starts_while_the_broker_is_away_and_stops_before_it_is_back(
    broker: BrokerSettings, zone: str, tmp_path: Path
) -> None:
    away = BrokerSettings.model_validate({"bootstrap_servers": "127.0.0.1:1"})
    async with _sdk(away, zone, tmp_path) as publisher:
        await publisher.send_many([_statement(number) for number in range(50)])
        assert publisher.is_spooling
    async with _sdk(broker, zone, tmp_path) as publisher:
        await publisher.send(_statement(50))
        await eventually(lambda: not publisher.is_spooling)
    found = _numbers(await read_received(broker, zone))
    assert sorted(number for numbers in found.values() for number in numbers) == list(range(51))
    assert all(numbers == sorted(numbers) for numbers in found.values())


async def test_what_the_spool_has_no_room_for_is_handed_back(zone: str, tmp_path: Path) -> None:
    away = BrokerSettings.model_validate({"bootstrap_servers": "127.0.0.1:1"})
    large = {**_statement(1), "object": {"id": "https://drill.example.jp/items/1", "x": "y" * 700_000}}
    async with _sdk(away, zone, tmp_path, spool_mb=1) as publisher:
        await publisher.send(large)
        with pytest.raises(SendError, match="room in the spool") as refused:
            await publisher.send(large)
        [unsent] = refused.value.unsent
        assert isinstance(unsent.error, RetryError)
        await publisher.send(_statement(2))


async def test_a_statement_that_no_log_would_take_is_refused_and_not_spooled(zone: str, tmp_path: Path) -> None:
    away = BrokerSettings.model_validate({"bootstrap_servers": "127.0.0.1:1"})
    async with _sdk(away, zone, tmp_path, max_statement_bytes=20_000_000) as publisher:
        with pytest.raises(SendError) as refused:
            await publisher.send({**_statement(1), "x": "y" * 8_000_000})
        assert isinstance(refused.value.unsent[0].error, RefusedError)
    assert _files(tmp_path) == ["lock"]


async def test_a_damaged_tail_is_told_and_what_is_whole_is_sent(
    broker: BrokerSettings, zone: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = BrokerSettings.model_validate({"bootstrap_servers": "127.0.0.1:1"})
    async with _sdk(away, zone, tmp_path) as publisher:
        for number in range(10):
            await publisher.send(_statement(number))
    [file] = [tmp_path / name for name in _files(tmp_path) if name.endswith(".spool")]
    os.truncate(file, file.stat().st_size - 20)
    async with _sdk(broker, zone, tmp_path) as publisher:
        await eventually(lambda: not publisher.is_spooling)
    found = _numbers(await read_received(broker, zone))
    assert sorted(number for numbers in found.values() for number in numbers) == list(range(9))
    assert "spool_damaged" in "".join(capsys.readouterr())
    assert _files(tmp_path) == [file.with_suffix(".damaged").name, "lock"]
