"""`/metrics`, `/healthz` and `/readyz`, the same on every process. Open to everybody; no statement is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from lrs.kernel.parts import Check

PATHS = frozenset({"/metrics", "/healthz", "/readyz"})


def health_routes(checks: Callable[[], list[Check]]) -> list[Route]:
    """Routes for any Starlette application. `checks` is asked on every `/readyz`; it may be called from any thread."""

    # Plain functions: Starlette runs them beside the event loop, so that a scrape never delays a statement.
    def metrics(_: Request) -> Response:
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def healthz(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    def readyz(_: Request) -> Response:
        asked = checks()
        ready = all(check.ok for check in asked)
        lines = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in asked]
        return JSONResponse({"ready": ready, "checks": lines}, 200 if ready else 503)

    endpoints = {"/metrics": metrics, "/healthz": healthz, "/readyz": readyz}
    return [Route(path, endpoint, methods=["GET"]) for path, endpoint in endpoints.items()]
