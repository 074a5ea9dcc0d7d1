"""What changes slowly around a zone, as its looks find it one by one: processes, file systems, folders, the log."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lrs.api.operations.observation import FileSystem, Surroundings
from lrs.cli.disk_space import file_systems
from lrs.cli.folder_sizes import folder_sizes
from lrs.cli.process_states import ask_processes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder


class SurroundingsLooks:
    """The newest surroundings. Looks run beside each other: each changes what it looked at, and nothing else."""

    def __init__(self, settings: Settings, folder: ZoneFolder, addresses: Mapping[str, str]) -> None:
        self._settings = settings
        self._folder = folder
        self._addresses = addresses
        self._now = Surroundings(default_quota=settings.gateway.quota_statements_per_second)

    @property
    def now(self) -> Surroundings:
        """All that is known."""
        return self._now

    def saw(self, **changes: Any) -> None:  # noqa: ANN401 - any fields of `Surroundings`
        """Take what a look that is over found: what others found meanwhile stays."""
        self._now = self._now.but(**changes)

    async def look_at_processes(self) -> None:
        """Ask each process how it is, and for its metrics."""
        states, told = await ask_processes(self._folder.root, self._addresses)
        self.saw(processes=tuple(states), freshness=told.freshness, door=told.door, last_seen=told.last_seen)

    async def look_at_disks(self) -> None:
        """Space on each file system that the zone uses."""
        self.saw(file_systems=await asyncio.to_thread(self._spaces))

    async def look_at_folders(self) -> None:
        """Bytes in each folder: seconds of work in a large zone."""
        self.saw(folders=await asyncio.to_thread(folder_sizes, self._folder))

    def _spaces(self) -> tuple[FileSystem, ...]:
        found = []
        for name, path in file_systems(self._settings, self._folder).items():
            with suppress(OSError):
                usage = shutil.disk_usage(path)
                found.append(FileSystem(name, usage.free, usage.total))
        return tuple(found)
