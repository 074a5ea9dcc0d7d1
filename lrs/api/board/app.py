"""The board's application: routes, what every answer carries, and how errors become answers."""

from __future__ import annotations

import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from lrs.api.board.answers import PREFIX, aggregate_routes
from lrs.api.board.charts.png import FontError
from lrs.api.board.exports import export_routes
from lrs.api.board.messages import catalogue
from lrs.api.board.pages import page_routes
from lrs.api.board.parameters import ParameterError
from lrs.kernel.errors import RetryError
from lrs.kernel.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lrs.api.board.reader import BoardReader
    from lrs.api.board.rendering import Pages

# Nothing comes from another host, nothing runs that is not a file of ours.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# An exported chart is a file of its own, with its own style inside and nothing that runs.
_CHART_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

_log = get_logger("board")


def create_app(reader: BoardReader, pages: Pages, more: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The application; `more` are routes that other modules own (health, operator)."""
    folder = Path(__file__).with_name("static")
    static = Mount("/static", StaticFiles(directory=folder, packages=[("lrs.api.frame", "static")]))
    errors = _Errors(pages)
    app = Starlette(
        routes=[*page_routes(reader, pages), *aggregate_routes(reader), *export_routes(reader, pages), *more, static],
        exception_handlers={
            ParameterError: errors.parameter,
            FontError: errors.font,
            RetryError: errors.busy,
            HTTPException: errors.http,
            Exception: errors.fault,
        },
    )
    # Outermost, so that the answer to a fault carries the headers as well.
    return _Envelope(app)


class _Envelope:
    """Adds the security headers, and writes one log line a request: route, status, seconds; never a parameter."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, answered = time.perf_counter(), 500, False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                answered = True
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/charts/"):
                    headers["Content-Security-Policy"] = _CHART_POLICY
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            # Starlette raises a fault again after it was answered and logged; one that was not answered goes on.
            if not answered:
                raise
        finally:
            route = scope["path"] if status != 404 else "unknown"
            _log.debug("request_answered", route=route, status=status, seconds=round(time.perf_counter() - started, 4))


class _Errors:
    """Errors as answers: JSON for programs, a page for people. None repeats what the store said."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def parameter(self, request: Request, error: Exception) -> Response:
        """400 with the parameter and the rule."""
        if not isinstance(error, ParameterError):  # the handler's type is Starlette's
            raise error
        fields = {"parameter": error.name, "rule": catalogue("en")(f"rule.{error.rule}", **error.values)}
        said = self._pages.say(request)(f"rule.{error.rule}", **error.values)
        return self._answer(request, 400, "bad_parameter", fields, parameter=error.name, rule=said)

    async def font(self, request: Request, _error: Exception) -> Response:
        """503: a picture would show boxes for words."""
        return self._answer(request, 503, "no_font", {"rule": catalogue("en")("error.no_font")}, headers={})

    async def busy(self, request: Request, error: Exception) -> Response:
        """503: the same request may succeed in a moment."""
        _log.warning("store_not_available", route=request.url.path, error=type(error).__name__)
        return self._answer(request, 503, "store_not_available", {}, headers={"Retry-After": "2"})

    async def http(self, request: Request, error: Exception) -> Response:
        """404, 405 and the like."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        kinds = {404: "not_found", 405: "method_not_allowed"}
        return self._answer(request, status, kinds.get(status, "refused"), {}, headers=headers)

    async def fault(self, request: Request, error: Exception) -> Response:
        """500: a mistake of ours; the log has its kind and place, not its words or values, which may be numbers."""
        where = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        _log.error("request_failed", route=request.url.path, error=type(error).__name__, where=where[-6:])
        return self._answer(request, 500, "internal", {})

    def _answer(
        self,
        request: Request,
        status: int,
        kind: str,
        fields: dict[str, Any],
        *,
        headers: dict[str, str] | None = None,
        **words: str,
    ) -> Response:
        path = request.url.path
        if path.startswith((PREFIX, "/charts/", "/operator/", "/static/")):
            body = orjson.dumps({"error": kind, **fields})
            answer = Response(body, status, media_type="application/json", headers={"Cache-Control": "no-store"})
        else:
            answer = self._pages.answer(request, "error.html", status=status, page="", kind=kind, words=words)
        answer.headers.update(headers or {})
        return answer
