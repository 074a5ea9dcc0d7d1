"""How many connections may be open, and how long each may wait for its client."""

from __future__ import annotations

import asyncio
import resource
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from lrs.kernel.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

_BODY_SECONDS = 60.0  # from the last header to the last byte of the body
_LEAVING_SECONDS = 2.0  # from the last answer to the end of what the client is still sending
_STUCK_SECONDS = 60.0  # how long a client may leave an answer unread
_SWEEP_SECONDS = 1.0
_OTHER_FILES = 1000  # descriptors that are not of connections: stores, broker, libraries
_log = get_logger("gateway")


class Phase(Enum):
    """What a connection waits for."""

    IDLE = 0
    HEAD = 1
    BODY = 2
    LEAVING = 3


class Patient(Protocol):
    """A connection, as far as its patience is concerned."""

    phase: Phase

    def leave(self) -> None:
        """Close it: others need the place. What is written is still sent."""
        ...

    def expire(self) -> None:
        """Close it: its client takes too long."""
        ...


class Waiting:
    """Connections that wait for their client, in the order in which they began to; and those whose client is stuck."""

    def __init__(
        self, most: int, *, header_seconds: float, idle_seconds: float, body_seconds: float = _BODY_SECONDS
    ) -> None:
        self._most = min(most, _descriptors(most + _OTHER_FILES) - _OTHER_FILES)
        self._seconds = {
            Phase.IDLE: idle_seconds,
            Phase.HEAD: header_seconds,
            Phase.BODY: body_seconds,
            Phase.LEAVING: _LEAVING_SECONDS,
        }
        self._open = 0
        self.since: dict[Patient, float] = {}
        """When each began to wait for a request, for the rest of its head, or of its body."""
        self.stuck: dict[Patient, float] = {}
        """When each client stopped to read."""

    def opened(self, connection: Patient, now: float) -> None:
        """One more; beyond the limit the one that waits longest is closed."""
        self._open += 1
        self.since[connection] = now
        if self._open > self._most:
            oldest = next(iter(self.since))
            del self.since[oldest]
            oldest.leave()

    def closed(self, connection: Patient) -> None:
        """One less."""
        self._open -= 1
        self.since.pop(connection, None)
        self.stuck.pop(connection, None)

    async def sweep(self) -> None:
        """Close what waits too long, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            late = list(self._late(loop.time()))
            for connection in late:
                connection.expire()
            if late:
                _log.info("connections_closed", late=len(late), open=self._open)

    def _late(self, now: float) -> Iterator[Patient]:
        for connection, since in self.since.items():
            if now - since > self._seconds[connection.phase]:
                yield connection
        for connection, since in self.stuck.items():
            if now - since > _STUCK_SECONDS:
                yield connection


def _descriptors(wanted: int) -> int:
    """How many files this process may have open, after asking for `wanted`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return wanted if soft == resource.RLIM_INFINITY else soft
