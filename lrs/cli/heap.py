"""How the C library's allocator shares memory among threads: set before the first thread is made."""

from __future__ import annotations

import ctypes
import platform

_ARENAS = 2
_M_ARENA_MAX = -8


def bound_heap() -> None:
    """Let threads share two heaps of the C library, where it is glibc's.

    By default each of up to 8 a core gets one of its own, which keeps what its busiest moment took. Measured with the
    record store at 2,000 statements/s: 430 MiB of its own memory after three minutes instead of 500. The embedded
    engine has an allocator of its own, with a cap (`AYUMI_STORE__MAX_MEMORY_MB`).
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
