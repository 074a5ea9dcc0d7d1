"""What a million dead letters cost the good path: two zones side by side in one run, one with them and one without.

In one zone the table holds the letters already, made in the engine, and so many more wait on the topic that the letters
part is at work, as fast as its settings let it, for as long as that zone is measured. The zones take turns, a pair at a
time; before the other's turn everything is worked off, so that the machine is all its own.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

from lrs.cli.demo import prepare
from lrs.cli.settings_loading import load_settings
from lrs.cli.zone import Zone
from lrs.kernel.codec import codec
from lrs.kernel.topics import Noun, topic_name
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.engine import archive_engine
from lrs.store.migrate import migrate
from processors.batch_producer import BatchProducer
from processors.log_watch import LogWatch
from producers.sdk import StatementPublisher
from producers.simulator.emissions import NO_FAULTS
from producers.simulator.run import Plan
from tests.bench.archive_of import settle
from tests.bench.measuring import Results, counter
from tests.bench.offered import bodies

if TYPE_CHECKING:
    from lrs.kernel.records import Refused

_PAIRS = 12
_GOOD = 40_000
_SEED = 3
_POLL_SECONDS = 0.05
_DEADLINE_SECONDS = 300.0
_AIM = 0.9
# So much is queued that the letters part has not done with it when the good path has.
_BUSY_SECONDS = 20.0
_IDLE_SECONDS = 300.0
_GROUP = {"letters": Noun.REFUSED}
_PART_ROWS = 250_000
# Beyond those of any log: the letters part must not take these for its own.
_PARTITION = 60_000
_WAITING_AT_ONCE = 5000
_FILL = """
INSERT INTO dead_letters (
    source, partition, offset, statement_id, app, stored_at, refused_at, reason, path, rule, original_bytes, original
)
SELECT
    {source:String}, {partition:UInt16}, number, MD5(toString(number)), concat({app:String}, toString(number % 7)),
    at, at, {reason:String}, {path:String}, {rule:String}, length(content), content
