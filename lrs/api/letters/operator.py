"""The operator's view of all dead letters, and the replay. Pages open with the operator's token as a password."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.routing import Route

from lrs.api.letters.filters import FILTERS, PAGING, check_names, cursor_text, read_number, read_wanted
from lrs.api.letters.paths import OPERATOR_REFUSED
from lrs.api.letters.rendering import Pages
from lrs.api.letters.views import Letters, guarded, json_response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from lrs.api.letters.replaying import Replaying
    from lrs.api.operator import OperatorGate
    from lrs.store.dead_letter_queries import LetterQueries

MOST_REPLAYED = 500
"""Letters of one batch: the broker and the archive get to other things between two."""

_UNTIL = "until"


def operator_letter_routes(
    gate: OperatorGate, *, queries: LetterQueries, replaying: Replaying, operator: str
) -> list[Route]:
    """`/operator/refused`, one letter below it, and `POST /operator/refused/replay`."""
    letters = Letters(queries, Pages(operator=operator))

    def may_look(request: Request) -> bool:
        return gate.lets_look(request.headers.get("authorization", ""))

    async def newest(request: Request) -> Response:
        return await letters.list(request, None) if may_look(request) else gate.refusal()

    async def one(request: Request) -> Response:
        return await letters.one(request, None) if may_look(request) else gate.refusal()

    async def replay(request: Request) -> Response:
        # The token as a bearer's only: a browser sends a password along for whatever page asks it to.
        if not gate.admits(request.headers.get("authorization", "")):
            return gate.refusal()
        given = check_names(request.query_params.multi_items(), (FILTERS | PAGING | {_UNTIL}) - {"all"})
        now_ms = time.time_ns() // 1_000_000
        wanted = read_wanted(given, now_ms, most=MOST_REPLAYED)
        # What is refused again behind this moment is not of this replay.
        until_ms = read_number(given.get(_UNTIL, str(now_ms)), _UNTIL, least=0, most=now_ms)
        report = await replaying.replay(wanted.filter._replace(until_ms=until_ms), wanted.limit, wanted.after)
        after = cursor_text(report.after) if report.after else None
        return json_response({**report._asdict(), "after": after, _UNTIL: until_ms})

    return [
        Route(OPERATOR_REFUSED, guarded(newest), methods=["GET"]),
        Route(f"{OPERATOR_REFUSED}/replay", guarded(replay), methods=["POST"]),
        Route(f"{OPERATOR_REFUSED}/{{source}}/{{partition}}/{{offset}}", guarded(one), methods=["GET"]),
    ]
