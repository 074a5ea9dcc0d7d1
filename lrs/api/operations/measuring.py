"""From two looks to a rate, a pace, a quantile, a forecast. Pure: no clock, no I/O."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lrs.api.operations.snapshot import Freshness, Lag, Pace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# A consumer that takes what comes holds some of it at any moment: a batch, and what it commits once a second or three.
_KEEPING_UP_SECONDS = 5.0
_STOPPED_SECONDS = 60.0
_HANDFUL = 20
# What writes and tidies up in turns looks like growth for a while.
MEASURED_LEAST_SECONDS = 600.0
_DAY_SECONDS = 86_400.0


def rate(before: float, now: float, seconds: float) -> float:
    """How much it grew a second; 0 where it did not, or where it began anew."""
    return max(0.0, now - before) / seconds if seconds > 0 else 0.0


def pace(then: int, now: int, taken: int, seconds: float, per_second: float, *, lost: int = 0) -> Lag:  # noqa: PLR0913
    """`then` records waited `seconds` ago, `now` records do; `taken` were taken in between, and `per_second` of late.

    The time to catch up is what waits, divided by how fast it became less.
    """
    if lost:
        return Lag(now, per_second, Pace.LOST, None, lost)
    if now == 0 or (taken and now <= max(per_second * _KEEPING_UP_SECONDS, _HANDFUL)):
        return Lag(now, per_second, Pace.CAUGHT_UP, 0.0)
    if not taken:
        return Lag(now, 0.0, Pace.STOPPED if then and seconds >= _STOPPED_SECONDS else Pace.WAITING, None)
    shrinking = rate(now, then, seconds)
    if shrinking > 0:
        return Lag(now, per_second, Pace.CATCHING_UP, now / shrinking)
    return Lag(now, per_second, Pace.FALLING_BEHIND, None)


def freshness(before: Mapping[float, float], now: Mapping[float, float], seconds: float) -> Freshness | None:
    """Median and 95th percentile of what a cumulative histogram gained between two looks; None: nothing.

    Within a bucket values are taken as spread evenly, as Prometheus does; above the last bound it is that bound.
    """
    gained = [(bound, now[bound] - before.get(bound, 0.0)) for bound in sorted(now)]
    if any(count < 0 for _, count in gained):  # the process began anew
        gained = sorted(now.items())
    batches = gained[-1][1] if gained else 0.0
    if batches <= 0:
        return None
    return Freshness(_quantile(gained, 0.5), _quantile(gained, 0.95), round(batches), seconds)


def _quantile(gained: Sequence[tuple[float, float]], share: float) -> float:
    wanted = gained[-1][1] * share
    low, below = 0.0, 0.0
    for bound, count in gained:
        if count >= wanted:
            if math.isinf(bound):
                break
            return low + (bound - low) * (wanted - below) / (count - below)
        low, below = bound, count
    return low


def days_left(marks: Sequence[tuple[float, int]], now: tuple[float, int]) -> tuple[float | None, float | None, float]:
    """(bytes a day, days until nothing is free, seconds measured) from (Unix seconds, bytes free), oldest first.

    A straight line from the oldest to `now`. None: measured too short; days None: it does not grow.
    """
    seconds = now[0] - marks[0][0] if marks else 0.0
    if seconds < MEASURED_LEAST_SECONDS:
        return None, None, seconds
    growth = (marks[0][1] - now[1]) / seconds * _DAY_SECONDS
    return growth, (now[1] / growth if growth > 0 else None), seconds
