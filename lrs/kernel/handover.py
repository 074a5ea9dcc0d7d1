"""Statements that the gateway has read and the recorder of the same process will read again, a moment later.

Reading is a function of a record's bytes, so what was read once need not be read twice: 35 of the 130 µs that a
statement of a batch over HTTP costs the process. Only a cache: whatever is not in it is read.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrs.kernel.records import Origin
    from lrs.kernel.statements import Statement

_MIB = 1024 * 1024
# What was not asked for by then was not put on the log.
_STALE_SECONDS = 30.0


class Known(NamedTuple):
    """A record of `received`: its `value`, what is encoded in it, and its statement as it was read."""

    value: bytes
    statement_id: bytes
    origin: Origin
    statement: Statement


class _Generation:
    """What was given in the same half minute; it is dropped as a whole, so that nothing has to look for what is old."""

    def __init__(self) -> None:
        self.held: dict[bytes, Known] = {}
        self.given_bytes = 0
        self.taken_bytes = 0

    @property
    def size(self) -> int:
        return self.given_bytes - self.taken_bytes


class Handover:
    """For one giver and one taker, each in its own thread. Each counts for itself, so neither waits for the other."""

    def __init__(self, max_bytes: int = 32 * _MIB) -> None:
        """`max_bytes` of values are held at most, for what else is in memory of one about as much again."""
        self._max_bytes = max_bytes
        self._older, self._newer = _Generation(), _Generation()
        self._since = time.monotonic()

    def give(self, many: Sequence[Known]) -> None:
        """Hold valid statements, unless there is no room for them: those before them are asked for first."""
        now = time.monotonic()
        if now - self._since > _STALE_SECONDS:
            self._older, self._newer, self._since = self._newer, _Generation(), now
        size = sum(len(one.value) for one in many)
        if self._older.size + self._newer.size + size <= self._max_bytes:
            self._newer.given_bytes += size
            self._newer.held.update((one.statement_id, one) for one in many)

    def take(self, statement_id: bytes, value: bytes) -> Known | None:
        """What the record `value` was encoded from, if it was given; it is no longer held then."""
        for generation in (self._older, self._newer):
            known = generation.held.get(statement_id)
            if known is not None and known.value == value:
                del generation.held[statement_id]
                generation.taken_bytes += len(value)
                return known
        return None
