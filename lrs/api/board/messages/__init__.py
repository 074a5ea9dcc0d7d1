"""What pages and errors say, in Japanese and English: two catalogues with the same keys, and how numbers look."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

Language = Literal["ja", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

# Japan keeps no daylight saving time, so the offset is the zone and no time zone database is needed.
TOKYO = timezone(timedelta(hours=9), "Asia/Tokyo")

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip


class Catalogue:
    """The texts of one language, by dotted key."""

    def __init__(self, language: Language, texts: dict[str, str]) -> None:
        self.language: Language = language
        self.texts = texts

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of `key` with `{names}` filled in. Raises `KeyError` for a key that no catalogue has."""
        text = self.texts[key]
        return text.format(**values) if values else text

    def count(self, number: int) -> str:
        """A count with thousands separated."""
        return f"{number:,}"

    def percent(self, share: float) -> str:
        """A share of 1 in whole per cent."""
        return f"{share * 100:.0f}%"

    def day(self, day: date) -> str:
        """A day in full."""
        if self.language == "ja":
            return f"{day.year}年{day.month}月{day.day}日"
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"

    def short_day(self, day: date) -> str:
        """A day within a known year."""
        if self.language == "ja":
            return f"{day.month}月{day.day}日"
        return f"{day.day} {_MONTHS[day.month - 1][:3]}"

    def month(self, day: date, *, with_year: bool) -> str:
        """The month that `day` lies in."""
        if self.language == "ja":
            return f"{day.year}年{day.month}月" if with_year else f"{day.month}月"
        name = _MONTHS[day.month - 1][:3]
        return f"{name} {day.year}" if with_year else name

    def moment(self, at: datetime) -> str:
        """A time in Japan, to the second."""
        local = at.astimezone(TOKYO)
        return f"{self.day(local.date())} {local:%H:%M:%S}"

    def grade(self, grade: int) -> str:
        """A school grade, 1 to 12; 0 is not known."""
        if not 1 <= grade <= 12:
            return self("grade.unknown")
        stage, year = (
            ("elementary", grade) if grade <= 6 else ("lower", grade - 6) if grade <= 9 else ("upper", grade - 9)
        )
        return self(f"grade.{stage}", year=year, grade=grade)

    def short_grade(self, grade: int) -> str:
        """A school grade as a column head."""
        if not 1 <= grade <= 12:
            return self("grade.unknown_short")
        stage, year = (
            ("elementary", grade) if grade <= 6 else ("lower", grade - 6) if grade <= 9 else ("upper", grade - 9)
        )
        return self(f"grade.{stage}_short", year=year, grade=grade)


@cache
def catalogue(language: Language) -> Catalogue:
    """The catalogue of a language, read once."""
    path = Path(__file__).with_name(f"{language}.toml")
    return Catalogue(language, flat(tomllib.loads(path.read_text("utf-8"))))


def choose_language(asked: str, accept: str) -> Language:
    """`asked` (from `?lang=`) if it is one of ours, else the best of an Accept-Language header, else Japanese."""
    if asked in LANGUAGES:
        return asked
    ranges = [part.strip().split(";") for part in accept.split(",") if part.strip()]
    ranked = sorted(ranges, key=_quality, reverse=True)
    for name, *parameters in ranked:
        primary = name.strip().lower().split("-")[0]
        if primary in LANGUAGES and _quality([name, *parameters]) > 0:
            return primary
    return "ja"


def _quality(entry: list[str]) -> float:
    for parameter in entry[1:]:
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Texts by dotted key, out of a catalogue's tables."""
    texts: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            texts |= flat(value, f"{prefix}{key}.")
        else:
            texts[prefix + key] = str(value)
    return texts
