"""Each hop alone: its input lies ready on the log, nothing else runs but the broker; beside the bare limits."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from lrs.cli.broker import Broker
from lrs.cli.children import end, spawn
from lrs.cli.ports import free_port
from lrs.cli.settings_loading import cache_folder, environment_of, load_settings
from lrs.kernel.settings import Settings
from lrs.kernel.topics import Noun, topic_name
from lrs.kernel.zone_folder import ZoneFolder
from processors.topic_admin import ensure_topics
from producers.references import load_catalogue, load_consent, load_roster
from producers.simulator.run import Plan, Target, simulate
from tests.bench.limits import bare_copy
from tests.bench.measuring import Results, rate_until

_SECONDS = 300.0
_BATCH_ROWS = 5000
# The counter by which a hop's progress is seen, and its part of the bare copy that is aimed at.
_HOPS = (
    ("recorder", "ayumi_recorder_statements_total", 0.25),
    ("processor", "ayumi_processor_statements_total", 0.4),
    ("loader", "ayumi_loader_rows_total", 0.5),
)


async def hops(results: Results, count: int) -> None:
    """Fill `received` once, then let each hop work through what the one before it left."""
    with tempfile.TemporaryDirectory(prefix="ayumi-bench-") as name:
        folder = ZoneFolder(Path(name))
        folder.prepare()
        settings = load_settings(None, broker={"port": 0})
        broker = Broker(folder.broker, folder.logs, settings.broker, cache=cache_folder())
        await broker.start()
        try:
            await broker.ready()
            settings = settings.model_copy(update={"broker": broker.settings})
            await ensure_topics(settings.broker, settings.zone.name)
            received = await _fill(settings, folder, results, count)
            await _limits(settings, results)
            for part, metric, aim in _HOPS:
                total = received["archived"] if part != "recorder" else received["received"]
                rate = await _alone(settings, folder, part, metric, total)
                results.add(f"{part} alone", rate, "statements/s", limit="bare copy", aim=f"aim >= {aim}")
        finally:
            await broker.stop()


async def _fill(settings: Settings, folder: ZoneFolder, results: Results, count: int) -> dict[str, int]:
    plan = Plan(count=count, http_share=0)
    district = plan.district()
    files = district.write_references(folder.run)
    for load, path in ((load_catalogue, files.catalogue), (load_roster, files.roster), (load_consent, files.consent)):
        await load(path, settings.broker, settings.zone.name)
    target = Target("", {}, settings.broker, settings.zone.name)
    report = await simulate(plan, target, district=district)
    results.add("simulator through the SDK", report.rate, "statements/s")
    return report.truth.counts()


async def _limits(settings: Settings, results: Results) -> None:
    zone = settings.zone.name
    spare = f"{zone}copy"
    await ensure_topics(settings.broker, spare)
    copied = await bare_copy(settings.broker, topic_name(zone, Noun.RECEIVED), topic_name(spare, Noun.RECEIVED))
    results.add("bare copy", copied, "statements/s")
    command = [sys.executable, "-m", "tests.bench.limits", "200000", str(_BATCH_ROWS)]
    inserted = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
    results.add("bare engine insert, 1 kB rows", float(inserted.stdout), "rows/s")


async def _alone(settings: Settings, folder: ZoneFolder, part: str, metric: str, total: int) -> float:
    port = free_port()
    own = settings.model_copy(update={part: getattr(settings, part).model_copy(update={"metrics_port": port})})
    command = [sys.executable, "-m", "lrs.cli", "run", part, "--dir", str(folder.root), "--migrate"]
    process = spawn(command, output=folder.logs / f"{part}.log", environment=environment_of(own, folder.root))
    try:
        return await rate_until(f"http://127.0.0.1:{port}", metric, total, seconds=_SECONDS)
    finally:
        await end(process, 10)
