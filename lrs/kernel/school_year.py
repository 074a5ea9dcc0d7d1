"""The Japanese school year: from 1 April to 31 March in Asia/Tokyo, named by the calendar year it begins in."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

# Japan has kept UTC+9 without summer time since 1952, so no time zone table is needed.
_TOKYO = timedelta(hours=9)
_FIRST, _LAST = 1900, 2299


def start_ms(year: int) -> int:
    """Milliseconds since 1970 UTC of 1 April of `year`, midnight in Asia/Tokyo."""
    return int((datetime(year, 4, 1, tzinfo=UTC) - _TOKYO).timestamp() * 1000)


_STARTS = [start_ms(year) for year in range(_FIRST, _LAST + 1)]


def school_year(at_ms: int) -> int:
    """The school year that a moment (milliseconds since 1970 UTC) lies in: 2022-03-31T15:30Z is already 2022.

    Moments before 1900 count as 1899 and after 2299 as 2299.
    """
    return _FIRST - 1 + bisect_right(_STARTS, at_ms)
