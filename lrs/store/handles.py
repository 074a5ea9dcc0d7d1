"""A fixed number of client handles, each thrown away after a failure.

A failed SELECT leaves its partial output on the embedded handle, and the next call's result begins with it: other
people's rows in an answer. So a handle that raised is never used again; a new one costs 7 ms.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING

from lrs.kernel.errors import RetryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clickhouse_connect.driver.client import Client

_CLOSE_SECONDS = 60.0


class Handles:
    """Lends handles one caller at a time; who came first is first. Thread-safe.

    In turn: otherwise a writer that comes again at once keeps everybody else waiting for as long as it goes on.
    """

    def __init__(self, connect: Callable[[], Client], count: int, wait_seconds: float | None) -> None:
        """At most `count` handles, made when first needed; a caller waits `wait_seconds` for one (None: for ever)."""
        self._connect = connect
        self._count = count
        self._wait_seconds = wait_seconds
        # The handle used last comes first, so that few stay warm; None stands for one not made yet.
        self._free: list[Client | None] = [None] * count
        self._waiting: deque[Future[Client | None]] = deque()
        self._lock = threading.Lock()
        self._closed = False

    @contextlib.contextmanager
    def borrow(self) -> Iterator[Client]:
        """A handle for one call. Raises `RetryError` when all are busy too long, or after `close`."""
        if self._closed:
            msg = "the store"
            raise RetryError(msg, "it is closed")
        try:
            handle = self._take(self._wait_seconds)
        except TimeoutError:
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
            self._give(handle)

    def warm(self) -> None:
        """Make one handle now, so that a store that cannot be reached is told at once."""
        with self.borrow():
            pass

    def close(self) -> None:
        """Close all, waiting for those lent."""
        self._closed = True
        for _ in range(self._count):
            with contextlib.suppress(TimeoutError):
                discard(self._take(_CLOSE_SECONDS))

    def _take(self, seconds: float | None) -> Client | None:
        """Raises `TimeoutError` when it is not our turn within so many seconds."""
        with self._lock:
            if self._free:
                return self._free.pop()
            turn: Future[Client | None] = Future()
            self._waiting.append(turn)
        try:
            return turn.result(seconds)
        except TimeoutError:
            with self._lock:
                if not turn.done():
                    self._waiting.remove(turn)
                    raise
            return turn.result()

    def _give(self, handle: Client | None) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set_result(handle)
            else:
                self._free.append(handle)


def discard(handle: Client | None) -> None:
    """Close a handle whatever state it is in."""
    if handle is not None:
        with contextlib.suppress(Exception):
            handle.close()
