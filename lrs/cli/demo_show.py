"""`ayumi demo` for people: the zone, a district that keeps learning, the panel, and the pages in a browser."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

from lrs.cli.demo import feed, prepare, temporary_zone, visiting
from lrs.cli.jars import class_path
from lrs.cli.panel import Panel
from lrs.cli.plan import check_ports, with_ports
from lrs.cli.ports import is_free
from lrs.cli.settings_loading import cache_folder, load_settings
from lrs.cli.threads import in_daemon_thread
from lrs.cli.up import run_until_signal, unless
from lrs.cli.zone import Zone
from lrs.kernel.errors import StopError
from lrs.kernel.logs import configure_logs

if TYPE_CHECKING:
    from lrs.kernel.settings import Settings
    from producers.simulator.run import Plan


def show(plan: Plan) -> None:
    """Run until Ctrl-C. Uses the usual ports, or free ones when one of those is taken."""
    with temporary_zone(plan.seed) as folder:
        settings = load_settings(folder)
        zone = Zone(folder, settings, free_ports=not _ports_are_free(settings))
        asyncio.run(run_until_signal(lambda stop: _show(plan, zone, stop)))


def _ports_are_free(settings: Settings) -> bool:
    try:
        check_ports(with_ports(settings, free_ports=False))
    except StopError:
        return False
    return bool(settings.broker.bootstrap_servers) or is_free(settings.broker.port)


async def _show(plan: Plan, zone: Zone, stop: asyncio.Event) -> None:
    terminal = sys.stderr.isatty()
    configure_logs("info" if not terminal else "warning", part="demo")
    if not await unless(stop, in_daemon_thread(lambda: class_path(cache_folder()))):
        return
    try:
        with Panel(zone) if terminal else contextlib.nullcontext():
            await unless(stop, _perform(plan, zone))
            await unless(stop, zone.failure())
    finally:
        await zone.stop()


async def _perform(plan: Plan, zone: Zone) -> None:
    await zone.start()
    district = plan.district()
    target = await prepare(zone, district)
    async with visiting(zone) as url:
        _say(f"The dashboards are at {url} and fill while {plan.count:,} simulated statements arrive.")
        report, found = await feed(zone, plan, target, district)
        settled = "all accounted for" if found.balanced else "NOT all accounted for: see `ayumi reconcile`"
        _say(f"{report.sent:,} statements sent, {settled}. The pages stay until Ctrl-C: {url}")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
