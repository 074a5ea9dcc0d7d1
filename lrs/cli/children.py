"""Child processes: each in a session of its own, tethered to this process, with its output in a file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")
_POLL_SECONDS = 0.05


def spawn(
    command: Sequence[str], *, output: Path, environment: Mapping[str, str] | None = None, append: bool = False
) -> subprocess.Popen[bytes]:
    """Start `command` (its first word is an absolute path) so that it cannot outlive this process.

    A session of its own keeps the terminal's Ctrl-C from the child: the supervisor decides who stops when.
    """
    tethered = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *command]
    with output.open("ab" if append else "wb") as sink:
        return subprocess.Popen(  # noqa: S603 - our own programs
            tethered,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            start_new_session=True,
        )


async def exited(process: subprocess.Popen[bytes], timeout_seconds: float) -> bool:
    """Wait until the process has ended; False when it still runs after `timeout_seconds`."""
    deadline = time.monotonic() + timeout_seconds
    while process.poll() is None:
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True


async def end(process: subprocess.Popen[bytes], grace_seconds: float) -> bool:
    """Ask the process to stop, and kill it after `grace_seconds`. True when it stopped by itself."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    if await exited(process, grace_seconds):
        return True
    process.kill()
    process.wait()
    return False
