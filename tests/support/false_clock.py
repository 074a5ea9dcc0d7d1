"""A wall clock that can be set for the processes that are started with it; that of the machine is left alone.

Debian's libfaketime 0.9.10 does not do: where it leaves monotonic time alone, `time.sleep` of Python 3.11 fails.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("false_clock.c")
_SECOND_NS = 1_000_000_000


class FalseClock:
    """The clock of every process that is started with `environment`. Needs a C compiler; makes files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock-offset"
        self._library = folder / "false-clock.so"
        self.offset_seconds = 0
        self._file.write_bytes(bytes(8))
        command = ["cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(self._library), str(_SOURCE)]
        subprocess.run(command, check=True)

    @property
    def environment(self) -> dict[str, str]:
        """What a process has to be started with."""
        return {"LD_PRELOAD": str(self._library), "FALSE_CLOCK_FILE": str(self._file)}

    def step(self, seconds: int) -> None:
        """Set the clock forward, or back: at once, in all of these processes."""
        self.offset_seconds += seconds
        with self._file.open("r+b", buffering=0) as file:  # in place: they have it mapped
            file.write((self.offset_seconds * _SECOND_NS).to_bytes(8, "little", signed=True))
