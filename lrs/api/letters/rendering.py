"""The pages of dead letters, in Japanese and English. Everything in them is a stranger's: escaped, and made visible."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from lrs.api.frame import LANGUAGES, framed
from lrs.api.letters.answers import SHOWN_BYTES
from lrs.kernel.errors import RefusedError
from lrs.kernel.readable import pretty, visible
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements.uuids import uuid_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrs.api.letters.answers import Content
    from lrs.store.dead_letter_queries import Letter, LetterCounts

LANGUAGE = "lang"

_FOLDER = Path(__file__).with_name("pages")
_JAPAN = timezone(timedelta(hours=9), "Asia/Tokyo")
_HOURS = 48
_FIRST_HOURS = 6  # shown at once; the others in a fold


def language_of(given: Mapping[str, str], accept_language: str) -> str:
    """`?lang=`, else the first of Accept-Language that there is, else Japanese. Raises `RefusedError`."""
    asked = given.get(LANGUAGE)
    if asked is not None:
        if asked not in LANGUAGES:
            raise RefusedError(Refusal.INVALID, f"it is one of {', '.join(LANGUAGES)}", path=LANGUAGE)
        return asked
    for item in accept_language.lower().split(",")[:20]:
        language = item.partition(";")[0].strip().partition("-")[0]
        if language in LANGUAGES:
            return language
    return "ja"


class Pages:
    """Renders both pages of one view."""

    def __init__(self, *, operator: str) -> None:
        """`operator` is whose zone this is."""
        self._environment, self._policy = framed(_FOLDER, "letters.css", operator=operator, forms=True)
        self._environment.filters.update(visible=visible, count=_count, moment=_moment)
        self._environment.globals.update(reasons=list(Refusal))

    def list(  # noqa: PLR0913 - what is on the page
        self,
        language: str,
        letters: Sequence[Letter],
        counts: LetterCounts,
        *,
        given: Mapping[str, str],
        after: str,
        of_app: str,
    ) -> tuple[str, dict[str, str]]:
        """The newest letters and how many there are. `of_app`: whose view it is; empty: the operator's."""

        def link(**changes: str) -> str:
            kept = {name: value for name, value in given.items() if name != "after"}
            pairs = [(name, value) for name, value in {**kept, **changes}.items() if value]
            return f"?{urlencode(pairs)}"

        return self._page(
            "list.html",
            language,
            letters=letters,
            counts=counts,
            hours=counts.hours[:_HOURS],
            first_hours=_FIRST_HOURS,
            highest=max((number for _, number in counts.hours[:_HOURS]), default=0),
            given=given,
            link=link,
            place=_place,
            more=link(after=after) if after else "",
            of_app=of_app,
        )

    def one(self, language: str, letter: Letter, content: Content, *, of_app: str) -> tuple[str, dict[str, str]]:
        """One letter: where it was, what it breaks, what lies in it."""
        text, left_out = pretty(content.statement, SHOWN_BYTES)
        return self._page(
            "letter.html",
            language,
            letter=letter,
            content=content,
            statement_id=uuid_text(letter.statement_id) if letter.statement_id else "",
            text=text,
            left_out=left_out,
            of_app=of_app,
            link=lambda lang: f"?{LANGUAGE}={lang}",
        )

    def wrong(self, language: str, error: RefusedError) -> tuple[str, dict[str, str]]:
        """What of the question breaks a rule."""
        return self._page(
            "wrong.html", language, path=error.path, rule=error.rule, link=lambda lang: f"?{LANGUAGE}={lang}"
        )

    def _page(self, template: str, language: str, **values: Any) -> tuple[str, dict[str, str]]:  # noqa: ANN401
        say = texts(language)
        html = self._environment.get_template(template).render(language=language, say=say, **values)
        return html, {"Content-Security-Policy": self._policy, "Content-Language": language}


@cache
def texts(language: str) -> dict[str, Any]:
    """What the pages say, by key; `reason` holds for each reason a name, what it means and what helps."""
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8"))


def _place(letter: Letter) -> str:
    """The address of a letter, beside the list's."""
    return f"refused/{quote(letter.source)}/{letter.partition}/{letter.offset}"


def _count(number: int) -> str:
    return f"{number:,}"


def _moment(at_ms: int) -> str:
    """A time in Japan, to the second."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(_JAPAN):%Y-%m-%d %H:%M:%S}"
