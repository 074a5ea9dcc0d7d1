"""Minutes, scores and durations."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.measures import duration_seconds, occurred_at_ms, score_scaled
from processors.statement_shape import Score

STORED_MS = 1_780_000_012_345
STORED_MINUTE = STORED_MS - STORED_MS % 60_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("timestamp", "minute"),
    [
        ("2026-05-01T09:30:59.999Z", "2026-05-01T09:30:00Z"),
        ("2026-05-01T09:30:00Z", "2026-05-01T09:30:00Z"),
        ("2026-05-01T09:30:59.123456789+09:00", "2026-05-01T00:30:00Z"),
        ("2026-05-01T09:30:59", "2026-05-01T09:30:00Z"),
        ("20260501T093059Z", "2026-05-01T09:30:00Z"),
    ],
)
def test_a_timestamp_is_cut_to_the_minute(timestamp: str, minute: str) -> None:
    assert occurred_at_ms(timestamp, STORED_MS) == ms(minute)


@pytest.mark.parametrize(
    "timestamp", [None, "", "yesterday", "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "Z" * 200]
)
def test_without_a_usable_timestamp_the_time_of_storing_counts(timestamp: str | None) -> None:
    assert occurred_at_ms(timestamp, STORED_MS) == STORED_MINUTE


@given(st.datetimes(datetime(1971, 1, 1), datetime(2190, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_timestamp_lies_within_its_minute(moment: datetime) -> None:
    at_ms = occurred_at_ms(moment.isoformat().replace("+00:00", "Z"), STORED_MS)
    assert at_ms % 60_000 == 0
    assert 0 <= moment.timestamp() * 1000 - at_ms < 60_000


@pytest.mark.parametrize(
    ("score", "scaled"),
    [
        (Score(scaled=0.3333333, raw=1, min=0, max=3), 1 / 3),  # senders round to seven digits
        (Score(scaled=0.5, raw=6, min=2, max=10), 0.5),
        (Score(raw=5, max=10), 0.5),
        (Score(scaled=0.8), 0.8),
        (Score(scaled=-0.5), 0.0),
        (Score(scaled=0.8, raw=3), 0.8),
        (Score(scaled=0.7, raw=3, min=3, max=3), 0.7),
        (Score(raw=3), None),
        (Score(), None),
        (None, None),
    ],
)
def test_a_score_is_recomputed_from_raw_where_it_can_be(score: Score | None, scaled: float | None) -> None:
    assert score_scaled(score) == scaled


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("PT23.5S", 23.5),
        ("PT1M3S", 63),
        ("PT1H", 3600),
        ("P1DT1S", 86_401),
        ("P4W", 4 * 604_800),
        ("P3Y1M29DT4H35M59.14S", 3 * 31_536_000 + 2_592_000 + 29 * 86_400 + 4 * 3600 + 35 * 60 + 59.14),
        ("PT0,5S", 0.5),
        ("P4W1D", None),
        ("23", None),
        ("PT" + "9" * 200 + "S", None),
        (None, None),
    ],
)
def test_a_duration_is_told_in_seconds(duration: str | None, seconds: float | None) -> None:
    assert duration_seconds(duration) == (None if seconds is None else pytest.approx(seconds))
