"""The school year begins in April, in Japan."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.school_year import school_year, start_ms


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("moment", "year"),
    [
        ("2022-03-31T15:30:00Z", 2022),  # already 1 April in Japan
        ("2022-03-31T14:59:59Z", 2021),
        ("2022-03-31T23:59:59+09:00", 2021),
        ("2022-04-01T00:00:00+09:00", 2022),
        ("2023-01-10T00:00:00Z", 2022),
        ("1970-01-01T00:00:00Z", 1969),
    ],
)
def test_a_school_year_begins_on_the_first_of_april_in_japan(moment: str, year: int) -> None:
    assert school_year(ms(moment)) == year


@given(st.integers(ms("1950-01-01T00:00:00Z"), ms("2199-01-01T00:00:00Z")))
def test_every_moment_lies_in_the_year_it_is_given(at_ms: int) -> None:
    year = school_year(at_ms)
    assert start_ms(year) <= at_ms < start_ms(year + 1)


def test_moments_out_of_range_count_as_the_nearest_year() -> None:
    assert school_year(-(2**62)) == 1899
    assert school_year(2**62) == 2299
