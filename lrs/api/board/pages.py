"""The pages: read the question, ask, and fill a template. What a template shows is made in `views`.

A year of days takes some 30 ms to draw and write, so that is done beside the event loop.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.routing import Route

from lrs.api.board.parameters import FILTERS, Question, check_names, read_choice, read_code, read_filters
from lrs.api.board.views import curriculum_view, overview_view
from lrs.store.aggregate_rows import Filters

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams
    from starlette.requests import Request
    from starlette.responses import Response

    from lrs.api.board.reader import BoardReader
    from lrs.api.board.rendering import Pages


def page_routes(reader: BoardReader, pages: Pages) -> list[Route]:
    """`/`, `/curriculum` and `/about`."""

    async def overview(request: Request) -> Response:
        given = request.query_params
        check_names(given, FILTERS | {"lang"})
        check_language(given)
        filters = await whole_window(reader, read_filters(given))
        if filters is None:
            return pages.answer(request, "empty.html", page="overview")
        activity, summary = await reader.activity(filters), await reader.summary(filters)
        apps = await reader.apps()

        def drawn() -> Response:
            view = overview_view(activity, summary, filters, pages.say(request))
            return pages.answer(request, "overview.html", page="overview", view=view, apps=apps)

        return await asyncio.to_thread(drawn)

    async def curriculum(request: Request) -> Response:
        given = request.query_params
        check_names(given, (FILTERS | {"code", "lang"}) - {"subject"})
        check_language(given)
        filters = await whole_window(reader, read_filters(given))
        if filters is None:
            return pages.answer(request, "empty.html", page="curriculum")
        question = Question(filters, read_code(given))
        success, apps = await reader.success(question), await reader.apps()

        def drawn() -> Response:
            view = curriculum_view(success, question, pages.say(request))
            return pages.answer(request, "curriculum.html", page="curriculum", view=view, apps=apps)

        return await asyncio.to_thread(drawn)

    async def about(request: Request) -> Response:
        check_names(request.query_params, {"lang"})
        check_language(request.query_params)
        return pages.answer(request, "about.html", page="about")

    return [
        Route("/", overview, methods=["GET"]),
        Route("/curriculum", curriculum, methods=["GET"]),
        Route("/about", about, methods=["GET"]),
    ]


def check_language(given: QueryParams) -> None:
    """Refuse a language that there is no catalogue of."""
    read_choice(given, "lang", ("ja", "en"), "ja")


async def whole_window(reader: BoardReader, filters: Filters) -> Filters | None:
    """`filters` with the days that were left open set to the days that there are facts of; None: there are none."""
    window = await reader.window()
    if window is None:
        return None
    first, last = filters.first or window[0], filters.last or window[1]
    if first > last:
        first, last = (first, first) if filters.first else (last, last)
    return Filters(first, last, filters.app, filters.subject, filters.grades)
