"""The id index: a cache of the archive that survives a kill and may be lost at any time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lrs.store.archive import Archive
from lrs.store.ids import IdEntry, IdIndex, IdIndexError
from tests.support.rows import archive_row, key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrs.store.engine import Engine

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ids"


@pytest.fixture
def index(folder: Path) -> Iterator[IdIndex]:
    opened = IdIndex.open(folder)
    yield opened
    opened.close()


def _entry(offset: int, partition: int = 0) -> tuple[bytes, IdEntry]:
    return key("id", partition, offset), IdEntry(partition, offset, key("content", partition, offset))


def test_an_entry_comes_back_as_it_was_put(index: IdIndex) -> None:
    entries = [(bytes(16), IdEntry(0, 0, bytes(16))), (b"\xff" * 16, IdEntry(65_535, 2**63 - 1, b"\xff" * 16))]
    index.put_many(entries)
    assert index.get_many([entries[1][0], key("unknown"), entries[0][0]]) == [entries[1][1], None, entries[0][1]]
    assert index.get_many([]) == []
    index.put_many([])


def test_the_high_water_is_kept_by_partition_and_never_sinks(index: IdIndex) -> None:
    assert index.high_water(0) == -1
    index.put_many([_entry(3), _entry(9), _entry(5), _entry(1, partition=1)])
    index.put_many([_entry(4)])
    assert [index.high_water(partition) for partition in (0, 1, 2)] == [9, 1, -1]


def test_entries_outlive_a_clean_close(folder: Path) -> None:
    first = IdIndex.open(folder)
    first.put_many([_entry(offset) for offset in range(100)])
    first.close()
    again = IdIndex.open(folder)
    assert again.get_many([_entry(7)[0]]) == [_entry(7)[1]]
    assert again.high_water(0) == 99
    again.close()


def test_a_second_opener_is_told_who_is_in_the_way(folder: Path, index: IdIndex) -> None:
    index.put_many([_entry(0)])
    program = f"from pathlib import Path; from lrs.store.ids import IdIndex; IdIndex.open(Path({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "StopError" in done.stderr
    assert "another process" in done.stderr
    assert index.get_many([_entry(0)[0]]) == [_entry(0)[1]]


def test_every_batch_is_there_whole_after_a_kill(folder: Path) -> None:
    program = """
import sys
from pathlib import Path
from lrs.store.ids import IdEntry, IdIndex
index = IdIndex.open(Path(sys.argv[1]))
offset = index.high_water(0) + 1
while True:
    index.put_many([((offset + n).to_bytes(16, "big"), IdEntry(0, offset + n, bytes(16))) for n in range(50)])
    offset += 50
    print(offset, flush=True)
