"""The aggregates API: parse, ask, write as JSON or CSV. Both are written from the same rows, so both hide the same."""

from __future__ import annotations

import csv
import io
from datetime import UTC
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from starlette.responses import Response
from starlette.routing import Route

from lrs.api.board.measures import BY_AGGREGATE
from lrs.api.board.parameters import FILTERS, Question, check_names, read_code, read_depth, read_filters, read_format
from lrs.store.aggregate_rows import CodeRow, DayRow, SummaryRow
from lrs.store.aggregates import TIME_ZONE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from lrs.api.board.parameters import Format
    from lrs.api.board.reader import BoardReader
    from lrs.store.aggregate_rows import Filters, Fresh

PREFIX = "/api/aggregates"


class Answer(NamedTuple):
    """What was asked and what was found; `place` is where in the curriculum, for those that ask that."""

    aggregate: str
    filters: Filters
    fresh: Fresh
    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]
    place: Mapping[str, Any] = MappingProxyType({})


def aggregate_routes(reader: BoardReader) -> list[Route]:
    """`/api/aggregates/activity`, `/summary` and `/success`."""

    def write(answer: Answer, wanted: Format) -> Response:
        return _written(answer, wanted, reader.min_learners)

    async def activity(request: Request) -> Response:
        check_names(request.query_params, FILTERS | {"format"})
        filters, wanted = read_filters(request.query_params), read_format(request.query_params)
        answer = await reader.activity(filters)
        return write(Answer("activity", filters, answer.fresh, DayRow._fields, answer.rows), wanted)

    async def summary(request: Request) -> Response:
        check_names(request.query_params, FILTERS | {"format"})
        filters, wanted = read_filters(request.query_params), read_format(request.query_params)
        answer = await reader.summary(filters)
        return write(Answer("summary", filters, answer.fresh, SummaryRow._fields, [answer.row]), wanted)

    async def success(request: Request) -> Response:
        given = request.query_params
        check_names(given, FILTERS | {"format", "code", "depth"})
        question, wanted = Question(read_filters(given), read_code(given), read_depth(given)), read_format(given)
        answer = await reader.success(question)
        place = {"code": question.code, "depth": question.depth}
        return write(Answer("success", question.filters, answer.fresh, CodeRow._fields, answer.rows, place), wanted)

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


def _written(answer: Answer, wanted: Format, min_learners: int) -> Response:
    headers = {"Cache-Control": "no-store", "Ayumi-Fresh-Through": fresh_text(answer.fresh) or ""}
    if wanted == "csv":
        headers["Content-Disposition"] = f'attachment; filename="ayumi-{answer.aggregate}.csv"'
        content = _csv(answer.columns, answer.rows)
        return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
    body = {
        "aggregate": answer.aggregate,
        "fresh_through": fresh_text(answer.fresh),
        "min_learners": min_learners,
        "time_zone": TIME_ZONE,
        "filters": {**_filters(answer.filters), **answer.place},
        "measures": [measure.declared() for measure in BY_AGGREGATE[answer.aggregate]],
        "rows": [dict(zip(answer.columns, row, strict=True)) for row in answer.rows],
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
