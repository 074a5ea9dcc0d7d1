"""A gateway without a recorder beside it learns from the archive what was archived."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lrs.cli.following import ArchiveFollower
from lrs.kernel.progress import ArchiveProgress
from lrs.store.archive import Archive
from lrs.store.engine import Engine
from lrs.store.ids import IdIndex
from tests.support.rows import archive_row
from tests.support.waiting import eventually

PARTITIONS = 4


async def test_the_follower_knows_each_id_and_offset_as_soon_as_it_is_archived(
    archive_engine: Engine, tmp_path: Path
) -> None:
    archive, progress, ids = Archive(archive_engine), ArchiveProgress(PARTITIONS), IdIndex.open(tmp_path)
    follower = ArchiveFollower(archive, ids, progress, PARTITIONS)
    assert [check.ok for check in follower.checks()] == [False]
    stop = asyncio.Event()
    following = asyncio.create_task(follower.run(stop))
    await eventually(lambda: all(check.ok for check in follower.checks()))
    row = archive_row(7, partition=3)
    assert ids.get_many([row.statement_id]) == [None]
    archive.insert([row])
    assert await progress.wait_for({3: 8}, 30)
    [entry] = ids.get_many([row.statement_id])
    assert entry is not None
    assert (entry.partition, entry.offset, entry.digest) == (3, 7, row.digest)
    assert progress.next_offset(0) == 0
    # How old what waits on the log is, the archive does not tell.
    assert progress.consistent_through_ms() == 0
    stop.set()
    await following
    ids.close()
