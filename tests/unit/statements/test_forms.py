"""The special data types: instants, durations, language tags."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.statements import iris, languages
from lrs.kernel.statements.durations import comparable_duration, is_duration
from lrs.kernel.statements.iris import is_iri
from lrs.kernel.statements.languages import is_language_tag
from lrs.kernel.statements.timestamps import timestamp_in_utc, timestamp_ms, timestamp_text
from lrs.kernel.statements.uuids import uuid_bytes, uuid_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)),  # noqa: DTZ001 - hypothesis adds the zone
    st.integers(-23 * 60, 23 * 60),
)
def test_an_instant_is_the_same_in_every_zone(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    text = aware.isoformat()
    expected = (aware - _EPOCH) // timedelta(milliseconds=1)
    assert timestamp_ms(text) == expected
    assert timestamp_ms(timestamp_in_utc(text)) == expected


@given(st.integers(0, 4_102_444_800_000))
def test_an_instant_is_written_with_three_decimals(ms: int) -> None:
    text = timestamp_text(ms)
    assert timestamp_ms(text) == ms
    assert len(text) == len("2026-05-12T01:15:30.123Z")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2026-05-12T24:00:00Z", "2026-05-13T00:00:00Z"),
        ("2026-05-12T10:15:30.1239Z", "2026-05-12T10:15:30.123Z"),
        ("2026-05-12T10:15:30", "2026-05-12T10:15:30Z"),
        ("2026-05-12T10:15:30+0900", "2026-05-12T01:15:30Z"),
        ("2026-05-12T10:15:30+09", "2026-05-12T01:15:30Z"),
        ("20260512T1015", "2026-05-12T10:15:00Z"),
    ],
)
def test_unusual_forms_of_an_instant_are_read(text: str, same: str) -> None:
    assert timestamp_ms(text) == timestamp_ms(same) is not None


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026", "2026-05-12", "2026-13-12T10:15:30Z", "2026-05-12T24:00:01Z", "2026-05-12T25:00:00Z",
        "2026-05-12T10:60:00Z", "2026-05-12T10:15:61Z", "2026-05-12T10:15:30.Z", "2026-05-12t10:15:30z",
        "0000-01-01T00:00:00Z", "2026-05-12T10:15:30+24:00", "2026-05-12T10:15:30-00:00", "2026-05-12T10:15:30Z\n",
        "2026-W20-2T10:15:30Z", "9999-12-31T24:00:00Z", "２０２６-05-12T10:15:30Z",
    ],
)  # fmt: skip
def test_other_texts_are_no_instants(text: str) -> None:
    assert timestamp_ms(text) is None


@pytest.mark.parametrize(
    "text",
    ["P1Y", "P0.5Y", "P1M", "P1D", "PT1H", "PT1M", "PT1S", "PT0.000001S", "P1Y2M3DT4H5M6S", "P1YT1S", "P1.5W", "PT36H"],
)
def test_durations_are_recognised(text: str) -> None:
    assert is_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "P", "PT", "P1", "1Y", "P1S", "PT1Y", "PT1D", "P1DT", "P-1D", "-P1D", "P1Y1W", "P4W1D", "PT1.S", "PT.5S",
        "PT1.5H3M", "P1.5Y2M", "P1M1Y", "PT1S1M", "p1d", "PT1S ", "PT1S\n", "P0003-06-04T12:30:05", "PT１S",
    ],
)  # fmt: skip
def test_other_texts_are_no_durations(text: str) -> None:
    assert not is_duration(text)


@pytest.mark.parametrize(
    ("text", "comparable"),
    [
        ("PT0.1237S", "PT0.12S"),
        ("PT0.12S", "PT0.12S"),
        ("PT0.1S", "PT0.1S"),
        ("PT1.239M", "PT1.239M"),
        ("PT1,999S", "PT1,99S"),
        ("P1W", "P1W"),
    ],
)
def test_durations_are_compared_to_the_hundredth(text: str, comparable: str) -> None:
    assert comparable_duration(text) == comparable


@pytest.mark.parametrize(
    "tag",
    [
        "ja",
        "ja-JP",
        "cmn",
        "sr-Latn-RS",
        "sl-rozaj-biske",
        "de-1996",
        "zh-yue-HK",
        "en-a-bbb-x-a-ccc",
        "x-a",
        "i-default",
        "SGN-be-FR",
    ],
)
def test_language_tags_are_recognised(tag: str) -> None:
    assert is_language_tag(tag)


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "j",
        "ja_JP",
        "ja-",
        "-ja",
        "ja--JP",
        "something",
        "a12345",
        "a12345678",
        "ja-JPN1",
        "de-1996-1996",
        "zh-z-aaa-z-bbb",
        "en-x",
        "x",
        "i-nothing",
        "日本",
        "ja\n",
        "en-x-123456789",
    ],
)
def test_other_texts_are_no_language_tags(tag: str) -> None:
    assert not is_language_tag(tag)


def test_remembered_iris_and_tags_are_bounded() -> None:
    for number in range(20_000):
        assert is_iri(f"urn:n:{number}")
    assert is_iri("urn:" + "x" * 5000)
    assert len(iris._known) <= iris._MOST_KNOWN  # noqa: SLF001
    assert max(map(len, iris._known)) <= iris._LONGEST_KNOWN  # noqa: SLF001
    for number in range(3000):
        assert is_language_tag(f"x-{number}")
    assert len(languages._known) <= languages._MOST_KNOWN  # noqa: SLF001


@given(st.binary(min_size=16, max_size=16))
def test_a_uuid_is_its_16_bytes(key: bytes) -> None:
    assert uuid_bytes(uuid_text(key)) == uuid_bytes(uuid_text(key).upper()) == key
