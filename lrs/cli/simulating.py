"""Feeding a running zone with a simulated district: credentials, reference files, then the statements."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from lrs.cli.probing import fetch
from lrs.cli.progress_bars import count_bar
from lrs.cli.zone_state import running_zone, settings_of
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.logs import configure_logs
from lrs.kernel.zone_folder import ZoneFolder
from producers.references import load_catalogue, load_consent, load_roster
from producers.simulator.run import Plan, Report, Target, app_names, simulate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrs.kernel.settings import Settings
    from producers.simulator.district import District

_VIEWS_SECONDS = 60.0
_POLL_SECONDS = 0.1


async def send(plan: Plan, folder: Path) -> Report:
    """Send the plan into the zone that runs on `folder`. Its credentials are new ones, and revoked afterwards.

    Raises `StopError` when no zone runs there, `RetryError` when its broker is away.
    """
    configure_logs("warning", part="simulate")
    state = running_zone(folder)
    if state is None:
        raise StopError(f"no zone runs on {folder}", remedy=f"Start it first: ayumi up {folder}")
    settings = settings_of(folder)
    district = plan.district()
    await load_references(district, settings, state["addresses"])
    credentials = make_credentials(settings, folder)
    target = Target(f"{state['addresses']['gateway']}/xAPI", credentials, settings.broker, settings.zone.name)
    done = 0
    with count_bar("Sending statements", plan.count) as advance:

        def told(settled: int, _planned: int) -> None:
            nonlocal done
            advance(settled - done)
            done = settled

        try:
            return await simulate(plan, target, district=district, progress=told)
        finally:
            _revoke(settings, folder, credentials)


async def load_references(district: District, settings: Settings, addresses: Mapping[str, str]) -> None:
    """Load the district's reference files, and wait until every processor of the zone has read them.

    A learner whose consent is not there yet is withheld. `addresses`: those of the zone's processes, by their names.
    Raises `StopError` when a row is refused, `RetryError` when a processor does not read on.
    """
    workers = [address for name, address in addresses.items() if name.startswith("processors")]
    before = [await _records_read(worker) for worker in workers]
    loaded = Counter(await _load(district, settings))
    deadline = time.monotonic() + _VIEWS_SECONDS
    for worker, known in zip(workers, before, strict=True):
        while not await _records_read(worker) >= known + loaded:
            if time.monotonic() > deadline:
                raise RetryError("the processor", f"its reference views did not fill in {_VIEWS_SECONDS:g} s")
            await asyncio.sleep(_POLL_SECONDS)


async def _load(district: District, settings: Settings) -> dict[str, int]:
    """How many rows of each."""
    loaded = {}
    with tempfile.TemporaryDirectory(prefix="ayumi-references-") as name:
        files = district.write_references(Path(name))
        for load, path in (
            (load_catalogue, files.catalogue),
            (load_roster, files.roster),
            (load_consent, files.consent),
        ):
            report = await load(path, settings.broker, settings.zone.name)
            if report.refused:
                raise StopError(f"the simulated {path.name} was refused: {report.refused[0]}", remedy="Report this.")
            loaded[path.stem] = report.loaded
    return loaded


async def _records_read(worker: str) -> Counter[str]:
    """How many records of each reference topic a processor has read since its start; none while it does not answer."""
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - only a simulation needs it

    with contextlib.suppress(OSError, TimeoutError):
        _, body = await fetch(f"{worker}/metrics")
        return Counter(
            {
                sample.labels["topic"]: int(sample.value)
                for family in text_string_to_metric_families(body.decode())
                for sample in family.samples
                if sample.name == "ayumi_processor_view_records_total"
            }
        )
    return Counter()


def make_credentials(settings: Settings, folder: Path) -> dict[str, tuple[str, str]]:
    """A new key and secret for each of the district's apps."""
    from lrs.store.registry import open_registry  # noqa: PLC0415 - one of two doors, both closed at once

    registry = open_registry(settings, ZoneFolder(folder))
    try:
        return {app: registry.credentials.add(app) for app in app_names()}
    finally:
        registry.close()


def _revoke(settings: Settings, folder: Path, credentials: dict[str, tuple[str, str]]) -> None:
    from lrs.store.registry import open_registry  # noqa: PLC0415 - as above

    registry = open_registry(settings, ZoneFolder(folder))
    try:
        for key, _secret in credentials.values():
            registry.credentials.revoke(key)
    finally:
        registry.close()
