"""One process of a zone: reads the settings, opens what its parts need, runs them, ends."""

from __future__ import annotations

import asyncio
import faulthandler
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from lrs.cli.log_limits import limit_library_logs
from lrs.cli.running import leave, run_parts
from lrs.cli.settings_loading import load_settings
from lrs.cli.wiring import Wiring
from lrs.cli.zone_lock import zone_lock
from lrs.kernel.logs import configure_logs, get_logger
from lrs.kernel.zone_folder import ZoneFolder

log = get_logger("process")

_TOPICS_SECONDS = 120.0


def run_process(names: Sequence[str], folder: Path, *, migrate: bool) -> None:
    """Run the named parts until a signal. Ends the process; raises `AyumiError` when it cannot begin."""
    from processors.topic_admin import wait_for_topics  # noqa: PLC0415 - 200 ms; the help text needs no Kafka client

    faulthandler.register(signal.SIGUSR1)  # `kill -USR1` writes where every thread is
    began = time.monotonic()
    settings = load_settings(folder)
    configure_logs(part="+".join(names))
    limit_library_logs()
    zone = ZoneFolder(folder.resolve())
    zone.prepare()
    with Wiring(settings, zone) as wiring:
        if migrate:
            for name in wiring.migrate(names):
                log.info("migration_applied", name=name)
        parts = wiring.parts(names)
        asyncio.run(wait_for_topics(settings.broker, settings.zone.name, _TOPICS_SECONDS))
        log.info("process_started", parts=list(names), seconds=round(time.monotonic() - began, 2))
        code = run_parts(parts)
        # Before the stores close: a part that did not stop may still be writing, and has to be ended, not waited for.
        if code:
            leave(code)
    log.info("process_stopped", parts=list(names))
    leave(0)


def migrate_zone(folder: Path) -> list[str]:
    """Apply every missing migration of a zone that does not run, and return their names."""
    settings = load_settings(folder)
    zone = ZoneFolder(folder.resolve())
    zone.prepare()
    with zone_lock(zone), Wiring(settings, zone) as wiring:
        return wiring.migrate(("gateway", "recorder", "loader", "board"))