"""
    acknowledged = 0
    for _ in range(4):
        command = [sys.executable, "-c", program, str(folder)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(20):
                acknowledged = int(process.stdout.readline())
            os.kill(process.pid, signal.SIGKILL)
        index = IdIndex.open(folder)
        high = index.high_water(0)
        assert high >= acknowledged - 1
        assert high % 50 == 49
        found = index.get_many([offset.to_bytes(16, "big") for offset in range(high + 2)])
        assert [entry is not None for entry in found] == [True] * (high + 1) + [False]
        index.close()


def test_readers_in_other_threads_see_whole_entries(index: IdIndex) -> None:
    ids = [_entry(offset)[0] for offset in range(2000)]
    wrong: list[object] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            wrong.extend(
                e
                for e, i in zip(index.get_many(ids[::50]), range(0, 2000, 50), strict=True)
                if e not in (None, _entry(i)[1])
            )

    thread = threading.Thread(target=read)
    thread.start()
    for start in range(0, 2000, 100):
        index.put_many([_entry(offset) for offset in range(start, start + 100)])
    done.set()
    thread.join()
    assert not wrong
    assert None not in index.get_many(ids)


@pytest.fixture
def archive(archive_engine: Engine) -> Archive:
    archive = Archive(archive_engine)
    archive.insert([archive_row(offset) for offset in range(0, 60, 2)])
    archive.insert([archive_row(offset, partition=1) for offset in range(5)])
    return archive


def _expected(offset: int, partition: int = 0) -> IdEntry:
    row = archive_row(offset, partition=partition)
    return IdEntry(partition, offset, row.digest)


def _ids(offsets: range, partition: int = 0) -> list[bytes]:
    return [archive_row(offset, partition=partition).statement_id for offset in offsets]


def test_a_missing_index_is_rebuilt_partition_by_partition(archive: Archive, index: IdIndex) -> None:
    assert index.catch_up(archive, 0) == 30
    assert index.get_many(_ids(range(0, 60, 2))) == [_expected(offset) for offset in range(0, 60, 2)]
    assert index.get_many(_ids(range(5), partition=1)) == [None] * 5
    assert index.catch_up(archive, 1) == 5
    assert (index.catch_up(archive, 0), index.catch_up(archive, 2)) == (0, 0)


def test_only_what_is_missing_is_filled_in(archive: Archive, index: IdIndex) -> None:
    index.put_many(
        [(row.statement_id, IdEntry(0, row.offset, row.digest)) for row in map(archive_row, range(0, 41, 2))]
    )
    assert index.catch_up(archive, 0) == 9
    assert None not in index.get_many(_ids(range(0, 60, 2)))


def test_an_index_of_another_archive_is_emptied(archive: Archive, index: IdIndex) -> None:
    index.put_many([_entry(offset, partition=7) for offset in range(20)])
    index.put_many([_entry(0)])
    assert index.catch_up(archive, 7) == 0
    assert index.get_many([_entry(3, partition=7)[0]]) == [None]
    assert index.high_water(7) == -1
    assert index.get_many([_entry(0)[0]]) == [_entry(0)[1]]


@pytest.mark.parametrize("harm", ["cut", "scramble", "lose", "table"])
def test_a_damaged_index_is_thrown_away_and_rebuilt(archive: Archive, folder: Path, harm: str) -> None:
    index = IdIndex.open(folder)
    index.catch_up(archive, 0)
    index.close()
    manifest = next((folder / "index").glob("MANIFEST-*"))
    if harm == "cut":
        (folder / "index" / "CURRENT").write_bytes(b"")
    elif harm == "scramble":
        manifest.write_bytes(os.urandom(manifest.stat().st_size))
    elif harm == "table":
        [table] = (folder / "index").glob("*.sst")
        with table.open("r+b") as file:
            file.seek(-400, os.SEEK_END)
            file.write(os.urandom(300))  # its table of contents, which is read when it is opened
    else:
        manifest.unlink()
    again = IdIndex.open(folder)
    assert again.high_water(0) == -1
    assert again.catch_up(archive, 0) == 30
    again.close()


def test_damage_that_is_found_later_ends_the_process_and_heals_on_restart(archive: Archive, folder: Path) -> None:
    index = IdIndex.open(folder)
    index.catch_up(archive, 0)
    index.close()
    [table] = (folder / "index").glob("*.sst")
    with table.open("r+b") as file:
        file.write(os.urandom(200))  # the first entries; the tables of contents are at the end
    index = IdIndex.open(folder)
    with pytest.raises(IdIndexError, match="Restart"):
        index.get_many(_ids(range(0, 60, 2)))
    index.close()
    again = IdIndex.open(folder)
    assert again.catch_up(archive, 0) == 30
    again.close()


def test_the_folder_may_vanish_between_runs(archive: Archive, folder: Path) -> None:
    index = IdIndex.open(folder)
    index.catch_up(archive, 0)
    index.close()
    shutil.rmtree(folder)
    again = IdIndex.open(folder)
    assert again.catch_up(archive, 0) == 30
    again.close()
