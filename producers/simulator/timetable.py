"""The Japanese school year and day: holidays, vacations, lesson periods, homework hours. Asia/Tokyo throughout."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

from lrs.kernel.curriculum import Stage

MINUTE_MS = 60_000
_DAY = timedelta(days=1)
_MONDAY, _SATURDAY, _SUNDAY = 0, 5, 6

# Public holidays with a fixed date, and those on the nth Monday of a month (since 2000; 2022 and later unchanged).
_FIXED = ((1, 1), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23))
_MONDAYS = ((1, 2), (7, 3), (9, 3), (10, 2))

# First and last day of each vacation, as most boards of education set them.
_VACATIONS = (((3, 25), (4, 6)), ((7, 19), (8, 31)), ((12, 25), (12, 31)), ((1, 1), (1, 7)))

_LESSON_STARTS = {
    Stage.ELEMENTARY: ("8:45", "9:35", "10:40", "11:30", "13:45", "14:35"),
    Stage.LOWER_SECONDARY: ("8:50", "9:50", "10:50", "11:50", "13:35", "14:35"),
}
LESSON_MINUTES = {Stage.ELEMENTARY: 45, Stage.LOWER_SECONDARY: 50}


class DayKind(StrEnum):
    """What a day is for school children."""

    LESSONS = "lessons"
    FREE = "free"  # Saturday, Sunday or public holiday
    VACATION = "vacation"


# Share of a day's use of drills, against a day with lessons.
WEIGHTS = {DayKind.LESSONS: 1.0, DayKind.FREE: 0.2, DayKind.VACATION: 0.12}


def school_days(year: int) -> list[date]:
    """Every day of the school year that begins on 1 April of `year`."""
    first, after = date(year, 4, 1), date(year + 1, 4, 1)
    return [first + n * _DAY for n in range((after - first).days)]


def day_kind(day: date) -> DayKind:
    """Whether a day has lessons."""
    if any(first <= (day.month, day.day) <= last for first, last in _VACATIONS):
        return DayKind.VACATION
    return DayKind.FREE if day.weekday() >= _SATURDAY or day in holidays(day.year) else DayKind.LESSONS


@cache
def holidays(year: int) -> frozenset[date]:
    """The public holidays of a calendar year, substitute holidays and days between two holidays included."""
    named = set(_named_holidays(year))
    between = {
        day + _DAY
        for day in named
        if day + 2 * _DAY in named and day + _DAY not in named and (day + _DAY).weekday() != _SUNDAY
    }
    substitutes = set()
    for day in named:
        if day.weekday() == _SUNDAY:
            free = day + _DAY
            while free in named:
                free += _DAY
            substitutes.add(free)
    return frozenset(named | between | substitutes)


def _named_holidays(year: int) -> Iterator[date]:
    for month, day in _FIXED:
        yield date(year, month, day)
    for month, nth in _MONDAYS:
        first = date(year, month, 1)
        yield first + timedelta(days=(_MONDAY - first.weekday()) % 7 + 7 * (nth - 1))
    # Mean equinoxes in Tokyo; the rule holds for 1980 to 2099.
    leap = (year - 1980) // 4
    yield date(year, 3, int(20.8431 + 0.242194 * (year - 1980) - leap))
    yield date(year, 9, int(23.2488 + 0.242194 * (year - 1980) - leap))


def lesson_periods(stage: Stage) -> list[tuple[int, int]]:
    """Begin and end of each lesson in milliseconds of the day."""
    return [(begin, begin + LESSON_MINUTES[stage] * MINUTE_MS) for begin in map(_ms, _LESSON_STARTS[stage])]


def homework_ms(random: Random, kind: DayKind, grade: int) -> int:
    """When a learner sits down to homework: evenings on days with lessons, any time from nine otherwise."""
    begin, peak, end = ("16:00", "18:30", "20:30") if kind is DayKind.LESSONS else ("9:00", "10:30", "20:00")
    earlier = 60 if grade <= 2 else 0
    return int(random.triangular(_ms(begin), _ms(end) - earlier * MINUTE_MS, _ms(peak) - earlier * MINUTE_MS))


def _ms(clock: str) -> int:
    hours, minutes = clock.split(":")
    return (int(hours) * 60 + int(minutes)) * MINUTE_MS
