"""`ayumi up`: the zone until somebody stops it, with a panel on a terminal and JSON logs otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from lrs.cli.jars import class_path
from lrs.cli.panel import Panel
from lrs.cli.settings_loading import cache_folder, load_settings
from lrs.cli.threads import in_daemon_thread
from lrs.cli.zone import Zone
from lrs.kernel.logs import configure_logs


def up(folder: Path, *, free_ports: bool) -> None:
    """Run the zone in `folder` until SIGINT or SIGTERM. Raises `AyumiError` when it cannot run, or not go on."""
    zone = Zone(folder, load_settings(folder), free_ports=free_ports)
    asyncio.run(run_until_signal(lambda stop: _run(zone, stop)))


async def run_until_signal(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `work(stop)`, with `stop` set by SIGINT or SIGTERM. A second signal ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told, number)
    await work(stop)


async def _run(zone: Zone, stop: asyncio.Event) -> None:
    terminal = sys.stderr.isatty()
    configure_logs(part="supervisor")
    if terminal and not zone.settings.broker.bootstrap_servers:
        # Its progress bar wants the terminal for itself, before the panel takes it.
        await unless(stop, in_daemon_thread(lambda: class_path(cache_folder())))
    with Panel(zone) if terminal else contextlib.nullcontext():
        if terminal:
            configure_logs(part="supervisor")  # again: lines go above the panel from here on
        await serve(zone, stop)


async def serve(zone: Zone, stop: asyncio.Event) -> None:
    """Start the zone, keep it until `stop` or until a part refuses to go on, and leave no process behind."""
    try:
        if await unless(stop, zone.start()):
            await unless(stop, zone.failure())
    finally:
        await zone.stop()


async def unless(stop: asyncio.Event, work: Awaitable[object]) -> bool:
    """Wait for `work`, but cancel it when `stop` is set; whether it came to its end. Raises what `work` raises."""
    doing = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    if doing.done():
        doing.result()
        return True
    doing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await doing
    return False
