"""What both views of dead letters do: read the question, ask beside the event loop, answer as JSON or as a page."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

import orjson
from starlette.responses import Response

from lrs.api.frame import LANGUAGES
from lrs.api.gateway.answers import error_answer, internal_error
from lrs.api.letters.answers import content_of, detail_json, page_json
from lrs.api.letters.filters import FILTERS, PAGING, check_names, cursor_text, read_place, read_wanted
from lrs.api.letters.rendering import LANGUAGE, language_of
from lrs.kernel.errors import AyumiError, RefusedError
from lrs.kernel.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from lrs.api.gateway.answers import Answer
    from lrs.api.letters.rendering import Pages
    from lrs.store.dead_letter_queries import Letter, LetterCounts, LetterQueries

T = TypeVar("T")

_HEADERS = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Language", "X-Content-Type-Options": "nosniff"}
# Each question scans a table: with so many at once, one asker takes no more than two cores from the good path.
_AT_ONCE = 2
_log = get_logger("letters")


class Letters:
    """One view's way to the letters. Belongs to one event loop."""

    def __init__(self, queries: LetterQueries, pages: Pages) -> None:
        self._queries = queries
        self._pages = pages
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def list(self, request: Request, app: str | None) -> Response:
        """The newest, with counts; only those of `app`, where it is given."""
        try:
            return await self._list(request, app)
        except RefusedError as error:
            if not _wants_page(request):
                raise
            asked = request.query_params.get(LANGUAGE)
            given = {LANGUAGE: asked} if asked in LANGUAGES else {}
            language = language_of(given, request.headers.get("accept-language", ""))
            return _html(self._pages.wrong(language, error), 400)

    async def _list(self, request: Request, app: str | None) -> Response:
        allowed = (FILTERS | PAGING | {LANGUAGE}) - ({"app"} if app is not None else set())
        given = check_names(request.query_params.multi_items(), allowed)
        language = language_of(given, request.headers.get("accept-language", ""))
        wanted = read_wanted(given, time.time_ns() // 1_000_000)
        which = wanted.filter if app is None else wanted.filter._replace(app=app)

        def ask() -> tuple[list[Letter], LetterCounts]:
            return self._queries.newest(which, wanted.limit + 1, wanted.after), self._queries.counts(which)

        letters, counts = await self.ask(ask)
        more = len(letters) > wanted.limit
        letters = letters[: wanted.limit]
        if not _wants_page(request):
            return json_response(page_json(letters, counts, more=more))
        after = cursor_text(letters[-1].cursor) if more else ""
        html = await self.ask(
            lambda: self._pages.list(language, letters, counts, given=given, after=after, of_app=app or "")
        )
        return _html(html)

    async def one(self, request: Request, app: str | None) -> Response:
        """One letter, with what lies in it; 404 when it is not there, or not of `app`."""
        given = check_names(request.query_params.multi_items(), frozenset({LANGUAGE}))
        language = language_of(given, request.headers.get("accept-language", ""))
        names = request.path_params
        place = read_place(names["source"], names["partition"], names["offset"])
        letter = await self.ask(lambda: self._queries.one(place, app)) if place else None
        if letter is None:
            rule = "there is no such dead letter here; perhaps it is too old"
            return json_response({"error": "not_found", "path": request.url.path[:200], "rule": rule}, 404)
        if not _wants_page(request):
            return json_response(await self.ask(lambda: detail_json(letter)))
        return _html(await self.ask(lambda: self._pages.one(language, letter, content_of(letter), of_app=app or "")))

    async def ask(self, question: Callable[[], T]) -> T:
        """The answer of something that blocks."""
        async with self._turns:
            return await asyncio.to_thread(question)


def guarded(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """`endpoint`, whose every error becomes an answer."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except AyumiError as error:
            answer = error_answer(error)
            if answer.status >= 500:
                _log.warning("request_failed", method=request.method, error=str(error))
            return _plain(answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the log the reason
            _log.error("request_failed", method=request.method, exc_info=error)
            return _plain(internal_error())

    return answered


def json_response(content: object, status: int = 200) -> Response:
    """JSON."""
    return Response(orjson.dumps(content), status, media_type="application/json", headers=_HEADERS)


def _html(page: tuple[str, dict[str, str]], status: int = 200) -> Response:
    html, headers = page
    return Response(html, status, media_type="text/html; charset=utf-8", headers={**_HEADERS, **headers})


def _plain(answer: Answer) -> Response:
    response = Response(answer.body, answer.status, media_type=answer.content_type.decode("ascii"), headers=_HEADERS)
    response.raw_headers.extend(answer.headers)
    return response


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
