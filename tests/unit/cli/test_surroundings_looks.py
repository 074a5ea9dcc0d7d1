"""Looks that run at once: none undoes what another found."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lrs.cli.surroundings_looks import SurroundingsLooks
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder


async def test_looks_that_run_at_once_keep_what_each_found(tmp_path: Path) -> None:
    folder = ZoneFolder(tmp_path / "zone")
    folder.prepare()
    (folder.broker / "log").write_bytes(b"x" * 9000)
    looks = SurroundingsLooks(Settings(), folder, {})
    running = asyncio.gather(looks.look_at_disks(), looks.look_at_folders(), looks.look_at_processes())
    looks.saw(trouble="the broker is away")
    await running
    assert [space.name for space in looks.now.file_systems] == ["zone"]
    assert looks.now.folders["broker"] >= 9000
    assert looks.now.trouble == "the broker is away"
