"""The operator's own endpoints: who may ask, and what each store can say for the accounting.

The token is the zone folder's `keys/operator.token`; whoever can read that file operates the zone.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response
from starlette.routing import Route

from lrs.api.accounting import accounting_routes
from lrs.api.freezing import freezing_route
from lrs.kernel.errors import RefusedError, RetryError
from lrs.store.accounting import hop_counts
from lrs.store.holdings import LOADER, RECORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from lrs.kernel.zone_folder import ZoneFolder
    from lrs.store.engine import Engine
    from lrs.store.facts import Facts
    from lrs.store.tallies import Tallies

OPERATOR_PATH = "/operator/"
_CHALLENGES = ('Bearer realm="operator"', 'Basic realm="operator", charset="UTF-8"')


class OperatorGate:
    """Lets through requests with the operator's Bearer token."""

    def __init__(self, token: str) -> None:
        """`token` is compared in constant time and never logged."""
        self._token = token.encode()

    @classmethod
    def of(cls, folder: ZoneFolder) -> OperatorGate:
        """The gate of a zone; its folder must have been prepared."""
        return cls(folder.operator_token.read_text("ascii").strip())

    def admits(self, authorization: str) -> bool:
        """Whether an Authorization header carries the token."""
        scheme, _, token = authorization.partition(" ")
        given = token.strip().encode()
        return hmac.compare_digest(given, self._token) and scheme.lower() == "bearer"

    def lets_look(self, authorization: str) -> bool:
        """Whether a header carries the token as a bearer's, or as the password of any user: for pages in a browser.

        For GET only: a browser sends a password along for whatever page asks it to.
        """
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() != "basic":
            return self.admits(authorization)
        try:
            pair = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return self.admits(f"Bearer {pair.partition(':')[2]}")

    def refusal(self) -> Response:
        """The 401 that makes a browser ask for the password, and tells a program what to send."""
        rule = "send the zone's operator token as Bearer token, or for these pages as password of any user"
        response = _json({"error": "operator_token", "rule": rule}, 401, {"Cache-Control": "no-store"})
        for challenge in _CHALLENGES:
            response.headers.append("WWW-Authenticate", challenge)
        return response

    def route(self, path: str, report: Callable[[bool], dict[str, Any]]) -> Route:
        """`GET path` answers with `report(thorough)`, as `answering` does.

        With `?thorough=0` the check for rows written twice is left out, so that one may ask often.
        """
        return self.answering(path, lambda query: report(query.get("thorough") != "0"))

    def answering(
        self, path: str, report: Callable[[Mapping[str, str]], dict[str, Any]], *, method: str = "GET"
    ) -> Route:
        """`method path` answers with `report(query)` as JSON, which may block; 401 without the token.

        400 where it raises `RefusedError`, 503 with Retry-After where it raises `RetryError`.
        """

        async def endpoint(request: Request) -> Response:
            headers = {"Cache-Control": "no-store"}
            if not self.admits(request.headers.get("authorization", "")):
                headers["WWW-Authenticate"] = 'Bearer realm="operator"'
                rule = "send the zone's operator token as Bearer token"
                return _json({"error": "operator_token", "rule": rule}, 401, headers)
            try:
                content = await asyncio.to_thread(report, request.query_params)
            except RefusedError as error:
                return _json({"error": error.reason, "rule": error.rule}, 400, headers)
            except RetryError as error:
                headers["Retry-After"] = str(math.ceil(error.after_seconds))
                return _json({"error": "away", "rule": str(error)}, 503, headers)
            return _json(content, 200, headers)

        return Route(path, endpoint, methods=[method])


def _json(content: dict[str, Any], status: int, headers: Mapping[str, str]) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json", headers=headers)


def archive_operator_routes(gate: OperatorGate, *, engine: Engine, tallies: Tallies) -> list[Route]:
    """`/operator/archive`: what the recorder counted and the archive holds, as `HopCounts.to_json`."""

    def report(thorough: bool) -> dict[str, Any]:  # noqa: FBT001 - the gate calls it with nothing else
        return hop_counts(engine, tallies, RECORDER, thorough=thorough).to_json()

    return [
        gate.route("/operator/archive", report),
        freezing_route(gate, "archive", engine),
        *accounting_routes(gate, "archive", RECORDER, engine=engine, tallies=tallies),
    ]


def facts_operator_routes(gate: OperatorGate, *, engine: Engine, tallies: Tallies, facts: Facts) -> list[Route]:
    """`/operator/tallies`: what the loader counted and the facts hold, as `HopCounts.to_json` and `facts`."""

    def report(thorough: bool) -> dict[str, Any]:  # noqa: FBT001 - the gate calls it with nothing else
        found = hop_counts(engine, tallies, LOADER, thorough=thorough).to_json()
        return found | {"facts": asdict(facts.counts())} if thorough else found

    return [
        gate.route("/operator/tallies", report),
        freezing_route(gate, "facts", engine),
        *accounting_routes(gate, "facts", LOADER, engine=engine, tallies=tallies),
    ]
