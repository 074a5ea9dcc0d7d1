"""What the stores say of a full disk, as JSON: a program, because it needs a mount namespace of its own."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from lrs.cli.log_files import trim_logs
from lrs.cli.zone_state import write_zone_state
from lrs.store.engine import Engine
from lrs.store.ids import IdEntry, IdIndex
from tests.support.small_disk import SmallDisk, enter_namespace

_DISK_MB = 64
_ROW_BYTES = 10_000
_TABLE = "CREATE TABLE notes (number UInt64, text String CODEC(NONE)) ENGINE = MergeTree ORDER BY number"


def main() -> None:
    """Fill each disk up, try to write, give it room, try again."""
    enter_namespace(["-m", "tests.chaos.full_disk"])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        print(json.dumps({**_engine(Path(name)), **_ids(Path(name)), **_supervisor(Path(name))}))  # noqa: T201 - its answer


def _engine(folder: Path) -> dict[str, object]:
    disk = SmallDisk(folder / "archive", _DISK_MB)
    engine = Engine.open(f"chdb://{disk.folder}", "archive", readers=1, max_memory_mb=500, query_seconds=10)
    engine.command(_TABLE)
    row = [(1, os.urandom(_ROW_BYTES // 2).hex())]

    def write() -> None:
        engine.insert("notes", ("number", "text"), row)

    write()
    found: dict[str, object] = {}
    # The first has no room for the client's temporary file, the second for it alone.
    for spare in (0, _ROW_BYTES + 4096):
        disk.fill(spare)
        found[f"engine, {'no' if not spare else 'little'} room"] = _said(write)
        disk.free()
    write()
    found["engine, rows afterwards"] = engine.query("SELECT count() FROM notes")[0][0]
    engine.close()
    disk.close()
    return found


def _ids(folder: Path) -> dict[str, object]:
    disk = SmallDisk(folder / "ids", _DISK_MB)
    found: dict[str, object] = {"ids": _said_of_writing(disk)}
    found["ids, opened while full"] = _said(lambda: IdIndex.open(disk.folder))
    disk.free()
    again = IdIndex.open(disk.folder)
    found["ids, kept"] = again.high_water(0) >= 999
    again.close()
    disk.close()
    return found


def _supervisor(folder: Path) -> dict[str, object]:
    disk = SmallDisk(folder / "run", _DISK_MB)
    state, log = disk.folder / "zone.json", disk.folder / "part.log"
    long = {"children": "x" * 8192}
    log.write_bytes(bytes(1 << 20))
    found: dict[str, object] = {"state, at first": write_zone_state(state, {"children": []})}
    disk.fill(0)
    found["state, on a full disk"] = write_zone_state(state, long)
    found["state, as it is read then"] = json.loads(state.read_text("utf-8"))
    trim_logs(disk.folder, largest_bytes=1 << 19)
    found["log, trimmed to"] = log.stat().st_size
    disk.free()
    found["state, with room again"] = write_zone_state(state, long)
    disk.close()
    return found


def _said_of_writing(disk: SmallDisk) -> str:
    index = IdIndex.open(disk.folder)
    index.put_many((os.urandom(16), IdEntry(0, offset, bytes(16))) for offset in range(1000))
    disk.fill(0)
    return _said(
        lambda: index.put_many((os.urandom(16), IdEntry(0, offset, bytes(16))) for offset in range(1000, 6000))
    )


def _said(work: Callable[[], object]) -> str:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - which one it is, is the question
        return type(error).__name__
    return "nothing"


if __name__ == "__main__":
    main()
