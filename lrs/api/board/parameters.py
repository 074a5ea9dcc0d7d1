"""Query parameters of the board: each is parsed once; unknown ones are refused, what breaks a rule is named with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal, cast

from lrs.kernel.curriculum import curriculum
from lrs.kernel.errors import AyumiError
from lrs.store.aggregate_rows import Filters

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.datastructures import QueryParams

Format = Literal["json", "csv"]

MAX_DEPTH = 13  # as deep as the published tables go
MAX_DAYS = 1100  # three school years
_APP_CHARACTERS = 128
FILTERS = frozenset({"from", "to", "app", "subject", "grade"})


class ParameterError(AyumiError):
    """A query parameter that breaks a rule: 400. `rule` is a key of the message catalogues, below `rule.`."""

    def __init__(self, name: str, rule: str, **values: object) -> None:
        super().__init__(f"{name}: {rule}")
        self.name = name
        self.rule = rule
        self.values: Mapping[str, object] = values


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks for; hashable, so that it is its own cache key."""

    filters: Filters
    code: str | None = None
    depth: int = 1


def check_names(given: QueryParams, allowed: Collection[str]) -> None:
    """Refuse a parameter that the endpoint does not know, and a second value where one is meant."""
    for name in given:
        if name not in allowed:
            raise ParameterError(name, "unknown", allowed=", ".join(sorted(allowed)))
        if name != "grade" and len(given.getlist(name)) > 1:
            raise ParameterError(name, "once")


def read_filters(given: QueryParams) -> Filters:
    """The filters of a request; an empty value is the same as none, because that is what a form sends."""
    first, last = _day(given, "from"), _day(given, "to")
    if first and last and first > last:
        raise ParameterError("from", "order")
    if first and last and (last - first).days >= MAX_DAYS:
        raise ParameterError("from", "span", days=MAX_DAYS)
    return Filters(first, last, _app(given), _subject(given), _grades(given))


def read_code(given: QueryParams) -> str | None:
    """The curriculum code asked about; None: above all subjects."""
    code = given.get("code", "")
    if code and code not in curriculum():
        raise ParameterError("code", "code")
    return code or None


def read_depth(given: QueryParams) -> int:
    """How many levels below the code."""
    text = given.get("depth", "") or "1"
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_DEPTH):
        raise ParameterError("depth", "depth", most=MAX_DEPTH)
    return int(text)


def read_choice(given: QueryParams, name: str, choices: Collection[str], otherwise: str) -> str:
    """One of a closed set of words."""
    value = given.get(name, "") or otherwise
    if value not in choices:
        raise ParameterError(name, "choice", choices=", ".join(sorted(choices)))
    return value


def read_format(given: QueryParams) -> Format:
    """How to write the answer."""
    return cast("Format", read_choice(given, "format", ("json", "csv"), "json"))


def subjects() -> list[str]:
    """The subjects of the curriculum tables, in their order."""
    return list(dict.fromkeys(code.subject for code in curriculum().children(None) if code.subject))


def _day(given: QueryParams, name: str) -> date | None:
    text = given.get(name, "")
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ParameterError(name, "day") from None
    # Python also reads 20260401 and 2026-W14-3; one way of writing a day is enough. The engine's days start in 1970.
    if text != day.isoformat() or not 1970 <= day.year <= 2148:
        raise ParameterError(name, "day")
    return day


def _app(given: QueryParams) -> str:
    app = given.get("app", "")
    if len(app) > _APP_CHARACTERS or not app.isprintable():
        raise ParameterError("app", "app", most=_APP_CHARACTERS)
    return app


def _subject(given: QueryParams) -> str:
    subject = given.get("subject", "")
    if subject and subject not in subjects():
        raise ParameterError("subject", "choice", choices=", ".join(subjects()))
    return subject


def _grades(given: QueryParams) -> tuple[int, ...]:
    texts = [text for text in given.getlist("grade") if text]
    if any(not (text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= 12) for text in texts):
        raise ParameterError("grade", "grade")
    return tuple(sorted({int(text) for text in texts}))
