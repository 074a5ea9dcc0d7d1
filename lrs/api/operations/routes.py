"""The operator's page, the same as JSON, and the stream of its changes; behind the operator's token.

A browser sends the token as the password of any user, as it does for `/operator/refused` on the gateway.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from lrs.api.board.parameters import check_names, read_choice
from lrs.api.operations.words import words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from lrs.api.operations.latest import Latest
    from lrs.api.operations.rendering import OperatorPages
    from lrs.api.operations.snapshot import Snapshot
    from lrs.api.operations.words import Words
    from lrs.api.operator import OperatorGate

PAGE_PATH = "/operator"
NOW_PATH = "/operator/now"
EVENTS_PATH = "/operator/events"

_POLL_SECONDS = 0.25
# Proxies and browsers give a silent connection up.
_ALIVE_SECONDS = 10.0
_NEW_SECONDS = 2.0
_WAIT_SECONDS = 8.0
_NO_STORE = {"Cache-Control": "no-store"}


def operation_routes(gate: OperatorGate, latest: Latest, pages: OperatorPages) -> list[Route]:
    """`/operator`, `/operator/now` and `/operator/events`."""
    shown = _Shown(latest, pages)

    async def page(request: Request) -> Response:
        _check(request)
        latest.watch()
        say = pages.say(request)
        parts = await asyncio.to_thread(shown.parts, latest.snapshot, say, pages.gateway_of(request))
        return pages.page(request, parts, f"{EVENTS_PATH}?lang={say.language}")

    async def now(request: Request) -> Response:
        check_names(request.query_params, set())
        seen = await asyncio.to_thread(latest.newer_than, time.time() - _NEW_SECONDS, _WAIT_SECONDS)
        if seen is None:
            rule = "log and stores were not yet looked at; try again in a moment"
            return Response(
                orjson.dumps({"error": "not_yet", "rule": rule}),
                503,
                media_type="application/json",
                headers={**_NO_STORE, "Retry-After": "2"},
            )
        body = await asyncio.to_thread(lambda: orjson.dumps(seen.to_json(), option=orjson.OPT_NON_STR_KEYS))
        return Response(body, media_type="application/json", headers=_NO_STORE)

    async def events(request: Request) -> Response:
        _check(request)
        say = words(read_choice(request.query_params, "lang", ("ja", "en"), "ja"))
        changes = shown.changes(request, say, pages.gateway_of(request))
        return StreamingResponse(
            changes, media_type="text/event-stream", headers={**_NO_STORE, "X-Accel-Buffering": "no"}
        )

    routes = {PAGE_PATH: page, NOW_PATH: now, EVENTS_PATH: events}
    return [Route(path, _guarded(gate, endpoint), methods=["GET"]) for path, endpoint in routes.items()]


class _Shown:
    """Parts of the newest snapshot, rendered once for each language and address."""

    def __init__(self, latest: Latest, pages: OperatorPages) -> None:
        self._latest = latest
        self._pages = pages
        self._rendered: dict[tuple[str, str], tuple[Snapshot | None, dict[str, str]]] = {}

    def parts(self, seen: Snapshot | None, say: Words, gateway: str) -> dict[str, str]:
        """By name. From any thread: two that render the same at once do no harm."""
        key = say.language, gateway
        known = self._rendered.get(key)
        if known is None or known[0] is not seen:
            if len(self._rendered) > 64:  # an address is what a reader's Host header says
                self._rendered.clear()
            known = self._rendered[key] = seen, self._pages.parts(seen, say, gateway)
        return known[1]

    async def changes(self, request: Request, say: Words, gateway: str) -> AsyncIterator[bytes]:
        """Server-sent events `parts`: a JSON object of the parts that are not as they were sent before."""
        sent: dict[str, str] = {}
        told_at, shown = time.monotonic(), object()
        yield b"retry: 2000\n\n"
        while not self._latest.closed and not await request.is_disconnected():
            self._latest.watch()
            seen = self._latest.snapshot
            if seen is not shown:
                parts = await asyncio.to_thread(self.parts, seen, say, gateway)
                changed = {name: text for name, text in parts.items() if sent.get(name) != text}
                sent, shown, told_at = parts, seen, time.monotonic()
                if changed:
                    yield b"event: parts\ndata: " + orjson.dumps(changed) + b"\n\n"
            elif time.monotonic() - told_at > _ALIVE_SECONDS:
                told_at = time.monotonic()
                yield b": alive\n\n"
            await asyncio.sleep(_POLL_SECONDS)


def _guarded(
    gate: OperatorGate, endpoint: Callable[[Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    async def answered(request: Request) -> Response:
        return await endpoint(request) if gate.lets_look(request.headers.get("authorization", "")) else gate.refusal()

    return answered


def _check(request: Request) -> None:
    check_names(request.query_params, {"lang"})
    read_choice(request.query_params, "lang", ("ja", "en"), "ja")
