"""The aggregates API: parse, ask, write as JSON or CSV. Both formats are written from the same rows, so both hide the same."""

from __future__ import annotations

import csv
import io
from datetime import UTC
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response
from starlette.routing import Route

from lrs.api.board.measures import BY_AGGREGATE
from lrs.api.board.parameters import FILTERS, Question, check_names, read_code, read_depth, read_filters, read_format
from lrs.store.aggregates import TIME_ZONE, CodeRow, DayRow, SummaryRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from lrs.api.board.parameters import Format
    from lrs.api.board.reader import BoardReader
    from lrs.store.aggregates import Filters, Fresh

PREFIX = "/api/aggregates"


def aggregate_routes(reader: BoardReader) -> list[Route]:
    """`/api/aggregates/activity`, `/summary` and `/success`."""

    async def activity(request: Request) -> Response:
        check_names(request.query_params, FILTERS | {"format"})
        filters, wanted = read_filters(request.query_params), read_format(request.query_params)
        answer = await reader.activity(filters)
        return _answer("activity", wanted, reader, filters, answer.fresh, DayRow._fields, answer.rows)

    async def summary(request: Request) -> Response:
        check_names(request.query_params, FILTERS | {"format"})
        filters, wanted = read_filters(request.query_params), read_format(request.query_params)
        answer = await reader.summary(filters)
        return _answer("summary", wanted, reader, filters, answer.fresh, SummaryRow._fields, [answer.row])

    async def success(request: Request) -> Response:
        given = request.query_params
        check_names(given, FILTERS | {"format", "code", "depth"})
        question, wanted = Question(read_filters(given), read_code(given), read_depth(given)), read_format(given)
        answer = await reader.success(question)
        extra = {"code": question.code, "depth": question.depth}
        return _answer("success", wanted, reader, question.filters, answer.fresh, CodeRow._fields, answer.rows, extra)

    return [
        Route(f"{PREFIX}/activity", activity, methods=["GET"]),
        Route(f"{PREFIX}/summary", summary, methods=["GET"]),
        Route(f"{PREFIX}/success", success, methods=["GET"]),
    ]


def fresh_text(fresh: Fresh) -> str | None:
    """The newest stored time in the answer, ISO 8601 in UTC with milliseconds."""
    if fresh.through is None:
        return None
    return fresh.through.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _answer(
    aggregate: str,
    wanted: Format,
    reader: BoardReader,
    filters: Filters,
    fresh: Fresh,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    extra: dict[str, Any] | None = None,
) -> Response:
    headers = {"Cache-Control": "no-store", "Ayumi-Fresh-Through": fresh_text(fresh) or ""}
    if wanted == "csv":
        headers["Content-Disposition"] = f'attachment; filename="ayumi-{aggregate}.csv"'
        return Response(_csv(columns, rows), media_type="text/csv; charset=utf-8", headers=headers)
    body = {
        "aggregate": aggregate,
        "fresh_through": fresh_text(fresh),
        "min_learners": reader.min_learners,
        "time_zone": TIME_ZONE,
        "filters": _filters(filters) | (extra or {}),
        "measures": [measure.declared() for measure in BY_AGGREGATE[aggregate]],
        "rows": [dict(zip(columns, row, strict=True)) for row in rows],
    }
    return Response(orjson.dumps(body), media_type="application/json", headers=headers)


def _filters(filters: Filters) -> dict[str, Any]:
    return {
        "from": filters.first,
        "to": filters.last,
        "app": filters.app or None,
        "subject": filters.subject or None,
        "grade": list(filters.grades) or None,
    }


def _csv(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([str(value).lower() if isinstance(value, bool) else value for value in row] for row in rows)
    # The mark makes Excel read Japanese as UTF-8; pandas, polars and DuckDB skip it.
    return b"\xef\xbb\xbf" + out.getvalue().encode()
