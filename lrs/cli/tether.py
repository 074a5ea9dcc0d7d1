"""Run a program that dies with the process that started it: `python tether.py PARENT PROGRAM ARGUMENT…`.

Started as a file of its own, with the standard library only, so that it costs some 20 ms. The kernel's parent-death
signal survives the exec; `preexec_fn` would do the same, but is not safe in a process that has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, program: list[str]) -> None:
    """Ask for SIGKILL at the parent's death, then become `program`. Does not return."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before the line above
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 - the program is chosen by the supervisor


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
