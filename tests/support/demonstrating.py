"""`ayumi demo --once --json` as a user runs it: watched from outside, by what it prints, starts and leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from lrs.cli.probing import fetch
from tests.support.ayumi import RunningZone

COUNTS = (
    "sent",
    "rejected",
    "repeated",
    "received",
    "archived",
    "refused",
    "duplicate",
    "published",
    "withheld",
    "loaded",
    "retracted",
)
# More than the demo gives itself to settle, so that it says itself what is missing.
_SECONDS = 450.0
_LOOK_SECONDS = 0.5
_ASK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Ended:
    """How a demo ended: its exit code, what it printed and said, and what of its processes and files is left."""

    code: int
    printed: str
    said: str
    commands: list[str]
    folders: set[str]
    left: list[str]
    restarts: dict[str, int]

    @property
    def report(self) -> dict[str, Any]:
        """The one line of JSON. Fails when something else was printed."""
        [line] = self.printed.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    def flaws(self) -> list[str]:
        """What keeps it from having proved that all arrived, kinds of statement that did not occur, wrong sums."""
        if self.code:
            return [f"exit code {self.code}", self.printed, self.said]
        report = self.report
        found = [*report["differences"], *(f"{name} is {report[name]}" for name in COUNTS if report[name] <= 0)]
        if not report["balanced"]:
            found.append("it is not balanced")
        sums = {
            "sent": report["rejected"] + report["repeated"] + report["received"],
            "received": report["archived"] + report["refused"] + report["duplicate"],
            "archived": report["published"] + report["withheld"],
            "loaded": report["published"],
            "refused": sum(report["refused_by_reason"].values()),
            "withheld": sum(report["withheld_by_reason"].values()),
        }
        return [*found, *(f"{name} is {report[name]}, not {due}" for name, due in sums.items() if report[name] != due)]


class Demonstration:
    """A running demo whose temporary files lie in `room`."""

    def __init__(self, room: Path, process: subprocess.Popen[bytes]) -> None:
        self._room = room
        self._process = process
        self._seen: dict[int, str] = {}
        self._folders: set[str] = set()
        self._restarts: dict[str, int] = {}

    async def loaded(self, rows: int, seconds: float = 200.0) -> int:
        """Wait until the zone has written at least `rows` facts; how many it has."""
        deadline = time.monotonic() + seconds
        while (found := await self._loaded()) < rows:
            assert self._process.poll() is None, self._said()
            assert time.monotonic() < deadline, f"not within {seconds} s: {self._said()}"
            await asyncio.sleep(_ASK_SECONDS)
        return found

    def child(self, name: str) -> dict[str, Any]:
        """The entry of one of the zone's processes. Fails when there is no zone any more."""
        assert self._process.poll() is None, self._said()
        found: dict[str, Any] = next(child for child in self._state()["children"] if child["name"] == name)
        return found

    async def ended(self) -> Ended:
        """Wait until it has ended."""
        deadline = time.monotonic() + _SECONDS
        while self._process.poll() is None:
            assert time.monotonic() < deadline, f"not within {_SECONDS} s: {self._said()}"
            self._look()
            await asyncio.sleep(_LOOK_SECONDS)
        left = [f"file {path.name}" for path in (self._room / "tmp").iterdir()]
        left += [f"process {command}" for command in self._processes().values()]
        printed = (self._room / "printed").read_text("utf-8")
        commands = list(self._seen.values())
        return Ended(
            self._process.returncode, printed, self._said(), commands, self._folders, left, dict(self._restarts)
        )

    def _look(self) -> None:
        """Remember what is there now."""
        self._folders |= {path.name for path in (self._room / "tmp").iterdir()}
        self._restarts |= {child["name"]: child["restarts"] for child in self._state().get("children", ())}
        self._seen |= self._processes()

    async def _loaded(self) -> int:
        with contextlib.suppress(OSError, TimeoutError, KeyError):
            _, body = await fetch(f"{self._state()['addresses']['store']}/metrics")
            lines = [line for line in body.decode().splitlines() if line.startswith("ayumi_loader_rows_total{")]
            return int(sum(float(line.rpartition(" ")[2]) for line in lines))
        return 0

    def _state(self) -> dict[str, Any]:
        """What run/zone.json of its zone says; empty before the zone is there, and when it has stopped."""
        found = next(self._room.glob("tmp/ayumi-demo-*/run/zone.json"), None)
        return RunningZone(found.parents[1], self._process).state if found else {}

    def _processes(self) -> dict[int, str]:
        """Whatever the demo started, however far from it: all of them inherit where temporary files go."""
        found = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("TMPDIR") == str(self._room / "tmp"):
                    found[process.pid] = " ".join(process.cmdline())
        return found

    def _said(self) -> str:
        return (self._room / "said").read_text("utf-8", "replace")


@contextmanager
def demonstration(
    room: Path, program: Sequence[str], *options: str, environment: Mapping[str, str]
) -> Iterator[Demonstration]:
    """Start `program demo --once --json` in the empty folder `room`; killed at the end if it still runs."""
    (room / "tmp").mkdir()
    with (room / "printed").open("wb") as printed, (room / "said").open("wb") as said:
        process = subprocess.Popen(
            [*program, "demo", "--once", "--json", *options],
            cwd=room,
            env={**environment, "TMPDIR": str(room / "tmp")},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=said,
        )
    try:
        yield Demonstration(room, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=20)
