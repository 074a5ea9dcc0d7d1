"""What the accountant found last, for whoever shows it: another part of the same process, in another thread."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from lrs.api.operations.observation import Verdict

if TYPE_CHECKING:
    from lrs.cli.gap_watch import GapWatch, Look


class Verdicts:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: Verdict | None = None

    @property
    def newest(self) -> Verdict | None:
        """None before the first look."""
        with self._lock:
            return self._newest

    def found(self, look: Look, watch: GapWatch) -> None:
        """A look was taken; `watch` has taken it already."""
        sums = look.balance()
        with self._lock:
            self._newest = Verdict(time.time(), sums, tuple(watch.gaps), watch.unsure)
