"""Kills at the answer, over and over: what was acknowledged, and what of it is lost."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx

from tests.support.apart import Apart
from tests.support.ayumi import RunningZone
from tests.support.durability import Kept, client, lost, write_until_killed
from tests.support.waiting import eventually


@dataclass
class Tally:
    """What one victim's kills have shown."""

    victim: str
    kills: int = 0
    kept: list[Kept] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def files(self) -> int:
        """How many files were acknowledged."""
        return sum(len(one.files) for one in self.kept)


async def kill_child(
    zone: RunningZone,
    auth: tuple[str, str],
    tally: Tally,
    rng: random.Random,
    *,
    kills: int,
    say: Callable[[str], None],
) -> None:
    """Kill a child of a whole zone; its supervisor starts it again."""
    async with client(zone.state["addresses"]["gateway"], auth) as http:
        for _ in range(kills):
            await zone.ready()
            before = zone.child(tally.victim)
            kept = await write_until_killed([http], rng, lambda pid=before["pid"]: os.kill(pid, signal.SIGKILL))  # type: ignore[misc]
            await _restarted(zone, tally.victim, before["restarts"])
            await _judge(http, tally, kept, say)
        tally.lost += await lost(http, tally.kept)


async def kill_apart(zone: Apart, tally: Tally, rng: random.Random, *, kills: int, say: Callable[[str], None]) -> None:
    """Kill one of the processes of a zone whose parts are apart, and start it again."""
    async with AsyncExitStack() as stack:
        https = [await stack.enter_async_context(client(each.url, each.auth)) for each in zone.gateways]
        for _ in range(kills):
            kept = await write_until_killed(https, rng, lambda: zone.kill(tally.victim))
            zone.restart(tally.victim)
            await zone.ready()
            await _judge(https[-1], tally, kept, say)
        tally.lost += await lost(https[-1], tally.kept)


async def _restarted(zone: RunningZone, name: str, restarts: int) -> None:
    await eventually(lambda: zone.child(name)["restarts"] > restarts, seconds=60)
    await zone.ready()


async def _judge(http: httpx.AsyncClient, tally: Tally, kept: list[Kept], say: Callable[[str], None]) -> None:
    gone = await lost(http, kept)
    tally.kills += 1
    tally.kept += kept
    tally.lost += gone
    files = sum(len(one.files) for one in kept)
    say(f"kill {tally.kills} of {tally.victim}: {len(kept)} statements, {files} files acknowledged, {len(gone)} lost")
