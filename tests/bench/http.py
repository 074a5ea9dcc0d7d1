"""The gateway beside Ralph in one run, on the same engine: batches of 100, and single posts on 16 connections.

Ralph is fetched into an environment of its own; its ClickHouse backend talks to an HTTP front of the embedded engine.
The two take turns, so that a machine whose speed drifts does so for both.
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
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrs.cli.children import end, spawn
from lrs.cli.ports import free_port
from lrs.cli.probing import fetch
from lrs.cli.settings_loading import cache_folder, load_settings
from lrs.cli.zone import Zone
from lrs.store.registry import open_registry
from tests.bench.measuring import Results

_RALPH = "ralph-malph[full]==5.1.0"
_USER, _PASSWORD = "ralph", "for-this-run-only"
_TABLE = (
    "CREATE TABLE xapi.xapi_events_all (event_id UUID, emission_time DateTime64(6), event String) "
    "ENGINE MergeTree ORDER BY (emission_time, event_id)"
)
_ROUNDS = 3
_SECONDS = 6.0
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of load: its name, its unit, and how it is made."""

    name: str
    unit: str
    figure: str
    arguments: tuple[str, ...]


_LOADS = (
    Load(
        "batches of 100",
        "statements/s",
        "statements_per_second",
        ("--batch", "100", "--connections", "4", "--most", "1500"),
    ),
    Load("single posts, 16 connections", "requests/s", "requests_per_second", ("--batch", "1", "--connections", "16")),
)


async def beside_ralph(results: Results) -> None:
    """Run both servers, one load after the other, and record the medians and their ratio."""
    with tempfile.TemporaryDirectory(prefix="ayumi-bench-") as name:
        folder = Path(name)
        (folder / "zone").mkdir()
        settings = load_settings(folder / "zone")
        async with Zone(folder / "zone", settings, free_ports=True) as zone, _ralph(folder) as ralph_port:
            registry = open_registry(zone.settings, zone.folder)
            user = ":".join(registry.credentials.add("bench"))
            registry.close()
            for load in _LOADS:
                await _compare(results, load, (zone.settings.gateway.port, user), (ralph_port, f"{_USER}:{_PASSWORD}"))


async def _compare(results: Results, load: Load, ours: tuple[int, str], theirs: tuple[int, str]) -> None:
    found: dict[str, list[dict[str, Any]]] = {"Ralph": [], "Ayumi": []}
    for number in range(_ROUNDS):
        for name, (port, user) in (("Ralph", theirs), ("Ayumi", ours)):
            found[name].append(await _measure(load, port, user, seed=number * 2 + (name == "Ayumi")))
    for name in ("Ralph", "Ayumi"):
        title = f"{name}, {load.name}"
        value = statistics.median(run[load.figure] for run in found[name])
        results.add(title, value, load.unit, limit=f"Ralph, {load.name}" if name == "Ayumi" else "")
        results.add(f"{title}, p99", statistics.median(run["p99_ms"] for run in found[name]), "ms")
        odd = {status: count for run in found[name] for status, count in run["statuses"].items() if status != "200"}
        if odd:
            results.add(f"{title}, answers other than 200", sum(odd.values()), "")


async def _measure(load: Load, port: int, user: str, *, seed: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.http_load", "--port", str(port), "--user", user, *load.arguments]
    command += ["--seconds", str(_SECONDS), "--seed", str(seed)]
    done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@contextlib.asynccontextmanager
async def _ralph(folder: Path) -> AsyncIterator[int]:
    """Ralph with one worker on a free port, its events in an engine of their own."""
    home = await asyncio.to_thread(_environment)
    front = subprocess.Popen(  # noqa: ASYNC220 - returns at once
        [sys.executable, "-m", "tests.support.http_front", str(folder / "events")], stdout=subprocess.PIPE, text=True
    )
    ralph = None
    try:
        assert front.stdout
        engine_port = int(await asyncio.to_thread(front.stdout.readline))
        await asyncio.to_thread(_make_table, engine_port)
        port = free_port()
        environment = _ralph_settings(folder, home, engine_port)
        command = [str(home / "bin" / "uvicorn"), "ralph.api:app", "--port", str(port), "--no-access-log"]
        ralph = spawn(command, output=folder / "ralph.log", environment=environment)
        await _answers(f"http://127.0.0.1:{port}/__heartbeat__")
        yield port
    finally:
        if ralph:
            await end(ralph, 5)
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
    import clickhouse_connect  # noqa: PLC0415 - only here

    client = clickhouse_connect.get_client(host="127.0.0.1", port=engine_port)
    client.command("CREATE DATABASE xapi")
    client.command(_TABLE)
    client.close()


def _ralph_settings(folder: Path, home: Path, engine_port: int) -> dict[str, str]:
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
