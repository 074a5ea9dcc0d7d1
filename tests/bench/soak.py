"""`make soak`: a steady stream for half an hour after a quarter of an hour to warm up, and what it does to memory.

python -m tests.bench.soak [--minutes N] [--warm N] [--rate N]

What fills in the first quarter is not judged: the caches of engine, id index and statement reader, and the memory that
the engine takes for merges of the parts that get larger. Afterwards an id takes 4 to 5 bytes more in its index.

Exits 0 only if the rate was held, every statement is where the truth says, no process was started again, and none grew.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from lrs.cli.demo import Outcome, feed, judge, prepare
from lrs.cli.settings_loading import load_settings
from lrs.cli.zone import Zone
from lrs.kernel.logs import configure_logs
from lrs.kernel.zone_folder import ZoneFolder
from producers.simulator.run import Plan
from tests.bench.growth import Growth, Sample, growths
from tests.bench.measuring import Results, memory_mb

_SAMPLES = 120
_LEAST_SAMPLE_SECONDS = 1.0
# Sends, and keeps the truth about everything it sent: it grows by its nature, and is no part of a zone.
_SENDER = "simulator and supervisor"
_HELD = 0.98


async def soak(results: Results, rate: float, minutes: float, warm: float) -> list[str]:
    """Send at `rate` for `minutes` after `warm` minutes, sampling every process's memory. Returns what is wrong."""
    share, minutes = warm / (warm + minutes), warm + minutes
    plan = Plan(count=int(rate * minutes * 60), rate=rate, http_share=0.1)
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory(prefix="ayumi-soak-") as name:
        folder = Path(name)
        async with Zone(folder, load_settings(folder), free_ports=True) as zone:
            district = plan.district()
            target = await prepare(zone, district)
            at_first = {child.name: child.restarts for child in zone.children}
            sampling = asyncio.create_task(_sample(zone, samples, max(_LEAST_SAMPLE_SECONDS, minutes * 60 / _SAMPLES)))
            began = time.monotonic()
            report, found = await feed(zone, plan, target, district)
            seconds = time.monotonic() - began
            sampling.cancel()
            await asyncio.gather(sampling, return_exceptions=True)
            restarts = {child.name: child.restarts - at_first[child.name] for child in zone.children}
            settings = zone.settings
        outcome = judge(report, found, seconds, settings, ZoneFolder(folder))
    results.add("sent", report.sent, "statements")
    results.add("sending rate", report.rate, "statements/s", aim=f"aim >= {_HELD * rate:,.0f}")
    results.add("from the last sent to the last loaded", seconds - report.seconds, "s")
    wrong = _wrong(outcome, restarts)
    if report.rate < _HELD * rate:
        wrong.append(f"sent at {report.rate:,.0f}/s and not at {rate:,.0f}/s")
    while_sending = [sample for sample in samples if sample.seconds <= report.seconds]
    return wrong + _tell_growth(results, growths(while_sending, share), len(while_sending))


def _wrong(outcome: Outcome, restarts: dict[str, int]) -> list[str]:
    again = [f"{name} was started again {times} times" for name, times in restarts.items() if times]
    return [*outcome.differences, *again]


async def _sample(zone: Zone, samples: list[Sample], every: float) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(every)
        pids = {**{child.name: child.pid for child in zone.children}, _SENDER: os.getpid()}
        sample = Sample(time.monotonic() - began, memory_mb(pids))
        samples.append(sample)
        shown = "  ".join(f"{part} {size.pss:.0f}/{size.rss:.0f}" for part, size in sample.memory.items())
        whole = sum(size.pss for size in sample.memory.values())
        print(f"{sample.seconds:>6.0f} s  {whole:>6.0f} MiB  {shown}  (PSS/RSS)", flush=True)  # noqa: T201


def _tell_growth(results: Results, found: list[Growth], count: int) -> list[str]:
    """Record every process's memory and slope; returns which of them grew."""
    wrong = []
    for growth in found:
        results.add(f"{growth.part}: {growth.kind} at the end", growth.last_mb, "MiB")
        aim = "" if growth.part == _SENDER else f"aim <= {growth.allowed_mb:,.0f} in {growth.seconds / 60:.0f} min"
        results.add(f"{growth.part}: {growth.kind} growth after warming up", growth.grown_mb, "MiB", aim=aim)
        results.add(f"{growth.part}: {growth.kind} slope", growth.grown_mb / growth.seconds * 3600, "MiB/h")
        if growth.grew and growth.part != _SENDER:
            wrong.append(f"{growth.part} grew by {growth.grown_mb:.0f} MiB of {growth.kind}")
    return wrong if found else [f"too few samples of memory: {count}"]


def main() -> int:
    """Parse, soak, save; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--warm", type=float, default=15, help="minutes before them")
    parser.add_argument("--rate", type=float, default=2000)
    options = parser.parse_args()
    configure_logs("error", part="soak")
    results = Results()
    wrong = asyncio.run(soak(results, options.rate, options.minutes, options.warm))
    results.add("what is wrong", len(wrong), "", aim="aim 0")
    results.verdict = wrong
    for what in wrong:
        print("  ", what)  # noqa: T201 - a program's output
    print(f"{'FAILED' if wrong else 'passed'}; saved to {results.save('soak')}")  # noqa: T201 - a program's output
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
