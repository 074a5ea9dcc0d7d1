"""`make durable` and `make ids`: what was acknowledged outlives any kill, and every id is stored once.

python -m tests.bench.endurance durable [--kills 50] [--seed 1]: kills the record store and the broker of a whole zone,
then recorder and gateway of a zone whose processes are apart, each right after an answer, and reads everything again.
python -m tests.bench.endurance ids [--retries 10000] [--seed 1]: 40 ids, 8 contents of each at once, at two gateways
that are killed in between, as the recorder is; then retries of 2,000 statements in any order. Either exits with 1 when
anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from lrs.kernel.logs import configure_logs
from processors.topic_admin import ensure_topics
from tests.bench.measuring import Results
from tests.support.apart import RECORDER, Apart, apart
from tests.support.ayumi import ayumi, up
from tests.support.broker import new_broker, new_zone_name
from tests.support.contending import Contest
from tests.support.durability import client
from tests.support.killing import Tally, kill_apart, kill_child

_WHOLE = ("lrs", "broker")
_APART = (RECORDER, "gateway-1")
_IDS, _WRITERS, _ROUNDS = 40, 8, 4


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a program's output


@asynccontextmanager
async def _opened(folder: Path, gateways: int) -> AsyncIterator[Apart]:
    """A zone whose parts are apart, on a broker of its own."""
    node, name = new_broker(folder), new_zone_name()
    await node.start()
    try:
        await node.ready()
        await ensure_topics(node.settings, name)
        with apart(folder / "apart", f"127.0.0.1:{node.settings.port}", name) as parts:
            await parts.open(gateways)
            yield parts
    finally:
        await node.stop()


async def durable(folder: Path, kills: int, rng: random.Random, results: Results) -> bool:
    """Kill each of four processes a quarter of the times; whether nothing was lost."""
    shares = [kills // 4 + (place < kills % 4) for place in range(4)]
    tallies = [Tally(name) for name in (*_WHOLE, *_APART)]
    with up(folder / "zone") as zone:
        await zone.ready()
        made = json.loads(ayumi("credential", "add", "drill", "--dir", str(zone.folder), "--json").stdout)
        for tally, share in zip(tallies[:2], shares[:2], strict=True):
            await kill_child(zone, (made["key"], made["secret"]), tally, rng, kills=share, say=_say)
    async with _opened(folder, 1) as parts:
        for tally, share in zip(tallies[2:], shares[2:], strict=True):
            await kill_apart(parts, tally, rng, kills=share, say=_say)
    for tally in tallies:
        results.add(f"kills of {tally.victim}", tally.kills, "kills")
        results.add("  statements acknowledged", len(tally.kept), "statements")
        results.add("  files acknowledged", tally.files, "files")
        results.add("  lost", len(tally.lost), "statements", aim="aim 0")
        _say("\n".join(tally.lost[:20]))
    return not any(tally.lost for tally in tallies)


async def ids(folder: Path, retries: int, rng: random.Random, results: Results) -> bool:
    """Contend for ids, then repeat; whether every id is stored once."""
    async with _opened(folder, 2) as parts, AsyncExitStack() as stack:
        https = [await stack.enter_async_context(client(each.url, each.auth)) for each in parts.gateways]
        contest = Contest(https)
        for number in range(_ROUNDS):
            victim = (RECORDER, "gateway-1", "gateway-2")[number % 3]
            fighting = asyncio.create_task(contest.fight(_IDS // _ROUNDS, _WRITERS, rng))
            await asyncio.sleep(rng.random() / 4)
            parts.kill(victim)
            parts.restart(victim)
            await fighting
            _say(f"round {number + 1}: killed {victim}")
        await parts.ready()
        results.add("ids contended for", len(contest.taken), "ids", aim=f"aim {_IDS}")
        acknowledged = sum(map(len, contest.taken.values()))
        results.add("contents acknowledged", acknowledged, "statements", aim="more than ids: refused on the stream")
        await contest.repeat(2000, retries, rng)
        results.add("random retries", retries, "retries")
        wrong = await contest.wrong()
        results.add("ids stored not once, or wrongly", len(wrong), "ids", aim="aim 0")
        _say("\n".join(wrong[:20]))
        return not wrong


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["durable", "ids"])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--retries", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    configure_logs("error", part="bench")
    _say(f"seed {options.seed}")
    rng, results = random.Random(options.seed), Results()
    with tempfile.TemporaryDirectory(prefix="ayumi-endurance-") as name:
        if options.what == "durable":
            good = asyncio.run(durable(Path(name), options.kills, rng, results))
        else:
            good = asyncio.run(ids(Path(name), options.retries, rng, results))
    _say(f"saved to {results.save(options.what)}")
    if not good:
        sys.exit(1)


if __name__ == "__main__":
    main()
