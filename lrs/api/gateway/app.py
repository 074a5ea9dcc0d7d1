"""The gateway's ASGI application: find the resource, admit the request, act, answer. No framework.

Why none: docs/decisions/0005-web-framework.md.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from lrs.api import health
from lrs.api.gateway.admission import not_allowed
from lrs.api.gateway.answers import Answer, HttpError, error_answer, internal_error
from lrs.api.gateway.requests import Request
from lrs.api.gateway.routes import STATEMENTS
from lrs.api.letters.paths import VENDOR_PATH
from lrs.api.operator import OPERATOR_PATH
from lrs.kernel import metrics
from lrs.kernel.errors import AyumiError
from lrs.kernel.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prometheus_client import Histogram
    from starlette.routing import BaseRoute

    from lrs.api.gateway.admission import Admission
    from lrs.api.gateway.answering import Answering
    from lrs.api.gateway.answers import Header
    from lrs.api.gateway.consistency import Consistency
    from lrs.api.gateway.cors import Cors
    from lrs.api.gateway.requests import Receive, Scope, Send
    from lrs.api.gateway.routes import Route, Routes
    from lrs.kernel.parts import Check

_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_log = get_logger("gateway")


class Gateway:
    """The application."""

    def __init__(  # noqa: PLR0913 - its resources, all by name
        self,
        *,
        routes: Routes,
        admission: Admission,
        answering: Answering,
        cors: Cors,
        consistency: Consistency,
        checks: Callable[[], list[Check]],
        operator_routes: Sequence[BaseRoute] = (),
    ) -> None:
        self._routes = routes
        self._admission = admission
        self._answering = answering
        self._cors = cors
        self._consistency = consistency
        # What is not xAPI: health, metrics, and the operator's own endpoints.
        self._aside = Starlette(routes=[*health.health_routes(checks), *operator_routes])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        path = scope["path"]
        route = self._routes.find(path)
        if route is None and (path in health.PATHS or path.startswith((OPERATOR_PATH, VENDOR_PATH))):
            await self._aside(scope, receive, send)
            return
        began = time.perf_counter()
        request = Request(scope, receive)
        try:
            answer = await self._answer(request, route)
            await self._answering.send(request, answer, self._told(route, answer), send)
        finally:
            self._admission.dismiss(request)
        _account(request, route, answer, time.perf_counter() - began)

    async def _answer(self, request: Request, route: Route | None) -> Answer:
        try:
            return await self._act(request, route)
        except AyumiError as error:
            return error_answer(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the log the reason
            _log.error("request_failed", method=request.method, path=_name(route), exc_info=error)
            return internal_error()

    async def _act(self, request: Request, route: Route | None) -> Answer:
        if route is None:
            raise HttpError(404, "not_found", "there is no such resource here", path=request.path[:200])
        if request.method == "OPTIONS":
            return self._cors.options(request, route.methods)
        if route.page is None:
            handler, call = await self._admission.admit(request, route)
            return await handler(call)
        if request.method not in route.methods:
            raise not_allowed(request.method, route.methods)
        return await route.page(request)

    def _told(self, route: Route | None, answer: Answer) -> tuple[Header, ...]:
        """How far the archive has come, on every answer of the statement resource (xAPI Communication 2.1.3)."""
        if route is None or route.name != STATEMENTS:
            return ()
        return self._consistency.headers(answer.headers)


def _name(route: Route | None) -> str:
    return route.name if route else "other"


def _account(request: Request, route: Route | None, answer: Answer, seconds: float) -> None:
    """One metric and one canonical line a request; the line of a request that went well only at debug level.

    A line costs a tenth of the whole request, and the metrics count those that went well.
    """
    name = _name(route)
    method = request.method if request.method in _KNOWN_METHODS else "other"
    _histogram(name, method, answer.status).observe(seconds)
    say = _log.debug if answer.status < 400 else _log.warning if answer.status >= 500 else _log.info
    say("request_answered", route=name, method=method, status=answer.status, seconds=round(seconds, 4))


@cache
def _histogram(name: str, method: str, status: int) -> Histogram:
    return metrics.GATEWAY_REQUEST_SECONDS.labels(name, method, str(status))
