"""A client that asks again and again for what is new, while others write."""

from __future__ import annotations

import asyncio

import httpx

from lrs.kernel.statements.timestamps import timestamp_ms
from tests.support.http_zone import new_id, statement

WRITERS, EACH = 8, 40
THROUGH = "X-Experience-API-Consistent-Through"


async def test_whoever_asks_since_the_last_consistent_through_misses_nothing(app: httpx.AsyncClient) -> None:
    registration = new_id()
    sent = [
        [statement(id=new_id(), context={"registration": registration}) for _ in range(EACH)] for _ in range(WRITERS)
    ]
    writing = asyncio.gather(*(write(app, some) for some in sent))
    seen: set[str] = set()
    since, over = "1970-01-01T00:00:00Z", False
    while not over:
        over = writing.done()
        answer = await app.get("/xAPI/statements", params={"registration": registration, "since": since})
        seen |= {found["id"] for found in answer.json()["statements"]}
        assert not answer.json()["more"]
        assert (timestamp_ms(answer.headers[THROUGH]) or 0) >= (timestamp_ms(since) or 0)
        since = answer.headers[THROUGH]
    await writing
    assert seen == {one["id"] for some in sent for one in some}


async def write(app: httpx.AsyncClient, statements: list[dict[str, object]]) -> None:
    for one in statements:
        assert (await app.post("/xAPI/statements", json=one)).status_code == 200
