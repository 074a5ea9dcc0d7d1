"""Archives that earlier releases made: what is in them is found after the migrations as before."""

from __future__ import annotations

import pytest

from lrs.kernel.statements.relations import about_activity, about_agent, of_registration, with_verb
from lrs.store.archive import Archive, ArchiveRow, StatementFilter
from lrs.store.engine import Engine
from lrs.store.migrate import migrate, migration_files, statements_of
from tests.support.rows import archive_row, key

OLD_COLUMNS = (
    "statement_id",
    "partition",
    "offset",
    "app",
    "stored_at",
    "timestamp_at",
    "actor_key",
    "verb_id",
    "activity_id",
    "registration",
    "target_id",
    "is_voiding",
    "digest",
    "authority",
    "version",
    "raw",
)


def _old(row: ArchiveRow) -> tuple[object, ...]:
    return (*row[:9], row.registration or bytes(16), row.target_id or bytes(16), *row[11:16])


@pytest.fixture
def rows() -> list[ArchiveRow]:
    return [
        archive_row(0, actor_key="児童", verb_id="answered", activity_id="items/1", registration=key("r")),
        archive_row(1, actor_key="", verb_id="answered", activity_id="", app="quiz"),
        archive_row(2, target_id=key("id", 0, 0)),
        archive_row(3, target_id=key("id", 0, 1), is_voiding=True, app="quiz"),
    ]


@pytest.fixture(params=["once", "cut off and again"])
def archive(engine: Engine, rows: list[ArchiveRow], request: pytest.FixtureRequest) -> Archive:
    """An archive of the first release with `rows`, migrated to this one."""
    first, *later = migration_files("archive")
    for statement in statements_of(first.read_text("utf-8")):
        engine.command(statement)
    engine.insert("statements", OLD_COLUMNS, [_old(row) for row in rows])
    if request.param != "once":
        for path in later:
            for statement in statements_of(path.read_text("utf-8"))[:-1]:
                engine.command(statement)
    migrate(engine, "archive")
    return Archive(engine)


def test_the_plain_filters_find_old_statements(archive: Archive, rows: list[ArchiveRow]) -> None:
    def found(*conditions: object) -> list[int]:
        return [one.offset for one in archive.select(StatementFilter(conditions, ascending=True))]  # type: ignore[arg-type]

    assert found() == [0, 2, 3]
    assert found(about_agent("児童", related=False)) == [0, 2]
    assert found(about_agent("児童", related=True)) == [0, 2]
    assert found(with_verb("answered")) == [0, 2, 3]
    assert found(about_activity("items/1", related=False)) == [0, 2]
    assert found(of_registration(key("r"))) == [0, 2]
    assert found(of_registration(bytes(16))) == []
    assert archive.by_ids([rows[0].statement_id])[rows[0].statement_id].raw == rows[0].raw
    assert archive.by_ids([rows[1].statement_id])[rows[1].statement_id].voided
    assert archive.high_water(0) == 3


def test_what_is_written_from_now_on_is_quick_to_unpack(archive: Archive) -> None:
    codec = "SELECT compression_codec FROM system.columns WHERE database = currentDatabase() AND table = {t:String}"
    assert archive.engine.query(f"{codec} AND name = 'raw'", {"t": "statements"}) == [("CODEC(LZ4)",)]


def test_old_and_new_statements_are_found_together(archive: Archive) -> None:
    archive.insert([archive_row(4, actor_key="児童", target_id=key("id", 0, 2))])
    wanted = StatementFilter((about_agent("児童", related=False),), ascending=True)
    assert [one.offset for one in archive.select(wanted)] == [0, 2, 4]
