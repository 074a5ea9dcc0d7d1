"""Generated bad requests against a real zone: each is told what is wrong with it, and nobody else notices."""

from __future__ import annotations

import asyncio
import os

import httpx

from tests.support.described import Described
from tests.support.fuzzing.requests import Maker
from tests.support.fuzzing.run import fuzz
from tests.support.http_zone import Zone, new_id, statement

REFUSED = 1500
SEED = int(os.environ.get("SEED", "4"))
_MOST_GROWTH = 200 * 1024 * 1024


async def _resident(app: httpx.AsyncClient) -> float:
    lines = (await app.get("/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("process_resident_memory_bytes"))


async def _work(app: httpx.AsyncClient, until: asyncio.Event) -> int:
    """Write and read as a good client, until told; how many statements."""
    number = 0
    while not until.is_set():
        sent = statement(id=new_id())
        answer = await app.post("/xAPI/statements", json=sent)
        assert answer.status_code == 200, answer.text
        found = await app.get("/xAPI/statements", params={"statementId": sent["id"]})
        assert (found.status_code, found.json()["object"]) == (200, sent["object"])
        number += 1
    return number


async def test_generated_bad_requests_are_refused_as_described_and_disturb_nobody(
    app: httpx.AsyncClient, running: Zone
) -> None:
    described = Described((await app.get("/xAPI/openapi.json")).json())
    before, over = await _resident(app), asyncio.Event()
    working = asyncio.create_task(_work(app, over))
    try:
        found = await fuzz(running.place, running.auth, described, count=REFUSED, seed=SEED)
    finally:
        over.set()
        worked = await working
    assert not found.faults, "\n".join(found.faults)
    assert found.refused >= REFUSED, found.table()
    assert worked
    assert await _resident(app) - before < _MOST_GROWTH


def test_the_same_seed_makes_the_same_requests() -> None:
    one, two, other = (Maker(seed, ("key", "secret")) for seed in (1, 1, 2))
    made = [(one(), two(), other()) for _ in range(300)]
    assert all(first == second for first, second, _ in made)
    assert sum(first != third for first, _, third in made) > 290
