"""The gateway's ASGI application: route, version, credential, act, answer. One function a request, no framework.

Why none: docs/decisions/0005-web-framework.md.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from lrs.api import health
from lrs.api.gateway.about import about
from lrs.api.gateway.answers import Answer, HttpError, error_answer, internal_error
from lrs.api.gateway.requests import Bodies, Request
from lrs.api.gateway.versions import HEADER, NEITHER, refuse_version, spoken
from lrs.api.gateway.writing import Sender
from lrs.api.operator import OPERATOR_PATH
from lrs.kernel import metrics
from lrs.kernel.errors import AyumiError
from lrs.kernel.logs import get_logger
from lrs.kernel.statements.timestamps import timestamp_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.routing import BaseRoute

    from lrs.api.gateway.authentication import Authentication
    from lrs.api.gateway.reading import Reading
    from lrs.api.gateway.requests import Receive, Scope, Send
    from lrs.api.gateway.writing import Writing
    from lrs.kernel.parts import Check
    from lrs.kernel.progress import Progress

_STATEMENTS = "/xAPI/statements"
_METHODS = {_STATEMENTS: ("GET", "HEAD", "POST", "PUT"), "/xAPI/about": ("GET", "HEAD")}
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_log = get_logger("gateway")


class Gateway:
    """The application. `ready` says whether statements may be taken and read yet, or raises why not."""

    def __init__(  # noqa: PLR0913 - its resources, all by name
        self,
        *,
        authentication: Authentication,
        writing: Writing,
        reading: Reading,
        bodies: Bodies,
        progress: Progress,
        ready: Callable[[], None],
        checks: Callable[[], list[Check]],
        operator_routes: Sequence[BaseRoute] = (),
    ) -> None:
        self._authentication = authentication
        self._writing = writing
        self._reading = reading
        self._bodies = bodies
        self._progress = progress
        self._ready = ready
        # What is not xAPI: health, metrics, and the operator's own endpoints.
        self._aside = Starlette(routes=[*health.health_routes(checks), *operator_routes])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["path"] in health.PATHS or scope["path"].startswith(OPERATOR_PATH):
            await self._aside(scope, receive, send)
            return
        began = time.perf_counter()
        request = Request(scope, receive)
        version = spoken(request.headers.get(HEADER))
        try:
            answer = await self._answer(request)
        except AyumiError as error:
            answer = error_answer(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the log the reason
            _log.error("request_failed", method=request.method, path=_route(request.path), exc_info=error)
            answer = internal_error()
        headers = [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % len(answer.body)),
            (HEADER, version.value.encode() if version else NEITHER),
            *answer.headers,
        ]
        if request.path == _STATEMENTS:
            through = timestamp_text(self._progress.consistent_through_ms())
            headers.append((b"x-experience-api-consistent-through", through.encode()))
        if answer.status == 204:
            del headers[:2]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else answer.body})
        _account(request, answer, time.perf_counter() - began)

    async def _answer(self, request: Request) -> Answer:
        methods = _METHODS.get(request.path)
        if methods is None:
            raise HttpError(404, "not_found", "there is no such resource here", path=request.path[:200])
        if request.method not in methods:
            allow = (b"allow", ", ".join(methods).encode())
            rule = f"this resource answers {', '.join(methods)}"
            raise HttpError(405, "method_not_allowed", rule, path=request.method[:20], headers=(allow,))
        if request.path != _STATEMENTS:
            return about()
        return await self._statements(request)

    async def _statements(self, request: Request) -> Answer:
        given = request.headers.get(HEADER)
        version = spoken(given)
        if version is None:
            raise refuse_version(given)
        credential = await self._authentication.authenticate(request.headers.get(b"authorization"))
        self._ready()
        if request.method in {"GET", "HEAD"}:
            return await self._reading.get(request.query)
        with self._bodies.held() as taken:
            body = await self._bodies.read(request, taken)
            act = self._writing.put if request.method == "PUT" else self._writing.post
            content_type = request.headers.get(b"content-type")
            return await act(request.query, content_type, body, Sender(credential, version))


def _route(path: str) -> str:
    return path if path in _METHODS else "other"


def _account(request: Request, answer: Answer, seconds: float) -> None:
    """One metric and one canonical line a request; the line of a request that went well only at debug level.

    A line costs a tenth of the whole request, and the metrics count those that went well.
    """
    route = _route(request.path)
    method = request.method if request.method in _KNOWN_METHODS else "other"
    metrics.GATEWAY_REQUEST_SECONDS.labels(route, method, str(answer.status)).observe(seconds)
    say = _log.debug if answer.status < 400 else _log.warning if answer.status >= 500 else _log.info
    say("request_answered", route=route, method=method, status=answer.status, seconds=round(seconds, 4))
