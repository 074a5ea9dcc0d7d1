"""Charts as files: the same drawings as on the pages, alone, as SVG or PNG."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from starlette.responses import Response
from starlette.routing import Route

from lrs.api.board.charts.days import SIZES
from lrs.api.board.charts.png import png
from lrs.api.board.messages import Language, catalogue
from lrs.api.board.pages import whole_window
from lrs.api.board.parameters import FILTERS, Question, check_names, read_choice, read_code, read_filters
from lrs.api.board.views import DAILY_MEASURES, activity_chart, rate_lines, success_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import QueryParams
    from starlette.requests import Request

    from lrs.api.board.charts.days import Size
    from lrs.api.board.charts.svg import Svg
    from lrs.api.board.reader import BoardReader
    from lrs.api.board.rendering import Pages

_TYPES = {"svg": "image/svg+xml", "png": "image/png"}
_COMMON = FILTERS | {"size", "lang"}


def export_routes(reader: BoardReader, pages: Pages) -> list[Route]:
    """`/charts/activity.svg|png` and `/charts/success.svg|png`."""

    async def activity(request: Request) -> Response:
        given = request.query_params
        check_names(given, _COMMON | {"measure"})
        measure = read_choice(given, "measure", DAILY_MEASURES, "answers")
        size, language = _size(given), _language(given)
        filters = await whole_window(reader, read_filters(given))
        rows = (await reader.activity(filters)).rows if filters else []
        chart = activity_chart(rows, measure, size, catalogue(language)) if rows else None
        notes = pages.notes(filters, catalogue(language)) if filters else []
        return await _file(chart, notes, request, f"ayumi-{measure}")

    async def success(request: Request) -> Response:
        given = request.query_params
        check_names(given, _COMMON | {"code"})
        size, language = _size(given), _language(given)
        filters = await whole_window(reader, read_filters(given))
        chart = None
        if filters:
            question = Question(filters, read_code(given))
            lines = rate_lines(await reader.success(question), catalogue(language))
            chart = success_chart(lines, question, size, catalogue(language)) if lines else None
        notes = pages.notes(filters, catalogue(language)) if filters else []
        return await _file(chart, notes, request, "ayumi-success")

    return [
        Route("/charts/activity.{kind}", activity, methods=["GET"]),
        Route("/charts/success.{kind}", success, methods=["GET"]),
    ]


def _size(given: QueryParams) -> Size:
    name = read_choice(given, "size", [size.name for size in SIZES], "medium")
    return next(size for size in SIZES if size.name == name)


def _language(given: QueryParams) -> Language:
    return cast("Language", read_choice(given, "lang", ("ja", "en"), "ja"))


async def _file(chart: Svg | None, notes: Sequence[str], request: Request, name: str) -> Response:
    kind = request.path_params["kind"]
    if kind not in _TYPES:
        return Response("not found\n", 404, media_type="text/plain")
    if chart is None:
        return Response(status_code=204)
    text = chart.alone(notes)
    japanese = any(mark > "\u2fff" for mark in text)
    content = text.encode() if kind == "svg" else await asyncio.to_thread(png, text, japanese=japanese)
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'inline; filename="{name}.{kind}"'}
    return Response(content, media_type=_TYPES[kind], headers=headers)
