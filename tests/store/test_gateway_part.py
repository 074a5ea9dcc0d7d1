"""The gateway ends, for its supervisor to start it anew, when what goes on beside it has ended."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lrs.api.gateway import GatewayPart
from lrs.kernel.progress import ArchiveProgress
from lrs.kernel.settings import GatewaySettings, Settings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.archive import Archive
from lrs.store.engine import Engine
from lrs.store.ids import IdIndex
from lrs.store.registry import open_registry
from producers.publisher import KafkaPublisher


class Faulty(KafkaPublisher):
    """Has a fault that nobody expects, some questions after the start."""

    good = 2

    async def log_ends(self) -> dict[int, int]:
        self.good -= 1
        if self.good < 0:
            msg = "a fault of the client"
            raise LookupError(msg)
        return dict.fromkeys(range(4), 0)


async def test_a_fault_in_what_measures_the_backlog_ends_the_part(archive_engine: Engine, tmp_path: Path) -> None:
    folder = ZoneFolder(tmp_path / "zone")
    folder.prepare()
    settings = Settings(gateway=GatewaySettings(port=0))
    ids, registry = IdIndex.open(folder.ids), open_registry(settings, folder)
    part = GatewayPart(
        settings,
        folder,
        publisher=Faulty(settings.broker, settings.zone.name),
        archive=Archive(archive_engine),
        ids=ids,
        progress=ArchiveProgress(settings.broker.partitions),
        registry=registry,
    )
    try:
        with pytest.raises(LookupError, match="a fault of the client"):
            await asyncio.wait_for(part.run(asyncio.Event()), 60)
    finally:
        registry.close()
        ids.close()
