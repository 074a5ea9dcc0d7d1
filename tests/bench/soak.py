"""`make soak`: a steady stream for half an hour, and what it does to memory.

python -m tests.bench.soak [--minutes N] [--rate N]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from lrs.cli.demo import feed, judge, prepare
from lrs.cli.settings_loading import load_settings
from lrs.cli.zone import Zone
from lrs.kernel.logs import configure_logs
from lrs.kernel.zone_folder import ZoneFolder
from producers.simulator.run import Plan
from tests.bench.measuring import Results, pss_mb

_SAMPLE_SECONDS = 15.0
# The engine's caches and the broker's heap fill first; growth is what comes after.
_WARM_SHARE = 0.3


async def soak(results: Results, rate: float, minutes: float) -> None:
    """Send at `rate` for `minutes`, sampling the memory of every process."""
    plan = Plan(count=int(rate * minutes * 60), rate=rate, http_share=0.1)
    samples: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="ayumi-soak-") as name:
        folder = Path(name)
        async with Zone(folder, load_settings(folder), free_ports=True) as zone:
            district = plan.district()
            target = await prepare(zone, district)
            sampling = asyncio.create_task(_sample(zone, samples))
            began = time.monotonic()
            report, found = await feed(zone, plan, target, district)
            seconds = time.monotonic() - began
            sampling.cancel()
            settings = zone.settings
        outcome = judge(report, found, seconds, settings, ZoneFolder(folder))
    results.add("sent", report.sent, "statements")
    results.add("rate", report.sent / seconds, "statements/s")
    results.add("differences from the ground truth", len(outcome.differences), "", aim="aim 0")
    _tell_growth(results, samples)


async def _sample(zone: Zone, samples: list[dict[str, float]]) -> None:
    while True:
        await asyncio.sleep(_SAMPLE_SECONDS)
        memory = pss_mb({**{child.name: child.pid for child in zone.children}, "simulator, supervisor": os.getpid()})
        samples.append(memory)
        shown = "  ".join(f"{part} {size:.0f}" for part, size in memory.items())
        print(f"{len(samples) * _SAMPLE_SECONDS:>6.0f} s  {sum(memory.values()):>6.0f} MiB  {shown}", flush=True)  # noqa: T201


def _tell_growth(results: Results, samples: list[dict[str, float]]) -> None:
    """Medians of the first and the last third of what comes after warming up."""
    warm = samples[int(len(samples) * _WARM_SHARE) :]
    third = max(1, len(warm) // 3)
    for part in warm[0]:
        before = statistics.median(sample.get(part, 0) for sample in warm[:third])
        after = statistics.median(sample.get(part, 0) for sample in warm[-third:])
        results.add(f"{part}: memory", after, "MiB")
        results.add(f"{part}: growth", after - before, "MiB")


def main() -> None:
    """Parse, soak, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=2000)
    options = parser.parse_args()
    configure_logs("error", part="soak")
    results = Results()
    asyncio.run(soak(results, options.rate, options.minutes))
    print(f"saved to {results.save('soak')}")  # noqa: T201 - a program's output


if __name__ == "__main__":
    main()
