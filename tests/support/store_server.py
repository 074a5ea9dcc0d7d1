"""A server of the store as a process of its own, to be killed and started again on the same data and port."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[2]


class StoreServer:
    """The HTTP front of an embedded engine; a context manager."""

    def __init__(self, folder: Path, port: int) -> None:
        self._command = [sys.executable, "-m", "tests.support.http_front", str(folder), str(port)]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Return when it answers."""
        environment = {**os.environ, "TZ": "UTC"}
        self._process = subprocess.Popen(self._command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip(), "the store did not start"

    def kill(self) -> None:
        """With SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
