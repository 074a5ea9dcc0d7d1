"""A fixed number of client handles, each thrown away after a failure.

A failed SELECT leaves its partial output on the embedded handle, and the next call's result begins with it: other
people's rows in an answer. So a handle that raised is never used again; a new one costs 7 ms.
"""

from __future__ import annotations

import contextlib
import queue
from typing import TYPE_CHECKING

from lrs.kernel.errors import RetryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clickhouse_connect.driver.client import Client

_CLOSE_SECONDS = 60.0


class Handles:
    """Lends handles one caller at a time. Thread-safe."""

    def __init__(self, connect: Callable[[], Client], count: int, wait_seconds: float | None) -> None:
        """At most `count` handles, made when first needed; a caller waits `wait_seconds` for one (None: for ever)."""
        self._connect = connect
        self._count = count
        self._wait_seconds = wait_seconds
        # The handle used last comes first, so that few stay warm; None stands for one not made yet.
        self._free: queue.LifoQueue[Client | None] = queue.LifoQueue()
        for _ in range(count):
            self._free.put(None)
        self._closed = False

    @contextlib.contextmanager
    def borrow(self) -> Iterator[Client]:
        """A handle for one call. Raises `RetryError` when all are busy too long, or after `close`."""
        if self._closed:
            msg = "the store"
            raise RetryError(msg, "it is closed")
        try:
            handle = self._free.get(timeout=self._wait_seconds)
        except queue.Empty:
            msg = "the store"
            raise RetryError(msg, "all handles are busy") from None
        try:
            if handle is None:
                handle = self._connect()
            yield handle
        except BaseException:
            discard(handle)
            handle = None
            raise
        finally:
            self._free.put(handle)

    def warm(self) -> None:
        """Make one handle now, so that a store that cannot be reached is told at once."""
        with self.borrow():
            pass

    def close(self) -> None:
        """Close all, waiting for those lent."""
        self._closed = True
        for _ in range(self._count):
            with contextlib.suppress(queue.Empty):
                discard(self._free.get(timeout=_CLOSE_SECONDS))


def discard(handle: Client | None) -> None:
    """Close a handle whatever state it is in."""
    if handle is not None:
        with contextlib.suppress(Exception):
            handle.close()
