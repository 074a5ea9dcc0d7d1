"""`make fuzz`: generated bad requests against a whole zone, and what a good client sees meanwhile.

python -m tests.bench.fuzz [--count 10000] [--seed 4] [--connections 2]: prints the seed, a table of the answers, the
growth of the record store's memory, and the good client's p99 beside its quiet figure. Exits with 1 when an answer is a
5xx, is not described, or names no path and rule; when the good client saw an error, or its p99 was more than twice the
quiet one; and when the record store's memory grew by more than 200 MiB at any time.

The good client works in slices of 5 s, and its p99 is the median of the slices': quiet before and after the bad
requests, as a machine drifts, and beside them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrs.cli.probing import fetch
from tests.bench.growth import Memory
from tests.bench.measuring import Results, memory_mb
from tests.support.ayumi import RunningZone, ayumi, up
from tests.support.described import Described
from tests.support.fuzzing.run import Findings, fuzz

_QUIET_SLICES = 4
"""Before, and as many after."""
_SLICE_SECONDS = 5
_MOST_TIMES_QUIET = 2.0
_MOST_GROWTH_MIB = 200.0


class GoodClient:
    """An app that posts single statements at a steady rate, from a process of its own."""

    def __init__(self, port: int, auth: tuple[str, str], rate: float) -> None:
        self._port = port
        self._auth = auth
        self._rate = rate
        self.p99_ms: list[float] = []
        self.errors = 0
        self.requests = 0

    async def work(self, seconds: float) -> None:
        """Post for so long."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.http_load", "--port", str(self._port), "--user", ":".join(self._auth)),
            *("--rate", str(self._rate), "--seconds", str(seconds), "--most", "3000", "--connections", "4"),
            *("--seed", str(time.monotonic_ns())),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        seen: dict[str, Any] = json.loads(out)
        self.p99_ms.append(seen["p99_ms"])
        self.requests += seen["requests"]
        self.errors += seen["requests"] - seen["statuses"].get("200", 0)


@dataclass
class Run:
    """What was seen of the zone while it was sent bad requests."""

    found: Findings
    quiet: GoodClient
    beside: GoodClient
    memory: list[Memory]
    """Before, after each slice, and at the end."""
    seconds: float


async def measure(zone: RunningZone, options: argparse.Namespace) -> Run:
    """Measure a quiet store, then one that is sent bad requests, then a quiet one again."""
    await zone.ready()
    made = json.loads(ayumi("credential", "add", "drill", "--dir", str(zone.folder), "--json").stdout)
    auth, url = (made["key"], made["secret"]), zone.state["addresses"]["gateway"]
    host, port = url.removeprefix("http://").split(":")
    _, description = await fetch(f"{url}/xAPI/openapi.json")
    first, quiet, beside = (GoodClient(int(port), auth, options.rate) for _ in range(3))
    pids = {"lrs": zone.child("lrs")["pid"]}
    await first.work(_SLICE_SECONDS)
    for _ in range(_QUIET_SLICES):
        await quiet.work(_SLICE_SECONDS)
    memory, began = [memory_mb(pids)["lrs"]], time.monotonic()
    fuzzing = asyncio.create_task(
        fuzz(
            (host, int(port)),
            auth,
            Described(json.loads(description)),
            count=options.count,
            seed=options.seed,
            connections=options.connections,
        )
    )
    while not fuzzing.done():
        await beside.work(_SLICE_SECONDS)
        memory.append(memory_mb(pids)["lrs"])
    found, took = await fuzzing, time.monotonic() - began
    for _ in range(_QUIET_SLICES):
        await quiet.work(_SLICE_SECONDS)
    memory.append(memory_mb(pids)["lrs"])
    return Run(found, quiet, beside, memory, took)


def judge(run: Run, results: Results, options: argparse.Namespace) -> list[str]:
    """Record the figures; what is wrong."""
    found, quiet, beside = run.found, run.quiet, run.beside
    print(f"\nseed {options.seed}, {found.sent:,} requests in {run.seconds:.0f} s\n\n{found.table()}\n")  # noqa: T201 - a program's output
    results.add("requests refused with a 4xx", found.refused, "requests", aim=f"aim >= {options.count:,}")
    results.add("answers with a fault", found.seen.total(), "answers", aim="aim 0")
    results.add("good client beside: errors", beside.errors, f"of {beside.requests:,}", aim="aim 0")
    quiet_ms, beside_ms = statistics.median(quiet.p99_ms), statistics.median(beside.p99_ms)
    name = "good client quiet: p99"
    results.add(name, quiet_ms, "ms")
    results.add("good client beside: p99", beside_ms, "ms", limit=name, aim=f"aim <= {_MOST_TIMES_QUIET:g} x")
    results.add("good client quiet: p99, worst slice", max(quiet.p99_ms), "ms", limit=name)
    results.add("good client beside: p99, worst slice", max(beside.p99_ms), "ms", limit=name)
    before, aim = run.memory[0], f"aim <= {_MOST_GROWTH_MIB:g}"
    growth = {
        "PSS": max(one.pss for one in run.memory) - before.pss,
        "RSS": max(one.rss for one in run.memory) - before.rss,
    }
    results.add("memory of lrs, PSS before", before.pss, "MiB")
    results.add("memory of lrs, PSS at the end", run.memory[-1].pss, "MiB", limit="memory of lrs, PSS before")
    for kind, most in growth.items():
        results.add(f"memory of lrs, {kind}, most growth", most, "MiB", aim=aim)
    wrong = list(found.faults)
    if beside.errors + quiet.errors:
        wrong.append(f"the good client saw {beside.errors} errors, and {quiet.errors} while it was alone")
    if found.refused < options.count:
        wrong.append(f"only {found.refused} of {found.sent} requests were refused")
    if beside_ms > _MOST_TIMES_QUIET * quiet_ms:
        wrong.append(f"the good client's p99 was {beside_ms:.1f} ms, and {quiet_ms:.1f} ms while it was alone")
    wrong += [f"{kind} grew by {most:.0f} MiB" for kind, most in growth.items() if most > _MOST_GROWTH_MIB]
    return wrong


def main() -> None:
    """Start a zone, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="requests that have to be refused")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--connections", type=int, default=2, help="connections that send bad requests")
    parser.add_argument("--rate", type=float, default=50, help="statements a second of the good client")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ayumi-fuzz-") as name, up(Path(name) / "zone") as zone:
        run = asyncio.run(measure(zone, options))
    results = Results()
    results.verdict = judge(run, results, options)
    print(f"saved to {results.save('fuzz')}")  # noqa: T201 - a program's output
    if results.verdict:
        sys.exit("\n".join(results.verdict))


if __name__ == "__main__":
    main()
