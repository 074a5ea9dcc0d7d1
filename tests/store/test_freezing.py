"""A store as of one moment: what was there then and nothing later, and never more counted than is there."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from lrs.kernel.errors import StopError
from lrs.store.archive import Archive
from lrs.store.backup_frozen import freeze, part_key, parts_of, thaw
from lrs.store.engine import Engine
from lrs.store.migrate import migrate, migration_files, statements_of
from lrs.store.tallies import Tallies, Tally
from tests.support.ask_store import ask
from tests.support.rows import archive_row

HOUR = 1_780_000_000 // 3600 * 3600
ROWS = "SELECT count(), max(offset) FROM statements"
COUNTED = "SELECT max(last_offset) FROM tallies WHERE hop = 'recorder'"


@pytest.fixture
def dsn(embedded: str) -> str:
    """Only the embedded engine is frozen."""
    return embedded


@pytest.fixture
def database(archive_engine: Engine) -> str:
    """The archive's name."""
    [(name,)] = archive_engine.query("SELECT currentDatabase()")
    return str(name)


def tally(first: int, last: int) -> Tally:
    return Tally("recorder", 0, first, last, "drill", HOUR, "archived", "", last - first + 1)


def copied(frozen: Path, tmp_path: Path) -> Path:
    """As a restored store lies there."""
    return Path(shutil.copytree(frozen, tmp_path / "copy", symlinks=True))


def test_a_frozen_store_opens_elsewhere_with_what_was_there_then(
    archive_engine: Engine, database: str, tmp_path: Path
) -> None:
    archive = Archive(archive_engine)
    archive.insert([archive_row(number) for number in range(50)])
    Tallies(archive_engine, "operator").insert([tally(0, 49)])
    frozen = freeze(archive_engine)
    archive.insert([archive_row(50)])
    assert frozen.high_waters == [("recorder", 0, 49)]
    folder = copied(frozen.folder, tmp_path)
    thaw(frozen.folder.parents[1])
    assert not frozen.folder.exists()
    assert archive.high_water(0) == 50
    assert ask(folder, database, "archive", ROWS, COUNTED) == [[[50, 49]], [[49]]]
    # It is a store like any other: it takes what comes next.
    assert ask(folder, database, "archive", ROWS) == [[[50, 49]]]


def test_a_store_that_is_frozen_while_it_is_written_has_never_counted_what_it_lacks(
    archive_engine: Engine, database: str, tmp_path: Path
) -> None:
    archive, tallies = Archive(archive_engine), Tallies(archive_engine, "operator")
    stop, begun = threading.Event(), threading.Event()

    def write() -> None:
        for number in count():
            archive.insert([archive_row(number)])
            tallies.insert([tally(number, number)])
            if number == 5:
                begun.set()
            if stop.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(60)
    folders = [
        Path(shutil.copytree(freeze(archive_engine).folder, tmp_path / str(number), symlinks=True))
        for number in range(3)
    ]
    stop.set()
    writer.join()
    for folder in folders:
        [[[rows, last]], [[counted]]] = ask(folder, database, "-", ROWS, COUNTED)
        assert rows == last + 1
        assert last - 1 <= counted <= last


def test_a_part_is_known_again_and_a_new_one_is_new(archive_engine: Engine) -> None:
    def keys() -> set[str]:
        return {part_key(part) for part in parts_of(freeze(archive_engine).folder) if "all_" in part.name}

    archive = Archive(archive_engine)
    archive.insert([archive_row(0)])
    first = keys()
    assert keys() == first
    archive.insert([archive_row(1)])
    assert len(keys() - first) == 1


def test_a_store_of_the_first_release_is_migrated_where_it_was_restored(engine: Engine, tmp_path: Path) -> None:
    first, second, *_ = migration_files("archive")
    for path in (first, second):
        for statement in statements_of(path.read_text("utf-8")):
            engine.command(statement)
    columns = ("statement_id", "partition", "offset", "app", "stored_at", "actor_key")
    row = archive_row(7)
    engine.insert("statements", columns, [(row.statement_id, 0, 7, row.app, row.stored_at_ms, "learner")])
    [(database,)] = engine.query("SELECT currentDatabase()")
    folder = copied(freeze(engine).folder, tmp_path)
    found = ask(folder, database, "archive", ROWS, "SELECT count() FROM migrations", "SELECT count() FROM dead_letters")
    assert found == [[[1, 7]], [[len(migration_files("archive"))]], [[0]]]


def test_an_empty_database_and_a_server_are_refused(
    engine: Engine, front: str, open_database: Callable[[str], Engine]
) -> None:
    with pytest.raises(StopError, match="is empty"):
        freeze(engine)
    server = Engine.open(front, "frozen", readers=1, max_memory_mb=500, query_seconds=20)
    try:
        with pytest.raises(StopError, match="a ClickHouse server is not frozen from here"):
            freeze(server)
    finally:
        server.close()
    migrate(open_database("later"), "archive")


@pytest.fixture(autouse=True)
def _thawed(embedded: str) -> Iterator[None]:
    yield
    thaw(Path(embedded.removeprefix("chdb://")))
