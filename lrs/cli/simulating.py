"""Feeding a running zone with a simulated district: credentials, reference files, then the statements."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lrs.cli.progress_bars import count_bar
from lrs.cli.zone_state import running_zone, settings_of
from lrs.kernel.errors import StopError
from lrs.kernel.logs import configure_logs
from lrs.kernel.zone_folder import ZoneFolder
from producers.references import load_catalogue, load_consent, load_roster
from producers.simulator.run import Plan, Report, Target, app_names, simulate

if TYPE_CHECKING:
    from lrs.kernel.settings import Settings
    from producers.simulator.district import District


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
    await load_references(district, settings)
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


async def load_references(district: District, settings: Settings) -> dict[str, int]:
    """Load the district's reference files; how many rows of each. Raises `StopError` when a row is refused."""
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
