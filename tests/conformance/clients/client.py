"""A public client library in a process of its own, told line by line what to do."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.conformance.clients.install import JAVASCRIPT, installed
from tests.conformance.lrs import Zone

DRIVERS = Path(__file__).parent / "drivers"


class Library(NamedTuple):
    """A client library: the environment that it is installed in, its driver, and what it can do."""

    environment: str
    driver: str
    versions: tuple[str, ...] = ("1.0.3",)
    reads: bool = True
    """One statement by its id."""
    attaches: bool = False
    """Files, and not only what is declared of them."""
    documents: bool = True
    makes_profiles: bool = False
    """With If-None-Match, as xAPI 1.0.3 demands."""


LIBRARIES = {
    "tincanjs": Library(JAVASCRIPT, "tincan.cjs", ("1.0.2",), attaches=True, makes_profiles=True),
    "@xapi/xapi": Library(JAVASCRIPT, "xapi.cjs", ("1.0.3", "2.0.0"), attaches=True, makes_profiles=True),
    "tincan": Library("tincan", "tincan_driver.py"),
    "edx-tincan-py35": Library("edx-tincan-py35", "tincan_driver.py", ("1.0.1",)),
    "ralph-malph": Library("ralph-malph", "ralph_driver.py", ("1.0.3", "2.0.0"), reads=False, documents=False),
}


class RefusedError(Exception):
    """The library says that the record store refused."""

    def __init__(self, status: int | None, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text


class Client:
    """A library that runs."""

    def __init__(self, library: Library, process: subprocess.Popen[str]) -> None:
        self.library = library
        self._process = process

    def __call__(self, action: str, **given: Any) -> Any:  # noqa: ANN401 - what the library says, as JSON
        """Do one thing; raises `RefusedError`."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"action": action, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the driver {self.library.driver} ended"
        said = json.loads(line)
        if "error" in said:
            raise RefusedError(said["status"], said["error"])
        return said["result"]


@contextmanager
def client(library: Library, zone: Zone, version: str) -> Iterator[Client]:
    """The library as an app of the zone."""
    folder = installed(library.environment)
    program = "node" if library.environment == JAVASCRIPT else str(folder / "bin" / "python")
    command = [program, str(DRIVERS / library.driver), f"{zone.url}/xAPI", *zone.drill, version]
    environment = {**os.environ, "NODE_PATH": str(folder / "node_modules"), "NODE_NO_WARNINGS": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield Client(library, process)
        finally:
            process.kill()
