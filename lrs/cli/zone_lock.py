"""One supervisor a zone folder. The kernel drops the lock with its holder, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from lrs.kernel.errors import StopError
from lrs.kernel.zone_folder import ZoneFolder


@contextlib.contextmanager
def zone_lock(folder: ZoneFolder) -> Iterator[None]:
    """Hold `run/lock` of the folder. Raises `StopError` when another process holds it."""
    descriptor = os.open(folder.run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            raise StopError(
                f"a zone already runs on {folder.root} (process {holder or 'unknown'})",
                remedy="Stop it first, or use another folder.",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
