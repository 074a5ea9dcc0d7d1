"""ISO 8601 timestamps as instants (xAPI 1.0.3 Data 4.5)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

# What nearly every client sends, because the full form below takes three times as long to match.
_USUAL = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|\+[0-9]{2}:[0-9]{2})"
).fullmatch
# The profile of RFC 3339, with what ISO 8601 adds: no seconds, a comma, the basic form, no offset (read as UTC).
# An offset of minus zero means "offset unknown" in RFC 3339 and nothing in ISO 8601.
_TIMESTAMP = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?P<fraction>[.,][0-9]+)?)?"
    r"|[0-9]{8}T[0-9]{4}(?:[0-9]{2}(?P<basic>[.,][0-9]+)?)?)"
    r"(?P<offset>Z|(?!-00(?::?00)?\Z)[+-][0-9]{2}(?::?[0-9]{2})?)?"
).fullmatch
_LEAP_SECOND = re.compile(r"(T[0-9]{2}:?[0-9]{2}:?)60")
_MIDNIGHT = re.compile(r"T24(?=:?00(?::?00(?:[.,]0+)?)?(?:Z|[+-]|\Z))")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_IN_UTC = frozenset({"Z", "+00", "+0000", "+00:00"})


def timestamp_ms(text: str) -> int | None:
    """Milliseconds since 1970 UTC, cut not rounded, or None if `text` is not a timestamp."""
    if _USUAL(text) is None and _TIMESTAMP(text) is None:
        return None
    moment = _moment(text)
    if moment is None:
        return None
    since = moment - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def timestamp_in_utc(text: str) -> str:
    """The same instant in UTC, with the digits of its fraction as they are. What is no timestamp is left unchanged."""
    match = _TIMESTAMP(text)
    if match is None or match["offset"] in _IN_UTC:
        return text
    moment = _moment(text)
    try:
        utc = moment.astimezone(UTC) if moment else None
    except OverflowError:  # the first or the last hours of the calendar
        utc = None
    if utc is None:
        return text
    fraction = match["fraction"] or match["basic"] or ""
    return f"{utc:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + fraction.replace(",", ".") + "Z"


def timestamp_text(ms: int) -> str:
    """An instant as RFC 3339 in UTC, always with three decimals: clients compare strings."""
    return f"{_second_text(ms // 1000)}.{ms % 1000:03d}Z"


@lru_cache(maxsize=4096)
def _second_text(second: int) -> str:
    """Of now it is asked some thousand times a second."""
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _unusual_moment(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unusual_moment(text: str) -> datetime | None:
    """Leap seconds and the midnight that ends a day, which ISO 8601 allows and Python does not."""
    for unusual, usual, more in (
        (_LEAP_SECOND, r"\g<1>59", timedelta(seconds=1)),
        (_MIDNIGHT, "T00", timedelta(days=1)),
    ):
        replaced, count = unusual.subn(usual, text, count=1)
        if count:
            try:
                moment = datetime.fromisoformat(replaced)
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) + more
            except (ValueError, OverflowError):
                return None
    return None
