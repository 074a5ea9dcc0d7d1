"""One run of the public suite as a child process: progress, a hard end, and what it found."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LOG = re.compile(r"Full run log written to (.*)").match
# How long the suite may take to write down what it has, once it was told to stop.
_GRACE_SECONDS = 10.0

LEAST_TESTS = {"1.0.3": 1365, "2.0.0": 1442}
"""How many tests the whole suite has at least, by version: a run of fewer has not seen all of it."""


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """What one run found: the names of the tests that did not pass, each with its error; and what it had to be.

    `least`: the tests there must be. `within`: the seconds it may take; 0: as long as it likes.
    """

    version: str
    total: int
    passed: int
    seconds: float
    ended: bool
    failures: tuple[tuple[str, str], ...]
    least: int = 1
    within: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether there were enough tests, all passed, and the suite came to its end by itself and in time."""
        return self.passed == self.total and not self._wrong()

    def _wrong(self) -> list[str]:
        """What is wrong beside failed tests."""
        found = {
            "ended by the time limit": not self.ended,
            f"there must be {self.least} tests": self.total < self.least,
            f"slower than {self.within:g} s": 0 < self.within < self.seconds,
        }
        return [why for why, is_so in found.items() if is_so]

    def report(self) -> str:
        """The failures, and the summary."""
        failed = [f"  failed: {name}\n          {error}" for name, error in self.failures]
        return "\n".join([*failed, self.summary()])

    def summary(self) -> str:
        """One line."""
        passed = f"xAPI {self.version}: {self.passed} of {self.total} passed in {self.seconds:.1f} s"
        return ", ".join([passed, *self._wrong()])


def run_suite(
    suite: Path,
    url: str,
    user: tuple[str, str],
    version: str,
    *,
    grep: str = "",
    seconds: float = 900.0,
    least: int = 1,
    within: float = 0.0,
) -> SuiteRun:
    """Run the suite in its own folder against the record store at `url`, and end it after `seconds`.

    For `least` and `within` see `SuiteRun`.
    """
    command = ["node", "bin/console_runner.js", "-e", url, "-a", "-u", user[0], "-p", user[1], "-x", version]
    command += ["-g", grep] if grep else []
    began = time.monotonic()
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=suite,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env={**os.environ, "NODE_NO_WARNINGS": "1"},
    ) as process:
        late = threading.Event()
        watch = threading.Timer(seconds, _end, (process, late))
        watch.start()
        try:
            lines.extend(_followed(process))
        finally:
            watch.cancel()
            _kill(process)
    summary = next((found for line in reversed(lines) if (found := _summary(line))), {})
    failures = tuple(_failures(lines))
    took = time.monotonic() - began
    counts = (summary.get("total") or 0, summary.get("passed") or 0)
    ended = not late.is_set()
    return SuiteRun(version, *counts, took, ended=ended, failures=failures, least=least, within=within)


def _followed(process: subprocess.Popen[str]) -> Iterator[str]:
    """Every line, with one line of progress rewritten in place on a terminal."""
    assert process.stdout is not None
    shown = sys.stdout if sys.stdout.isatty() else None
    for line in process.stdout:
        found = _summary(line)
        if shown and found.get("total"):
            shown.write(f"\r{found['passed']} passed, {found['failed']} failed of {found['total']} ")
            shown.flush()
        yield line
    if shown:
        shown.write("\r")


def _end(process: subprocess.Popen[str], late: threading.Event) -> None:
    """Ask it to stop, whereupon it writes down what it has; then end it."""
    late.set()
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    """It has a child of its own, which runs the tests."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _summary(line: str) -> dict[str, Any]:
    """The counts in a line of output, empty if there are none."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and "passed" in found else {}


def _failures(lines: list[str]) -> Iterator[tuple[str, str]]:
    """What did not pass, from the log that the suite writes at its end."""
    for line in lines:
        if written := _LOG(line):
            log = Path(written[1])
            found = json.loads(log.read_text("utf-8"))
            log.unlink()
            yield from _failed(found.get("log") or {}, ())


def _failed(node: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    names = (*above, " ".join(node.get("title", "").split()))
    below = node.get("tests", [])
    for inner in below:
        yield from _failed(inner, names)
    if not below and node.get("status") not in {"passed", None}:
        name = " > ".join(filter(None, names)) or "what comes before the first test"
        yield name, str(node.get("error") or node.get("status") or "did not end")
