"""ISO 8601 durations (xAPI 1.0.3 Data 4.6)."""

from __future__ import annotations

import re

# Weeks alone, or years to seconds in this order; only the last number may have a fraction.
_DURATION = re.compile(
    r"P(?:[0-9]+(?:[.,][0-9]+)?W"
    r"|(?=[0-9T])(?:[0-9]+(?:[.,][0-9]+(?=Y\Z))?Y)?(?:[0-9]+(?:[.,][0-9]+(?=M\Z))?M)?(?:[0-9]+(?:[.,][0-9]+(?=D\Z))?D)?"
    r"(?:T(?=[0-9])(?:[0-9]+(?:[.,][0-9]+(?=H\Z))?H)?(?:[0-9]+(?:[.,][0-9]+(?=M\Z))?M)?(?:[0-9]+(?:[.,][0-9]+)?S)?)?)"
).fullmatch
_BEYOND_HUNDREDTHS = re.compile(r"([.,][0-9]{2})[0-9]+S\Z")


def is_duration(text: str) -> bool:
    """Whether `text` is a duration of section 4.4.3.2 of ISO 8601:2004, such as `PT4H35M59.14S`."""
    return _DURATION(text) is not None


def comparable_duration(text: str) -> str:
    """The duration without what lies beyond 0.01 s, which a comparison ignores; otherwise a duration is a string.

    Sources: xAPI 1.0.3 Data 2.3.1 (PT60S is not PT1M, months have no fixed length) and 4.6.
    """
    point = max(text.find("."), text.find(","))
    return text if point < 0 or len(text) - point <= 4 else _BEYOND_HUNDREDTHS.sub(r"\1S", text)
