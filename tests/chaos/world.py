"""What the faults act on: one zone folder, its proxy to the broker, small disks, a clock that can be set."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from lrs.cli.plan import with_ports
from lrs.cli.settings_loading import load_settings
from lrs.cli.zone import Zone
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder
from tests.chaos import verdict
from tests.chaos.plan import DISKS
from tests.chaos.supervised import SupervisedZone
from tests.support.clients import name_by_port
from tests.support.false_clock import FalseClock
from tests.support.proxy import Proxy
from tests.support.small_disk import SmallDisk

_DISK_MB = 512


class World:
    """Made before anything is started, in a mount namespace of this program's own."""

    def __init__(self, root: Path) -> None:
        self.folder = ZoneFolder(root)
        self.folder.prepare()
        self.settings: Settings = with_ports(load_settings(root), free_ports=True)
        self.disks = {name: SmallDisk(root / name, _DISK_MB) for name in DISKS}
        self.clock = FalseClock(self.folder.run)
        self.proxy = Proxy(name_by_port(self.processes))
        self.proxy.upstream = self.settings.broker.port
        self.zone: SupervisedZone | None = None

    async def __aenter__(self) -> Self:
        await self.proxy.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.proxy.__aexit__(kind, error, trace)
        for disk in self.disks.values():
            disk.close()

    def new_zone(self) -> SupervisedZone:
        """The zone of this folder, on the ports that it always has, its broker reached through the proxy."""
        plan = Zone(self.folder.root, self.settings)
        self.zone = SupervisedZone(plan, self.proxy.port, lambda: verdict.left_behind(self.folder.root))
        return self.zone

    def processes(self) -> dict[str, int]:
        """The process ids of those that run under the supervisor."""
        return {child.name: child.pid for child in (self.zone.children if self.zone else ()) if child.pid}

    @contextmanager
    def false_time(self) -> Iterator[None]:
        """Processes that are started in here live by the clock that can be set."""
        before = dict(os.environ)
        os.environ.update(self.clock.environment)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def true_time(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the clock that can be set."""
    return {name: value for name, value in environment.items() if name not in ("LD_PRELOAD", "FALSE_CLOCK_FILE")}
