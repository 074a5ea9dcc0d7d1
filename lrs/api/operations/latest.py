"""The newest snapshot, handed from the thread that observes to those that show."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrs.api.operations.snapshot import Snapshot

# Whoever looks at a page looks for a while.
_WATCHED_SECONDS = 30.0


class Latest:
    """Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._snapshot: Snapshot | None = None
        self._watched_at = float("-inf")
        self._wanted_after = 0.0
        self._closed = False

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest; None before the first."""
        return self._snapshot

    @property
    def closed(self) -> bool:
        """Nothing more will come: whoever streams should end."""
        return self._closed

    @property
    def watched(self) -> bool:
        """Whether anybody looked within the last seconds."""
        return time.monotonic() - self._watched_at < _WATCHED_SECONDS

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for a newer look than there is."""
        return self._snapshot is None or self._snapshot.at < self._wanted_after

    def put(self, snapshot: Snapshot) -> None:
        """Show this from now on."""
        with self._changed:
            self._snapshot = snapshot
            self._changed.notify_all()

    def watch(self) -> None:
        """Somebody looks."""
        self._watched_at = time.monotonic()

    def newer_than(self, at: float, timeout_seconds: float) -> Snapshot | None:
        """A snapshot of a look after `at` (Unix seconds), or the newest when the time is over. Blocks."""
        self.watch()
        with self._changed:
            self._wanted_after = max(self._wanted_after, at)
            self._changed.wait_for(
                lambda: self._closed or (self._snapshot is not None and self._snapshot.at >= at), timeout_seconds
            )
            return self._snapshot

    def close(self) -> None:
        """Let go of whoever waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
