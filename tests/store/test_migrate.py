"""Migrations: in order, once, and not to be edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrs.kernel.errors import StopError
from lrs.store import migrate as module
from lrs.store.migrate import Store, migrate, migration_files, statements_of

if TYPE_CHECKING:
    from pathlib import Path

    from lrs.store.engine import Engine

STORES: tuple[Store, ...] = ("archive", "facts")


@pytest.mark.parametrize("store", STORES)
def test_all_are_applied_in_order_and_then_none(engine: Engine, store: Store) -> None:
    names = [path.stem for path in migration_files(store)]
    assert migrate(engine, store) == names
    assert migrate(engine, store) == []
    numbers = [int(name[:4]) for name in names]
    assert numbers == list(range(1, len(names) + 1))


@pytest.mark.parametrize("store", STORES)
def test_one_that_was_cut_off_runs_again(engine: Engine, store: Store) -> None:
    for path in migration_files(store):
        for statement in statements_of(path.read_text("utf-8")):
            engine.command(statement)
    assert len(migrate(engine, store)) == len(migration_files(store))


def test_an_edited_one_is_told(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    file = tmp_path / "facts" / "0001_create_things.sql"
    file.parent.mkdir()
    file.write_text("CREATE TABLE IF NOT EXISTS things (a UInt8) ENGINE = MergeTree ORDER BY a;\n")
    assert migrate(engine, "facts") == ["0001_create_things"]
    file.write_text(file.read_text() + "-- a remark\n")
    with pytest.raises(StopError, match="edited"):
        migrate(engine, "facts")


def test_a_store_of_a_later_release_is_left_alone(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(engine, "facts")
    (tmp_path / "facts").mkdir()
    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    with pytest.raises(StopError, match="newer release"):
        migrate(engine, "facts")


@pytest.mark.parametrize("store", STORES)
def test_every_table_is_synced_before_an_insert_is_acknowledged(engine: Engine, store: Store) -> None:
    migrate(engine, store)
    sql = "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()"
    for name, definition in engine.query(sql):
        assert "fsync_after_insert = 1" in definition, name
        assert "fsync_part_directory = 1" in definition, name
