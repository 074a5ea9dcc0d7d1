"""One id stands for one content, whoever sends what at once to which gateway, and whatever is killed meanwhile."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from lrs.kernel.settings import BrokerSettings
from tests.support.apart import RECORDER, Apart, apart
from tests.support.contending import Content, Contest, content_of
from tests.support.durability import Fuse, client
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)

IDS, WRITERS = 20, 8
ANSWERS = 80  # the kill comes at one of the first so many


async def test_with_two_gateways_and_kills_in_between_every_id_is_stored_once_and_losers_hear_of_it(
    broker: BrokerSettings, zone: str, tmp_path: Path
) -> None:
    rng = random.Random(zone)
    with apart(tmp_path / "apart", f"127.0.0.1:{broker.port}", zone) as parts:
        await parts.open(gateways=2, letters=True)
        async with AsyncExitStack() as stack:
            https = [await stack.enter_async_context(client(each.url, each.auth)) for each in parts.gateways]
            contest = Contest(https)
            for victim in ("gateway-1", RECORDER):
                await _fight_and_kill(parts, victim, contest, rng)
            # Without the recorder no gateway learns what the other took: with both there, nearly every id has a loser.
            await parts.ready()
            parts.kill(RECORDER)
            await contest.fight(IDS, WRITERS, rng)
            parts.restart(RECORDER)
            await contest.repeat(100, 500, rng)
            await parts.ready()
            assert len(contest.taken) == 3 * IDS + 100
            assert not await contest.wrong()
            losers, first = await contest.losers(), parts.gateways[0]
            assert losers
            vendor = await stack.enter_async_context(
                httpx.AsyncClient(base_url=first.url, auth=first.auth, timeout=60, trust_env=False)
            )
            await eventually(lambda: _are_told(contest, vendor, losers), seconds=60)
            stored = {content_of(one) for one in await contest.stored()}
            assert not stored & await contest.conflicts(vendor)


async def _fight_and_kill(parts: Apart, victim: str, contest: Contest, rng: random.Random) -> None:
    """Kill at one of the first answers, while the rest waits for its own."""
    fuse = Fuse(rng.randrange(1, ANSWERS), lambda: parts.kill(victim))
    fighting = asyncio.create_task(contest.fight(IDS, WRITERS, rng, answered=fuse.burn))
    await asyncio.wait((fighting, asyncio.create_task(fuse.blown.wait())), return_when=asyncio.FIRST_COMPLETED)
    assert contest.open < IDS * WRITERS
    parts.restart(victim)
    await fighting


async def _are_told(contest: Contest, vendor: httpx.AsyncClient, losers: set[Content]) -> bool:
    return losers <= await contest.conflicts(vendor)
