"""The operator's view of all dead letters, and the replay. Pages open with the operator's token as a password."""

from __future__ import annotations

import base64
import binascii
import time
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from lrs.api.letters.filters import FILTERS, PAGING, check_names, cursor_text, read_number, read_wanted
from lrs.api.letters.paths import OPERATOR_REFUSED
from lrs.api.letters.rendering import Pages
from lrs.api.letters.views import Letters, guarded, json_response

if TYPE_CHECKING:
    from starlette.requests import Request

    from lrs.api.letters.replaying import Replaying
    from lrs.api.operator import OperatorGate
    from lrs.store.dead_letter_queries import LetterQueries

MOST_REPLAYED = 500
"""Letters of one batch: the broker and the archive get to other things between two."""

_UNTIL = "until"
_CHALLENGES = ('Bearer realm="operator"', 'Basic realm="operator", charset="UTF-8"')


def operator_letter_routes(
    gate: OperatorGate, *, queries: LetterQueries, replaying: Replaying, operator: str
) -> list[Route]:
    """`/operator/refused`, one letter below it, and `POST /operator/refused/replay`."""
    letters = Letters(queries, Pages(operator=operator))

    async def newest(request: Request) -> Response:
        return await letters.list(request, None) if _may_look(gate, request) else _refused()

    async def one(request: Request) -> Response:
        return await letters.one(request, None) if _may_look(gate, request) else _refused()

    async def replay(request: Request) -> Response:
        # The token as a bearer's only: a browser sends a password along for whatever page asks it to.
        if not gate.admits(request.headers.get("authorization", "")):
            return _refused()
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


def _may_look(gate: OperatorGate, request: Request) -> bool:
    """The operator's token, as a bearer's or as the password of any user."""
    authorization = request.headers.get("authorization", "")
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return gate.admits(authorization)
    try:
        pair = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return gate.admits(f"Bearer {pair.partition(':')[2]}")


def _refused() -> Response:
    rule = "send the zone's operator token as Bearer token, or for these pages as password of any user"
    response = json_response({"error": "operator_token", "rule": rule}, 401)
    for challenge in _CHALLENGES:
        response.headers.append("WWW-Authenticate", challenge)
    return response
