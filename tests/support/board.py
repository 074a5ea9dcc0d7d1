"""A running board for tests over HTTP and in a browser."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHECKOUT = Path(__file__).resolve().parents[2]
_STOP_SECONDS = 20.0


class BoardFailedError(Exception):
    """The board did not start; its own words."""


@dataclass(frozen=True, slots=True)
class ServedBoard:
    """Where a board is reached, and how to put facts behind it."""

    url: str
    root: Path
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.url.rpartition(":")[2])

    @property
    def token(self) -> str:
        """The operator's."""
        return (self.root / "keys" / "operator.token").read_text("ascii")

    def log(self) -> str:
        """All that it has logged."""
        return (self.root / "board.log").read_text("utf-8")

    def load(self, *, shift: int = 0, **arguments: int) -> None:
        """Load `made_activities(**arguments)`; `shift` moves their offsets behind those loaded before."""
        self._order({"load": arguments, "shift": shift})

    def load_small_day(self) -> None:
        """Load `small_day()`, behind what was loaded before."""
        self._order({"small_day": True, "shift": 1_000_000})

    def command(self, sql: str) -> None:
        """Change the store behind its back."""
        self._order({"sql": sql})

    def _order(self, order: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        assert _heard(self.process) == {"done": True}, self.log()


@contextmanager
def served_board(root: Path, *, port: int = 0, min_learners: int = 10) -> Iterator[ServedBoard]:
    """An empty board on loopback, on a free port unless one is named. Raises `BoardFailedError`."""
    root.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.support.board_process", str(root), str(port), str(min_learners)]
    with (
        (root / "board.log").open("w") as log,
        subprocess.Popen(
            command, cwd=_CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            told = _heard(process)
            if "port" not in told:
                raise BoardFailedError(told.get("error") or (root / "board.log").read_text("utf-8"))
            yield ServedBoard(f"http://127.0.0.1:{told['port']}", root, process)
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(_STOP_SECONDS) == 0, (root / "board.log").read_text("utf-8")
        finally:
            process.kill()


def _heard(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    told: dict[str, Any] = json.loads(line) if line else {}
    return told
