"""Statements that the gateway has read and the recorder of the same process will read again, a moment later.

Reading is a function of the statement's bytes and its version, so what was read once need not be read twice: 35 of the
130 µs that a statement of a batch over HTTP costs the process. Only a cache: whatever is not in it is read.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lrs.kernel.statements import Statement, XapiVersion

_MIB = 1024 * 1024
# What was not asked for by then was not put on the log.
_STALE_SECONDS = 60.0


class _Held(NamedTuple):
    version: XapiVersion
    statement: Statement
    since: float


class Handover:
    """For one giver and one taker, each in its own thread."""

    def __init__(self, max_bytes: int = 32 * _MIB) -> None:
        """`max_bytes` of statements are held at most, for what else is in memory of one about as much again."""
        self._max_bytes = max_bytes
        self._bytes = 0
        self._held: dict[bytes, _Held] = {}
        self._lock = threading.Lock()

    def give(self, statement_id: bytes, version: XapiVersion, statement: Statement) -> None:
        """Hold a valid statement, unless there is no room: those before it are asked for first."""
        now = time.monotonic()
        with self._lock:
            self._drop_stale(now)
            if statement_id not in self._held and self._bytes + len(statement.raw) <= self._max_bytes:
                self._held[statement_id] = _Held(version, statement, now)
                self._bytes += len(statement.raw)

    def take(self, statement_id: bytes, version: XapiVersion, raw: bytes) -> Statement | None:
        """The statement that `raw` was read as, if it was; it is no longer held then."""
        with self._lock:
            held = self._held.get(statement_id)
            if held is None or held.version is not version or held.statement.raw != raw:
                return None
            del self._held[statement_id]
            self._bytes -= len(raw)
            return held.statement

    def _drop_stale(self, now: float) -> None:
        while self._held:
            oldest = next(iter(self._held))
            if now - self._held[oldest].since < _STALE_SECONDS:
                return
            self._bytes -= len(self._held.pop(oldest).statement.raw)
