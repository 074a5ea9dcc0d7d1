"""The `ayumi` program as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.support.waiting import eventually

AYUMI = [sys.executable, "-P", "-m", "lrs.cli"]


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without any setting of Ayumi, and `settings`."""
    return {key: value for key, value in os.environ.items() if not key.startswith("AYUMI_")} | dict(settings or {})


def ayumi(
    *words: str, settings: Mapping[str, str] | None = None, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*AYUMI, *words], env=environment(settings), capture_output=True, text=True, timeout=seconds, check=False
    )


class RunningZone:
    """`ayumi up` on a folder."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process

    @property
    def state(self) -> dict[str, Any]:
        """What run/zone.json says; empty when there is none."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "run" / "zone.json").read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def child(self, name: str) -> dict[str, Any]:
        """The entry of one child."""
        found: dict[str, Any] = next(child for child in self.state["children"] if child["name"] == name)
        return found

    @property
    def is_ready(self) -> bool:
        """Whether every child is ready."""
        children = self.state.get("children", [])
        return len(children) > 2 and all(child["state"] == "ready" for child in children)

    async def ready(self) -> None:
        """Wait until every child is ready, or fail with the logs when the zone ended."""
        await eventually(lambda: self.is_ready or self.process.poll() is not None, seconds=120)
        assert self.process.poll() is None, (self.folder.parent / "up.log").read_text("utf-8")

    def processes(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]


@contextmanager
def up(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[RunningZone]:
    """Start `ayumi up` on free ports; killed at the end if it still runs. Its log is `up.log` beside the folder."""
    with (folder.parent / "up.log").open("wb") as sink:
        process = subprocess.Popen(
            [*AYUMI, "up", str(folder), "--free-ports"],
            env=environment(settings),
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        yield RunningZone(folder, process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=20)
