"""Which dead letters somebody asks for: each parameter parsed once, for HTTP and the command line alike.

Every function raises `RefusedError` with the parameter as path.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.store.dead_letter_queries import LetterCursor, LetterFilter, LetterPlace
from lrs.store.dead_letters import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILTERS = frozenset({"app", "reason", "since", "all"})
PAGING = frozenset({"limit", "after"})
MOST_LETTERS = 1000
DEFAULT_LETTERS = 50

_AGO = re.compile(r"([0-9]{1,5})([mhd])")
_AGO_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_CURSOR = re.compile(r"([0-9]{1,16})-([0-9]{1,5})-([0-9]{1,19})-([a-z]+)")
_LARGEST_PARTITION = (1 << 16) - 1
_LARGEST_OFFSET = (1 << 63) - 1
_EARLIEST_MS = 0
_APP_LENGTH = 128


class Wanted(NamedTuple):
    """A page of letters."""

    filter: LetterFilter
    limit: int
    after: LetterCursor | None


def check_names(given: Iterable[tuple[str, str]], allowed: frozenset[str]) -> dict[str, str]:
    """The parameters that have a value, each of them known and there once."""
    found: dict[str, str] = {}
    for name, value in given:
        if name not in allowed:
            raise _wrong(name[:80], f"there is no such parameter; there are {', '.join(sorted(allowed))}")
        if name in found:
            raise _wrong(name, "it is there twice")
        if value:
            found[name] = value
    return found


def read_wanted(given: Mapping[str, str], now_ms: int, *, most: int = MOST_LETTERS) -> Wanted:
    """The page that `given` asks for, at `now_ms`."""
    limit = read_number(given.get("limit", str(min(DEFAULT_LETTERS, most))), "limit", least=1, most=most)
    return Wanted(read_filter(given, now_ms), limit, read_cursor(given["after"]) if "after" in given else None)


def read_filter(given: Mapping[str, str], now_ms: int) -> LetterFilter:
    """The filter that `given` asks for, at `now_ms`; without `all`, only what was not replayed."""
    everything = given.get("all", "0")
    if everything not in {"0", "1"}:
        raise _wrong("all", "it is 1 or 0")
    app = given.get("app")
    if app is not None and (len(app) > _APP_LENGTH or not app.isprintable()):
        raise _wrong("app", f"an app's name has 1 to {_APP_LENGTH} printable characters")
    return LetterFilter(
        app=app,
        reason=read_reason(given["reason"]) if "reason" in given else None,
        since_ms=read_since(given["since"], now_ms) if "since" in given else None,
        open_only=everything == "0",
    )


def read_reason(text: str) -> str:
    """A reason of the closed set."""
    if text not in set(Refusal):
        raise _wrong("reason", f"{text[:40]!r} is not one of {', '.join(Refusal)}")
    return text


def read_since(text: str, now_ms: int) -> int:
    """A time in milliseconds since 1970 UTC: so many minutes, hours or days ago, or a date and time with its offset."""
    if ago := _AGO.fullmatch(text):
        return max(_EARLIEST_MS, now_ms - int(ago[1]) * _AGO_MS[ago[2]])
    try:
        moment = datetime.fromisoformat(text)
        at_ms = int(moment.timestamp() * 1000) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        at_ms = None
    if at_ms is None or at_ms < _EARLIEST_MS:
        rule = "it is 90m, 2h, 3d or the like, or a time such as 2026-05-01T09:00:00+09:00"
        raise _wrong("since", f"{text[:40]!r} is no time: {rule}")
    if at_ms > now_ms:
        raise _wrong("since", f"{text[:40]} lies in the future")
    return at_ms


def read_number(text: str, name: str, *, least: int, most: int) -> int:
    """A whole number within its bounds."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and least <= int(text) <= most):
        raise _wrong(name, f"{text[:40]!r} is not a whole number from {least} to {most}")
    return int(text)


def read_cursor(text: str) -> LetterCursor:
    """Where a page goes on, as an answer's `after` says it."""
    found = _CURSOR.fullmatch(text)
    if found is None or found[4] not in SOURCES or not _is_place(int(found[2]), int(found[3])):
        raise _wrong("after", "it is taken from an answer, unchanged")
    return LetterCursor(int(found[1]), int(found[2]), int(found[3]), found[4])


def cursor_text(cursor: LetterCursor) -> str:
    """The reverse of `read_cursor`."""
    return "-".join(map(str, cursor))


def read_place(source: str, partition: str, offset: str) -> LetterPlace | None:
    """The place that three texts name; None when there can be no such place."""
    numbers = (partition, offset)
    if source not in SOURCES or not all(one.isascii() and one.isdigit() and len(one) <= 19 for one in numbers):
        return None
    place = LetterPlace(source, int(partition), int(offset))
    return place if _is_place(place.partition, place.offset) else None


def _is_place(partition: int, offset: int) -> bool:
    return partition <= _LARGEST_PARTITION and offset <= _LARGEST_OFFSET


def _wrong(parameter: str, rule: str) -> RefusedError:
    return RefusedError(Refusal.INVALID, rule, path=parameter)