FROM (
    SELECT
        number, now64(3, 'UTC') - toIntervalMillisecond({count:UInt64} - number) AS at,
        concat({before:String}, toString(cityHash64(number)), {between:String}, hex(SHA256(toString(number))),
        repeat(hex(MD5(toString(number))), 20)) AS content
    FROM numbers({start:UInt64}, {rows:UInt64})
)
SETTINGS max_insert_block_size = 250000, min_insert_block_size_rows = 250000, max_threads = 1
"""


async def letters(results: Results, count: int) -> list[str]:
    """Measure the good path in pairs; record the ratio. Returns what is wrong."""
    wrong: list[str] = []
    async with AsyncExitStack() as stack:
        without = await _zone(stack, 0)
        began = time.monotonic()
        laden = await _zone(stack, count)
        results.add(f"{count:,} dead letters made in", time.monotonic() - began, "s")
        rates: dict[str, list[float]] = {"without": [], "with": []}
        given = [body for each in bodies(_SEED).values() for body in each]
        for number in range(_PAIRS + 1):
            # Who goes first changes, so that neither has the better half of a machine that drifts.
            for name in ("without", "with") if number % 2 else ("with", "without"):
                if name == "with":
                    rate, left = await _beside_letters(laden, given, number)
                    if not left:
                        wrong.append(f"pair {number}: the letters were done before the good path was")
                else:
                    rate = await _good_path(without, given)
                if number:  # the first pair warms up
                    rates[name].append(rate)
        kept = await counter(laden.addresses["gateway"], "ayumi_letters_rows_total")
        results.add("letters kept meanwhile", kept, "")
    plain, slowed = (statistics.median(rates[name]) for name in ("without", "with"))
    ratio = statistics.median(one / other for one, other in zip(rates["with"], rates["without"], strict=True))
    results.add("good path, no dead letters", plain, "statements/s")
    results.add(f"good path, {count:,} dead letters", slowed, "statements/s", limit="good path, no dead letters")
    results.add("median of the pairs' ratios", ratio, "", aim=f"aim >= {_AIM}")
    if ratio < _AIM:
        wrong.append(f"beside {count:,} dead letters the good path has {ratio:.3f} of its rate, less than {_AIM}")
    return wrong


async def _beside_letters(zone: Zone, given: list[bytes], turn: int) -> tuple[float, int]:
    """The good path while letters are kept, and how many of them wait when it is done. Returns when none does."""
    async with LogWatch(zone.settings.broker, zone.settings.zone.name) as watch:
        await _keep_busy(zone, turn)
        rate = await _good_path(zone, given)
        left = await _lag(watch)
        deadline = time.monotonic() + _IDLE_SECONDS
        while waiting := await _lag(watch):
            if time.monotonic() > deadline:
                msg = f"{waiting} letters still wait after {_IDLE_SECONDS:.0f} s"
                raise TimeoutError(msg)
            await asyncio.sleep(_POLL_SECONDS)
    return rate, left


async def _lag(watch: LogWatch) -> int:
    """Letters on the topic that the letters part has not committed."""
    committed = (await watch.committed(_GROUP))["letters"]
    spans = (await watch.spans([Noun.REFUSED]))[Noun.REFUSED]
    return sum(span.end - committed.get(partition, span.begin) for partition, span in spans.items())


async def _zone(stack: AsyncExitStack, count: int) -> Zone:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ayumi-bench-")))
    if count:
        command = [sys.executable, "-m", "tests.bench.letters", str(folder), str(count)]
        await asyncio.to_thread(subprocess.run, command, check=True)
    zone = await stack.enter_async_context(Zone(folder, load_settings(folder), free_ports=True))
    await prepare(zone, Plan(seed=_SEED, http_share=0, faults=NO_FAULTS).district())
    return zone


async def _keep_busy(zone: Zone, turn: int) -> None:
    """Put as many letters on the topic as its part takes in `_BUSY_SECONDS`."""
    settings = zone.settings
    wanted = round(settings.letters.max_records / settings.letters.gather_seconds * _BUSY_SECONDS)
    topic = topic_name(settings.zone.name, Noun.REFUSED)
    producer = BatchProducer(settings.broker, client_id="bench")
    try:
        for start in range(turn * wanted, (turn + 1) * wanted, _WAITING_AT_ONCE):
            for partition in range(settings.broker.partitions):
                one = range(start + partition, start + _WAITING_AT_ONCE, settings.broker.partitions)
                await producer.publish(topic, partition, [(None, _letter(partition, number)) for number in one])
    finally:
        await producer.stop()


def _letter(partition: int, offset: int) -> bytes:
    letter: Refused = {
        "partition": partition,
        "offset": offset,
        "statement_id": None,
        "app": "drill-a",
        "stored_at_ms": time.time_ns() // 1_000_000,
        "reason": "invalid",
        "path": "$.actor",
        "rule": "an actor has exactly one identifier",
        "original": b"%032x" % offset * 25,
        "source": Noun.RECEIVED.value,
    }
    return codec("refused").encode(letter)


async def _good_path(zone: Zone, given: list[bytes]) -> float:
    """Statements a second from the first one sent until the last one is counted by the loader."""
    board = zone.addresses["board"]
    before = await counter(board, "ayumi_loader_rows_total")
    async with StatementPublisher(zone.settings.broker, zone=zone.settings.zone.name, app="drill-a") as publisher:
        began = time.monotonic()
        await publisher.send_many(islice(cycle(given), _GOOD))
        while await counter(board, "ayumi_loader_rows_total") < before + _GOOD:
            if time.monotonic() - began > _DEADLINE_SECONDS:
                msg = f"{_GOOD} statements were not loaded in {_DEADLINE_SECONDS:.0f} s"
                raise TimeoutError(msg)
            await asyncio.sleep(_POLL_SECONDS)
    return _GOOD / (time.monotonic() - began)


def main(folder: str, count: int) -> None:
    """Fill the dead letters of the zone in `folder`."""
    zone = ZoneFolder(Path(folder))
    zone.prepare()
    engine = archive_engine(load_settings(Path(folder)), zone)
    params = {
        "source": Noun.RECEIVED.value,
        "partition": _PARTITION,
        "count": count,
        "app": "drill-",
        "reason": "invalid",
        "path": "$.actor",
        "rule": "an actor has exactly one identifier",
        "before": '{"id":"',
        "between": '","actor":{"mbox":"mailto:',
    }
    try:
        migrate(engine, "archive")
        for start in range(0, count, _PART_ROWS):
            rows = min(_PART_ROWS, count - start)
            engine.command(_FILL.strip(), {**params, "start": start, "rows": rows})
        settle(engine)
    finally:
        engine.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
