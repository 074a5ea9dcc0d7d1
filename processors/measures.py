"""What a statement's result and timestamp say in numbers: minute, score, duration."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processors.statement_shape import Score

_MINUTE_MS = 60_000
_CACHED = 16_384
_LONGEST_DURATION = 100
_LONGEST_TIMESTAMP = 64
# What the facts can hold; a device that reports year 1 has no clock, and then the time of storing is the better guess.
_EARLIEST_MS = 0
_LATEST_MS = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp() * 1000)

_NUMBER = r"(\d{1,15}(?:[.,]\d{1,15})?)"
_DURATION = re.compile(
    rf"P(?:{_NUMBER}W|(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}D)?(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?)"
)
# A year of 365 and a month of 30 days: ISO 8601 leaves them open, and no drill takes that long.
_UNITS = (604_800.0, 31_536_000.0, 2_592_000.0, 86_400.0, 3_600.0, 60.0, 1.0)


def occurred_at_ms(timestamp: str | None, stored_at_ms: int) -> int:
    """The statement's timestamp, or else the time of storing, cut to the minute (milliseconds since 1970 UTC)."""
    at_ms = None
    if timestamp is not None and len(timestamp) <= _LONGEST_TIMESTAMP:
        at_ms = _minute_ms(_to_the_minute(timestamp))
    return at_ms if at_ms is not None else stored_at_ms - stored_at_ms % _MINUTE_MS


def _to_the_minute(timestamp: str) -> str:
    """Without seconds where that is plain: 2026-05-01T09:30:12.345+09:00; those of one lesson share their minutes."""
    if timestamp[13:14] == ":" and timestamp[16:17] == ":":
        if timestamp[-1] == "Z":
            return timestamp[:16] + "Z"
        if timestamp[-6] in "+-" and timestamp[-3] == ":":
            return timestamp[:16] + timestamp[-6:]
    return timestamp


def score_scaled(score: Score | None) -> float | None:
    """The score from 0 to 1: recomputed where raw and max are given, because senders round `scaled`; else `scaled`."""
    if score is None:
        return None
    if score.raw is not None and score.max is not None:
        low = score.min or 0.0
        if score.max > low:
            return min(1.0, max(0.0, (score.raw - low) / (score.max - low)))
    return None if score.scaled is None else min(1.0, max(0.0, score.scaled))


def duration_seconds(duration: str | None) -> float | None:
    """An ISO 8601 duration in seconds; None if there is none."""
    if duration is None or len(duration) > _LONGEST_DURATION:
        return None
    return _seconds(duration)


@lru_cache(_CACHED)
def _seconds(duration: str) -> float | None:
    found = _DURATION.fullmatch(duration)
    if found is None:
        return None
    return sum(
        float(number.replace(",", ".")) * unit
        for number, unit in zip(found.groups(), _UNITS, strict=True)
        if number is not None
    )


@lru_cache(_CACHED)
def _minute_ms(timestamp: str) -> int | None:
    try:
        moment = datetime.fromisoformat(timestamp)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        at_ms = int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return at_ms - at_ms % _MINUTE_MS if _EARLIEST_MS <= at_ms < _LATEST_MS else None
