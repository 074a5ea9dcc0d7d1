"""Facts about rates, paces, quantiles and forecasts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.api.operations.measuring import days_left, freshness, pace, rate
from lrs.api.operations.snapshot import Pace

DAY = 86_400.0


def test_a_count_that_begins_anew_has_no_negative_rate() -> None:
    assert rate(500, 20, 10) == 0
    assert rate(20, 520, 10) == 50
    assert rate(20, 520, 0) == 0


@pytest.mark.parametrize(
    ("then", "now", "taken", "expected", "seconds"),
    [
        (0, 0, 0, Pace.CAUGHT_UP, 0.0),
        (300, 400, 6000, Pace.CAUGHT_UP, 0.0),  # four seconds of work: what a batch and a commit hold
        (7000, 4000, 3000, Pace.CATCHING_UP, 80.0),
        (4000, 7000, 600, Pace.FALLING_BEHIND, None),
        (7000, 7000, 0, Pace.STOPPED, None),
        (7000, 9000, 0, Pace.STOPPED, None),
        (0, 12, 0, Pace.WAITING, None),  # they have only just come
        (0, 1, 3, Pace.CAUGHT_UP, 0.0),  # a trickle
        (1, 1, 0, Pace.STOPPED, None),
        (0, 5000, 0, Pace.WAITING, None),
    ],
)
def test_a_pace_is_told_from_what_waited_what_waits_and_what_was_taken(
    then: int, now: int, taken: int, expected: Pace, seconds: float | None
) -> None:
    found = pace(then, now, taken, 60.0, taken / 60.0)
    assert (found.pace, found.records) == (expected, now)
    assert found.seconds == seconds if seconds is None else found.seconds == pytest.approx(seconds)


def test_nobody_is_said_to_have_stopped_before_a_minute_was_seen() -> None:
    assert pace(70, 70, 0, 20.0, 0.0).pace is Pace.WAITING
    assert pace(70, 70, 0, 60.0, 0.0).pace is Pace.STOPPED


def test_lost_records_are_told_whatever_else_goes_well() -> None:
    found = pace(0, 0, 100, 60.0, 2.0, lost=7)
    assert (found.pace, found.lost) == (Pace.LOST, 7)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0.0, 120.0))
def test_a_time_to_catch_up_is_never_negative_nor_endless(then: int, now: int, taken: int, seconds: float) -> None:
    found = pace(then, now, taken, seconds, rate(0, taken, seconds))
    assert found.seconds is None or 0 <= found.seconds < math.inf
    assert (found.seconds is not None) == (found.pace in {Pace.CAUGHT_UP, Pace.CATCHING_UP})


def test_freshness_is_of_what_was_loaded_between_two_looks() -> None:
    before = {0.5: 100.0, 1.0: 100.0, math.inf: 100.0}
    now = {0.5: 150.0, 1.0: 195.0, math.inf: 200.0}
    found = freshness(before, now, 60)
    assert found is not None
    assert (found.p50, found.p95, found.batches) == (0.5, 1.0, 100)


def test_freshness_within_a_bucket_is_taken_as_spread_evenly() -> None:
    found = freshness({}, {1.0: 0.0, 2.0: 100.0, math.inf: 100.0}, 60)
    assert found is not None
    assert found.p50 == 1.5
    assert found.p95 == pytest.approx(1.95)


def test_freshness_above_the_last_bound_is_that_bound() -> None:
    found = freshness({}, {1.0: 1.0, math.inf: 100.0}, 60)
    assert found is not None
    assert found.p95 == 1.0


def test_without_a_new_batch_there_is_no_freshness() -> None:
    counts = {0.5: 100.0, math.inf: 100.0}
    assert freshness(counts, counts, 60) is None
    assert freshness({}, {}, 60) is None


def test_a_loader_that_began_anew_is_measured_from_its_beginning() -> None:
    found = freshness({0.5: 900.0, math.inf: 900.0}, {0.5: 4.0, math.inf: 4.0}, 60)
    assert found is not None
    assert found.batches == 4


def test_a_disk_that_fills_evenly_is_full_when_the_line_meets_nothing() -> None:
    growth, days, measured = days_left([(0.0, 100), (DAY / 2, 95)], (DAY, 90))
    assert (growth, days, measured) == (10.0, 9.0, DAY)


def test_a_disk_that_does_not_grow_is_never_full_and_a_short_look_foretells_nothing() -> None:
    assert days_left([(0.0, 90)], (DAY, 90)) == (0.0, None, DAY)
    assert days_left([(0.0, 90)], (DAY, 95)) == (-5.0, None, DAY)
    assert days_left([(0.0, 90)], (60.0, 10))[:2] == (None, None)
    assert days_left([], (60.0, 10)) == (None, None, 0.0)
