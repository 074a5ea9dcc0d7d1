"""What the operator's page says, in Japanese and English, and how it writes durations, sizes and rates."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from lrs.api.board.messages import TOKYO, Catalogue, Language, catalogue, flat

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_SPANS = ((172_800.0, 86_400.0, "days"), (7_200.0, 3_600.0, "hours"), (120.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


class Words(Catalogue):
    """The board's texts and the page's own, under one roof: the page stands in the board's frame."""

    def duration(self, seconds: float) -> str:
        """In the largest unit of which there are two; below ten seconds with what matters of the fraction."""
        if seconds < 0.95:
            return self("duration.milliseconds", count=f"{seconds * 1000:.0f}")
        if seconds < 10:
            return self("duration.seconds", count=f"{seconds:.1f}")
        unit, name = next((unit, name) for least, unit, name in _SPANS if seconds >= least)
        return self(f"duration.{name}", count=f"{seconds / unit:,.0f}")

    def size(self, count: float) -> str:
        """Bytes in decimal units, as disks are sold."""
        number = float(count)
        for unit in _UNITS:
            if abs(number) < 1000 or unit == _UNITS[-1]:
                break
            number /= 1000
        return f"{number:.0f} {unit}" if unit == "B" or abs(number) >= 100 else f"{number:.1f} {unit}"

    def rate(self, per_second: float) -> str:
        """Statements a second."""
        return f"{per_second:,.1f}" if 0 < per_second < 9.95 else f"{per_second:,.0f}"

    def clock(self, at: float) -> str:
        """A time of today in Japan; with its date when it is of another day than now."""
        moment = datetime.fromtimestamp(at, UTC).astimezone(TOKYO)
        today = datetime.now(TOKYO).date()
        return f"{moment:%H:%M:%S}" if moment.date() == today else f"{moment:%Y-%m-%d %H:%M}"

    def iso(self, at: float) -> str:
        """For programs that read the page."""
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


@cache
def words(language: Language) -> Words:
    """The texts of a language, read once."""
    path = Path(__file__).with_name("messages") / f"{language}.toml"
    return Words(language, {**catalogue(language).texts, **flat(tomllib.loads(path.read_text("utf-8")))})
