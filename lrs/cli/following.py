"""The gateway's knowledge of the archive where the recorder is in another process: it reads what was archived."""

from __future__ import annotations

import asyncio

from lrs.kernel.errors import RetryError
from lrs.kernel.logs import get_logger
from lrs.kernel.parts import Check
from lrs.kernel.progress import ArchiveProgress
from lrs.store.archive import Archive
from lrs.store.ids import IdIndex

log = get_logger("follower")

# One small query a partition each time. Read-your-writes waits this long more than beside the recorder.
_POLL_SECONDS = 0.1


class ArchiveFollower:
    """Keeps an id index and a progress of its own as far as the archive has come."""

    name = "follower"

    def __init__(self, archive: Archive, ids: IdIndex, progress: ArchiveProgress, partitions: int) -> None:
        self._archive = archive
        self._ids = ids
        self._progress = progress
        self._partitions = partitions
        self._trouble = "the archive has not been read yet"

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop`. An archive that is away is asked again."""
        while not stop.is_set():
            try:
                await asyncio.to_thread(self.catch_up)
            except RetryError as error:
                self._trouble = str(error)
                log.warning("archive_away", detail=str(error))
                await asyncio.sleep(error.after_seconds)
            try:
                await asyncio.wait_for(stop.wait(), _POLL_SECONDS)
            except TimeoutError:
                continue

    def catch_up(self) -> None:
        """Read what every partition's archive has now. Blocks; raises `RetryError`."""
        for partition in range(self._partitions):
            high = self._archive.high_water(partition)
            self._ids.catch_up(self._archive, partition)
            # In this order: who was told of an offset finds its id. How old what follows it is, only the log knows;
            # readers ask that for the log's end, and tell what they found.
            self._progress.advance(partition, high + 1, 0)
        self._trouble = ""

    def checks(self) -> list[Check]:
        """Whether the archive could be read."""
        return [Check("archive_followed", not self._trouble, self._trouble)]
