"""How far the archive is behind the log; when it is too far, the gateway takes nothing more until it has caught up.

The log itself would hold more. But reads wait for the archive, ids that are not archived yet are kept in memory, and a
disk has an end: an app that hears of it and sends later is better off than one that hears nothing.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

from lrs.kernel import metrics
from lrs.kernel.errors import RetryError
from lrs.kernel.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lrs.kernel.progress import Progress
    from lrs.kernel.publishing import Publisher

_EVERY_SECONDS = 1.0
# Refusing ends when so much of the limit is left: else it would begin and end with every measurement.
_RESUME_AT = 0.75
_SMOOTHING = 0.3
_LONGEST_WAIT = 300
_STANDSTILL_SECONDS = 30  # what to advise while the archive does not move at all
_log = get_logger("gateway")


class Backlog:
    """Belongs to one event loop."""

    def __init__(
        self,
        publisher: Publisher,
        progress: Progress,
        *,
        max_statements: int,
        max_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._publisher = publisher
        self._progress = progress
        self._limits = max_statements, max_seconds
        self._clock = clock
        self._ends: Mapping[int, int] = {}
        self._archived: dict[int, int] = {}
        self._measured_at: float | None = None
        self._rate = 0.0
        self._taken = 0
        self._refusing = False
        self.statements = 0
        """On the log and not archived, as of the last measurement."""
        self.seconds = 0.0
        """How old the oldest of them is."""

    async def watch(self) -> None:
        """Measure every second, for ever."""
        while True:
            await self.measure()
            await asyncio.sleep(_EVERY_SECONDS)

    async def measure(self) -> None:
        """Ask the log for its ends and compare; while the broker is away, with those that it last told."""
        taken = self._taken
        try:
            self._ends = await self._publisher.log_ends()
        except RetryError:
            return
        # What was taken while we asked may or may not be in the answer: counted twice for a second at most.
        self._taken -= taken
        before = sum(self._archived.values())
        known = self._archived
        self._archived = known | {p: max(at, known.get(p, 0)) for p, at in self._progress.positions().items()}
        if not self._ends.keys() <= self._archived.keys():
            return  # the recorder has not told of every partition yet: the gateway takes nothing in until then
        self._measure_rate(sum(self._archived.values()) - before)
        self.statements = sum(max(0, end - self._archived[partition]) for partition, end in self._ends.items())
        through = self._progress.consistent_through_ms() / 1000
        self.seconds = max(0.0, self._clock() - through) if self.statements and through else 0.0
        metrics.GATEWAY_BACKLOG_STATEMENTS.set(self.statements)
        metrics.GATEWAY_BACKLOG_SECONDS.set(self.seconds)
        self._decide()

    def check(self) -> None:
        """Raise a `RetryError` that says when to come again, while the archive is too far behind."""
        if not self._refusing and self.statements + self._taken <= self._limits[0]:
            return
        self._refusing = True
        behind = f"it is {self.statements + self._taken:,} statements and {self.seconds:,.0f} s behind the log"
        raise RetryError("the archive", behind, after_seconds=self.wait_seconds())

    def take(self, statements: int) -> None:
        """So many were put on the log since."""
        self._taken += statements

    def wait_seconds(self) -> int:
        """How long it takes, at the rate of the last seconds, until statements are taken again."""
        if self._rate < 1:
            return _STANDSTILL_SECONDS
        most, seconds = self._limits
        above = self.statements + self._taken - _RESUME_AT * most
        if self.seconds > _RESUME_AT * seconds:
            above = max(above, self.statements * (1 - _RESUME_AT * seconds / self.seconds))
        return min(_LONGEST_WAIT, max(1, math.ceil(above / self._rate)))

    def _measure_rate(self, archived: int) -> None:
        now = self._clock()
        if self._measured_at is not None and now > self._measured_at:
            rate = archived / (now - self._measured_at)
            self._rate = rate if not self._rate else _SMOOTHING * rate + (1 - _SMOOTHING) * self._rate
        self._measured_at = now

    def _decide(self) -> None:
        share = _RESUME_AT if self._refusing else 1.0
        most, seconds = self._limits
        refusing = self.statements > share * most or self.seconds > share * seconds
        if refusing != self._refusing:
            _log.warning(
                "backlog_too_large" if refusing else "backlog_worked_off",
                statements=self.statements,
                seconds=round(self.seconds, 1),
            )
        self._refusing = refusing
