"""A recorder and any number of gateways as processes of their own over one server and one broker, to be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lrs.cli.ports import free_port
from lrs.cli.probing import is_ready
from tests.support.ayumi import AYUMI, ayumi, environment
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
RECORDER, LETTERS = "recorder", "letters"
_START_SECONDS = 90


class Gateway(NamedTuple):
    """One of the gateways as an app reaches it: all of them know the app `drill`, each by a key of its own."""

    name: str
    url: str
    auth: tuple[str, str]


class Apart:
    """The processes of one zone."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        """`settings` name broker, zone and server."""
        self._folder = folder
        self._settings = {
            **settings,
            "AYUMI_ZONE__PUBLIC_URL": "https://lrs.example.jp",
            "AYUMI_STORE__ATTACHMENTS_FOLDER": str(folder / "attachments"),
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ports: dict[str, int] = {}
        self.gateways: list[Gateway] = []

    async def open(self, gateways: int, *, letters: bool = False) -> None:
        """Start the recorder and so many gateways, wait until they are ready, and then start the letters if wanted."""
        (self._folder / "attachments").mkdir(parents=True)
        names = [f"gateway-{number}" for number in range(1, gateways + 1)]
        for name in (RECORDER, *names):
            self.start(name)
        for name in names:
            url = f"http://127.0.0.1:{self._ports[name]}"
            await eventually(lambda url=url: is_ready(url), seconds=_START_SECONDS)  # type: ignore[misc]
            made = json.loads(ayumi("credential", "add", "drill", "--dir", self._at(name), "--json").stdout)
            self.gateways.append(Gateway(name, url, (made["key"], made["secret"])))
        if letters:
            self.start(LETTERS)  # only now: two at once would migrate the same database

    async def ready(self) -> None:
        """Wait until all gateways take statements and have read what was taken before."""
        for gateway in self.gateways:
            await eventually(lambda url=gateway.url: is_ready(url), seconds=_START_SECONDS)  # type: ignore[misc]

    def start(self, name: str) -> None:
        """Start a process, or start it again."""
        port = self._ports.setdefault(name, free_port())
        room = f"{name.upper()}__METRICS_PORT" if name in {RECORDER, LETTERS} else "GATEWAY__PORT"
        command = [*AYUMI, "run", name.partition("-")[0], "--dir", self._at(name), "--migrate"]
        settings = environment(self._settings | {f"AYUMI_{room}": str(port)})
        with (self._folder / f"{name}.log").open("ab") as sink:
            self._processes[name] = subprocess.Popen(command, env=settings, stdout=sink, stderr=subprocess.STDOUT)

    def kill(self, name: str) -> None:
        """Kill a process, as a power cut would."""
        self._processes[name].kill()

    def restart(self, name: str) -> None:
        """Start again what was killed, once it is gone."""
        self._processes[name].wait(timeout=30)
        self.start(name)

    def close(self) -> None:
        """End all of them."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait(timeout=30)

    def _at(self, name: str) -> str:
        return str(self._folder / name)


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A ClickHouse server's HTTP interface over the embedded engine: its address."""
    command = [sys.executable, "-m", "tests.support.http_front", str(folder)]
    options = {**os.environ, "TZ": "UTC"}
    with subprocess.Popen(command, cwd=ROOT, env=options, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


@contextmanager
def apart(folder: Path, broker_address: str, zone: str) -> Iterator[Apart]:
    """The processes of a zone whose topics are made; not opened yet, and ended afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    with server(folder / "engine") as archive:
        made = Apart(
            folder,
            {
                "AYUMI_BROKER__BOOTSTRAP_SERVERS": broker_address,
                "AYUMI_ZONE__NAME": zone,
                "AYUMI_STORE__ARCHIVE_DSN": archive,
            },
        )
        try:
            yield made
        finally:
            made.close()
