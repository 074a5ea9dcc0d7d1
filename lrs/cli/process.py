"""One process of a zone: reads the settings, opens what its parts need, runs them, ends."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lrs.cli.disk_space import expose_disk_space
from lrs.cli.expiries import expose_expiries
from lrs.cli.heap import bound_heap
from lrs.cli.log_limits import limit_library_logs
from lrs.cli.running import leave, run_parts
from lrs.cli.settings_loading import load_settings
from lrs.cli.wiring import Wiring
from lrs.cli.zone_lock import zone_lock
from lrs.kernel.errors import StopError
from lrs.kernel.logs import configure_logs, get_logger
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.folder_version import open_folder

log = get_logger("process")

# What `ayumi migrate` brings to this release, each named after one of the parts that use it.
STORES = {"archive": ("recorder",), "registry": ("gateway",), "facts": ("loader",)}
APPLIED = "applied "
_TOPICS_SECONDS = 120.0
_GC_THRESHOLD = 100_000


def run_process(names: Sequence[str], folder: Path, *, migrate: bool) -> None:
    """Run the named parts until a signal. Ends the process; raises `AyumiError` when it cannot begin."""
    from processors.topic_admin import wait_for_topics  # noqa: PLC0415 - 200 ms; the help text needs no Kafka client

    bound_heap()
    faulthandler.register(signal.SIGUSR1)  # `kill -USR1` writes where every thread is
    began = time.monotonic()
    settings = load_settings(folder)
    configure_logs(part="+".join(names))
    limit_library_logs()
    zone = ZoneFolder(folder.resolve())
    open_folder(zone, settings)
    expose_disk_space(settings, zone)
    expose_expiries(settings)
    with Wiring(settings, zone) as wiring:
        if migrate:
            for name in wiring.migrate(names):
                log.info("migration_applied", name=name)
        parts = wiring.parts(names)
        asyncio.run(wait_for_topics(settings.broker, settings.zone.name, _TOPICS_SECONDS))
        log.info("process_started", parts=list(names), seconds=round(time.monotonic() - began, 2))
        # A batch makes thousands of objects and no cycles: the default threshold cost 6 % of the recorder's time. What
        # was loaded until here stays for the life of the process, so the collector need not look at it again.
        gc.freeze()
        gc.set_threshold(_GC_THRESHOLD, 50, 100)
        code = run_parts(parts)
        # Before the stores close: a part that did not stop may still be writing, and has to be ended, not waited for.
        if code:
            leave(code)
    log.info("process_stopped", parts=list(names))
    leave(0)


def migrate_zone(folder: Path, stores: Sequence[str] = tuple(STORES)) -> list[str]:
    """Apply every missing migration of a zone that does not run, make missing topics, and return the names of both.

    Each store in a process of its own: the embedded engine serves one folder in the life of a process.
    """
    if len(stores) == 1:
        zone, settings = ZoneFolder(folder.resolve()), load_settings(folder)
        open_folder(zone, settings)
        with zone_lock(zone), Wiring(settings, zone) as wiring:
            return wiring.migrate(STORES[stores[0]])
    done: list[str] = []
    for store in stores:
        command = [sys.executable, "-P", "-m", "lrs.cli", "migrate", str(folder), "--store", store]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
        if ran.returncode:
            said = ran.stderr.strip().removeprefix("ayumi: ")
            raise StopError(f"the {store} could not be migrated", remedy=said or "It said nothing.")
        done += [line.removeprefix(APPLIED) for line in ran.stdout.splitlines() if line.startswith(APPLIED)]
    return done + _make_topics(load_settings(folder))


def _make_topics(settings: Settings) -> list[str]:
    """The topics made on an existing cluster; a broker of our own gets its topics from `ayumi up`."""
    from processors.topic_admin import ensure_topics  # noqa: PLC0415 - 200 ms; the help text needs no Kafka client

    if not settings.broker.bootstrap_servers:
        return []
    return [f"topics/{name}" for name in asyncio.run(ensure_topics(settings.broker, settings.zone.name))]
