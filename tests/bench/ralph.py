"""Ralph, the peer: in an environment of its own, on a free port, its ClickHouse backend on an HTTP front of our engine.

What it stored is counted in its table, not taken from its answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import clickhouse_connect
import psutil

from lrs.cli.children import end, spawn
from lrs.cli.ports import free_port
from lrs.cli.probing import fetch
from lrs.cli.settings_loading import cache_folder

_RALPH = "ralph-malph[full]==5.1.0"
_USER, _PASSWORD = "ralph", "for-this-run-only"
_TABLE = (
    "CREATE TABLE xapi.xapi_events_all (event_id UUID, emission_time DateTime64(6), event String) "
    "ENGINE MergeTree ORDER BY (emission_time, event_id)"
)
# Its ClickHouse backend blocks the event loop while the engine works, so that one worker would leave a core idle.
_WORKERS = os.cpu_count() or 1
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ralph:
    """A running Ralph: where it listens, who may post, where its engine answers, its first process."""

    port: int
    engine_port: int
    pid: int
    user: str = f"{_USER}:{_PASSWORD}"

    async def stored(self) -> int:
        """Distinct statements in its table."""
        return await asyncio.to_thread(self._count)

    def cpu_seconds(self) -> float:
        """Processor time of its own processes so far, without the engine's."""
        first = psutil.Process(self.pid)
        times = [process.cpu_times() for process in (first, *first.children(recursive=True))]
        return sum(used.user + used.system for used in times)

    def _count(self) -> int:
        client = clickhouse_connect.get_client(host="127.0.0.1", port=self.engine_port)
        try:
            (rows, ids), *_ = client.query("SELECT count(), uniqExact(event_id) FROM xapi.xapi_events_all").result_rows
        finally:
            client.close()
        if rows != ids:
            msg = f"Ralph stored {rows - ids} statements twice"
            raise RuntimeError(msg)
        return int(ids)


@contextlib.asynccontextmanager
async def ralph(folder: Path) -> AsyncIterator[Ralph]:
    """Ralph with its events and its log in `folder`."""
    home = await asyncio.to_thread(_environment)
    front = subprocess.Popen(  # noqa: ASYNC220 - returns at once
        [sys.executable, "-m", "tests.support.http_front", str(folder / "events")], stdout=subprocess.PIPE, text=True
    )
    process = None
    try:
        assert front.stdout
        engine_port = int(await asyncio.to_thread(front.stdout.readline))
        await asyncio.to_thread(_make_table, engine_port)
        port = free_port()
        environment = _settings(folder, home, engine_port)
        command = [str(home / "bin" / "uvicorn"), "ralph.api:app", "--port", str(port), "--no-access-log"]
        command += ["--workers", str(_WORKERS)]
        process = spawn(command, output=folder / "ralph.log", environment=environment)
        await _answers(f"http://127.0.0.1:{port}/__heartbeat__")
        yield Ralph(port, engine_port, process.pid)
    finally:
        if process:
            await end(process, 5)
        front.kill()
        front.wait()


def _environment() -> Path:
    home = cache_folder() / "bench-ralph"
    if not (home / "bin" / "uvicorn").exists():
        uv = Path(".uv/bin/uv").resolve()
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, home], check=True)
        python = home / "bin" / "python"
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, _RALPH], check=True)
    return home


def _make_table(engine_port: int) -> None:
    client = clickhouse_connect.get_client(host="127.0.0.1", port=engine_port)
    client.command("CREATE DATABASE xapi")
    client.command(_TABLE)
    client.close()


def _settings(folder: Path, home: Path, engine_port: int) -> dict[str, str]:
    made = subprocess.run(
        [home / "bin" / "ralph", "auth", "-u", _USER, "-p", _PASSWORD, "-s", "all", "-M", "mailto:bench@example.org"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(folder)},
    )
    auth = folder / "auth.json"
    auth.write_text("[" + made.stdout[made.stdout.index("{") :] + "]", "utf-8")
    store = "RALPH_BACKENDS__LRS__CLICKHOUSE__"
    return {
        **os.environ,
        "HOME": str(folder),
        "RALPH_AUTH_FILE": str(auth),
        "RALPH_RUNSERVER_BACKEND": "clickhouse",
        f"{store}HOST": "127.0.0.1",
        f"{store}PORT": str(engine_port),
        f"{store}DATABASE": "xapi",
        f"{store}EVENT_TABLE_NAME": "xapi_events_all",
    }


async def _answers(url: str) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            with contextlib.suppress(OSError, TimeoutError):
                if (await fetch(url))[0] < 500:
                    return
            await asyncio.sleep(0.2)
