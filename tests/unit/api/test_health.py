"""The endpoints that every process has."""

from __future__ import annotations

import httpx
from starlette.applications import Starlette

from lrs.api.health import health_routes
from lrs.kernel.parts import Check


async def _get(path: str, checks: list[Check]) -> httpx.Response:
    transport = httpx.ASGITransport(Starlette(routes=health_routes(lambda: checks)))
    async with httpx.AsyncClient(transport=transport, base_url="http://zone") as client:
        return await client.get(path)


async def test_a_process_whose_parts_are_well_is_ready() -> None:
    answer = await _get("/readyz", [Check("recorder", ok=True)])
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "checks": [{"name": "recorder", "ok": True, "detail": ""}]}


async def test_one_part_that_is_not_well_makes_the_process_not_ready_and_says_why() -> None:
    answer = await _get("/readyz", [Check("recorder", ok=True), Check("views", ok=False, detail="catalogue is read")])
    assert answer.status_code == 503
    assert answer.json()["checks"][1]["detail"] == "catalogue is read"


async def test_a_process_that_is_not_ready_is_alive() -> None:
    assert (await _get("/healthz", [Check("views", ok=False)])).status_code == 200


async def test_metrics_are_in_the_text_format_with_names_of_the_one_list() -> None:
    answer = await _get("/metrics", [])
    assert answer.headers["content-type"].startswith("text/plain")
    assert "# TYPE ayumi_gateway_request_seconds histogram" in answer.text
