"""The archive: what went in comes out byte for byte, once, in a stable order, without what was voided."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable

import pytest

from lrs.kernel.errors import RetryError
from lrs.kernel.statements.relations import about_agent, with_verb
from lrs.store import pages, selecting
from lrs.store.archive import Archive, ArchivedStatement, StatementFilter, cursor_of
from lrs.store.engine import Engine
from lrs.store.migrate import migrate
from lrs.store.tallies import Tallies, Tally
from tests.support.rows import BASE_MS, archive_row, key


@pytest.fixture
def archive(archive_engine: Engine) -> Archive:
    return Archive(archive_engine)


def _offsets(statements: list[ArchivedStatement]) -> list[int]:
    return [statement.offset for statement in statements]


def test_a_statement_comes_back_byte_for_byte(archive: Archive) -> None:
    raw = b'{"a": 1.0, "b":"\\u0000 \xe5\x85\x90\xe7\xab\xa5", "c":"' + bytes(range(128, 256)) + b'"}'
    row = archive_row(7, partition=3, raw=raw, authority=b"\xff\x00", version="2.0.0", registration=key("r"))
    archive.insert([row])
    assert archive.by_ids([row.statement_id, key("unknown")]) == {
        row.statement_id: ArchivedStatement(
            row.statement_id, 3, 7, "drill", row.stored_at_ms, b"\xff\x00", "2.0.0", raw, voided=False
        )
    }


def test_nothing_is_asked_and_nothing_written_for_nothing(archive: Archive) -> None:
    archive.insert([])
    assert archive.by_ids([]) == {}
    assert archive.select(StatementFilter()) == []
    assert archive.high_water(0) == -1


def test_rows_at_or_below_the_high_water_are_skipped(archive: Archive, archive_engine: Engine) -> None:
    rows = [archive_row(offset) for offset in range(10)]
    archive.insert(rows[:6])
    assert archive.high_water(0) == 5
    archive.insert(rows[3:])
    archive.insert(rows)
    # A redelivery may rewind in the middle of a batch.
    archive.insert([*rows[8:], archive_row(10), *rows[2:], archive_row(10), archive_row(11)])
    other = Archive(archive_engine)
    other.insert([*rows, archive_row(12)])
    assert _offsets(archive.select(StatementFilter(ascending=True))) == list(range(13))
    assert (archive.high_water(0), archive.high_water(1)) == (12, -1)


def test_offset_zero_is_not_taken_for_an_empty_table(archive: Archive) -> None:
    archive.insert([archive_row(0)])
    assert archive.high_water(0) == 0


def test_counted_records_need_no_archiving(archive: Archive, archive_engine: Engine) -> None:
    archive.insert([archive_row(3)])
    tally = Tally("recorder", 0, 0, 9, "drill", 0, "refused", "invalid", 9)
    Tallies(archive_engine, "board").insert([tally, tally._replace(hop="loader", last_offset=50)])
    assert archive.high_water(0) == 9


def test_partitions_are_apart(archive: Archive) -> None:
    archive.insert([archive_row(5, partition=0)])
    archive.insert([archive_row(2, partition=1)])
    assert (archive.high_water(0), archive.high_water(1)) == (5, 2)
    archive.insert([archive_row(4, partition=0), archive_row(6, partition=0), archive_row(1, partition=1)])
    assert (archive.high_water(0), archive.high_water(1)) == (6, 2)


def test_an_insert_whose_answer_was_lost_is_not_repeated(front: str, request: pytest.FixtureRequest) -> None:
    engine = Engine.open(front, "lost_archive", readers=1, max_memory_mb=1500, query_seconds=5)
    request.addfinalizer(engine.close)
    migrate(engine, "archive")
    archive = Archive(engine)
    archive.insert([archive_row(0)])
    urllib.request.urlopen(urllib.request.Request(f"{front}/drop-after-insert", method="POST")).close()  # noqa: S310
    rows = [archive_row(1), archive_row(2)]
    with pytest.raises(RetryError):
        archive.insert(rows)
    archive.insert([*rows, archive_row(3)])
    assert engine.query("SELECT offset FROM statements ORDER BY offset") == [(0,), (1,), (2,), (3,)]


def test_a_voided_statement_is_hidden_but_can_be_asked_for_by_id(archive: Archive) -> None:
    target, other = archive_row(0), archive_row(1)
    voiding = archive_row(2, is_voiding=True, target_id=target.statement_id)
    archive.insert([target, other])
    archive.insert([voiding])
    assert _offsets(archive.select(StatementFilter(ascending=True))) == [1, 2]
    found = archive.by_ids([row.statement_id for row in (target, other, voiding)])
    assert {row.offset: row.voided for row in found.values()} == {0: True, 1: False, 2: False}


def test_a_voiding_statement_may_come_before_its_target(archive: Archive) -> None:
    target = archive_row(1)
    archive.insert([archive_row(0, is_voiding=True, target_id=target.statement_id)])
    archive.insert([target])
    assert _offsets(archive.select(StatementFilter())) == [0]


def test_a_voiding_statement_cannot_be_voided(archive: Archive) -> None:
    first = archive_row(1, is_voiding=True, target_id=archive_row(0).statement_id)
    archive.insert([archive_row(0), first, archive_row(2, is_voiding=True, target_id=first.statement_id)])
    assert _offsets(archive.select(StatementFilter(ascending=True))) == [1, 2]


def test_a_reference_that_does_not_void_hides_nothing(archive: Archive) -> None:
    archive.insert([archive_row(0), archive_row(1, target_id=archive_row(0).statement_id)])
    assert _offsets(archive.select(StatementFilter(ascending=True))) == [0, 1]


def test_a_page_is_full_however_many_voided_statements_lie_between(archive: Archive) -> None:
    rows = [archive_row(offset) for offset in range(40)]
    voids = [archive_row(40 + n, is_voiding=True, target_id=rows[n].statement_id) for n in range(30)]
    archive.insert([*rows, *voids])
    assert _offsets(archive.select(StatementFilter(limit=5, ascending=True))) == [30, 31, 32, 33, 34]


def test_pages_neither_repeat_nor_miss_while_statements_arrive(archive: Archive) -> None:
    # Several share one millisecond, so that pages end inside it.
    archive.insert([archive_row(offset, stored_at_ms=BASE_MS + offset // 7) for offset in range(50)])
    for ascending in (False, True):
        seen: list[int] = []
        wanted = StatementFilter(limit=8, ascending=ascending, until_ms=BASE_MS + 1000)
        while page := archive.select(wanted):
            seen += _offsets(page)
            wanted = wanted._replace(after=cursor_of(page[-1]))
            after = archive.high_water(0) + 1
            archive.insert([archive_row(after, stored_at_ms=BASE_MS + 2000 + after)])
        assert seen == sorted(range(50), reverse=not ascending)


def test_index_entries_come_in_offset_order_behind_an_offset(archive: Archive) -> None:
    rows = [archive_row(offset) for offset in (1, 2, 5, 9)]
    archive.insert(rows)
    archive.insert([archive_row(3, partition=1)])
    expected = [(row.statement_id, row.offset, row.digest) for row in rows]
    assert list(archive.index_entries(0, -1)) == expected
    assert list(archive.index_entries(0, 2)) == expected[2:]
    assert list(archive.index_entries(2, -1)) == []


def test_index_entries_go_on_over_several_reads(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lrs.store.archive._ENTRIES_AT_ONCE", 4)
    archive.insert([archive_row(offset) for offset in range(0, 24, 2)])
    assert [offset for _, offset, _ in archive.index_entries(0, -1)] == list(range(0, 24, 2))


def test_a_look_up_by_id_reads_few_rows_of_many(archive: Archive, archive_engine: Engine) -> None:
    archive.insert([archive_row(offset, actor_key=f"actor-{offset}") for offset in range(40_000)])
    sql = "EXPLAIN projections = 1 SELECT raw FROM statements WHERE statement_id = {id:FixedString(16)}"
    plan = "\n".join(row[0] for row in archive_engine.query(sql, {"id": archive_row(123).statement_id}))
    assert "by_id" in plan
    sql = "EXPLAIN projections = 1 SELECT max(offset), count() FROM statements WHERE partition = {p:UInt16}"
    assert "high_waters" in "\n".join(row[0] for row in archive_engine.query(sql, {"p": 0}))


def test_a_reference_whose_statement_was_lost_in_a_crash_is_not_listed(
    archive: Archive, archive_engine: Engine
) -> None:
    archive.insert([archive_row(offset) for offset in range(3)])
    lost = (key("id", 0, 1), key("lost"), "drill", bytes(8), BASE_MS + 9, 0, 9, False)
    columns = ("target_id", "statement_id", "app", "authority_key", "stored_at", "partition", "offset", "is_voiding")
    archive_engine.insert("statement_references", columns, [lost])
    wanted = StatementFilter((with_verb(archive_row(0).verb_id),), limit=2)
    page = archive.page(wanted)
    assert (_offsets(page.statements), page.after is not None) == ([2], True)
    assert _offsets(archive.select(wanted._replace(after=page.after))) == [1, 0]


def test_a_page_ends_before_it_is_too_large(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_LARGEST_PAGE_BYTES", 2500)
    archive.insert([archive_row(offset, raw=b"x" * 1000) for offset in range(5)])
    wanted, seen = StatementFilter(limit=10, ascending=True), []
    for expected in ([0, 1], [2, 3], [4]):
        page = archive.page(wanted)
        assert _offsets(page.statements) == expected
        seen += expected
        wanted = wanted._replace(after=page.after)
    assert page.after is None
    monkeypatch.setattr(pages, "_LARGEST_PAGE_BYTES", 10)
    assert _offsets(archive.page(StatementFilter(limit=10)).statements) == [4]


def test_what_is_too_much_to_be_read_along_is_read_piece_by_piece(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selecting, "_MOST_CONTENT_BYTES", 1000)
    archive.insert([archive_row(offset, raw=b"x" * 1000) for offset in range(5)])
    wanted = StatementFilter((about_agent(archive_row(0).actor_key, related=False),))
    assert _offsets(archive.select(wanted)) == [4, 3, 2, 1, 0]


def test_a_list_that_takes_too_long_says_what_may_help(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_SELECT_SECONDS", -1)
    rows = [archive_row(offset) for offset in range(20)]
    archive.insert([*rows, *(archive_row(20 + n, is_voiding=True, target_id=rows[n].statement_id) for n in range(20))])
    with pytest.raises(RetryError, match="narrower filter") as caught:
        archive.select(StatementFilter(limit=2, until_ms=BASE_MS + 19))
    assert caught.value.after_seconds == 5


def test_a_list_that_takes_too_much_memory_says_what_may_help(open_database: Callable[[str], Engine], dsn: str) -> None:
    migrated = open_database("poor")
    migrate(migrated, "archive")
    Archive(migrated).insert([archive_row(offset, raw=b"%d" % offset * 20_000) for offset in range(300)])
    name = migrated.query("SELECT currentDatabase()")[0][0]
    poor = Engine.open(dsn, name, readers=1, max_memory_mb=2, query_seconds=20)
    try:
        with pytest.raises(RetryError, match="narrower filter"):
            Archive(poor).select(StatementFilter((with_verb(archive_row(0).verb_id),), limit=300))
    finally:
        poor.close()


def test_any_time_can_be_asked_for(archive: Archive) -> None:
    archive.insert([archive_row(0)])
    for since, until, count in (
        (-(2**62), 2**62, 1),
        (2**62, None, 0),
        (None, -(2**62), 0),
        (-62_135_596_800_000, 253_402_300_799_999, 1),
    ):
        assert len(archive.select(StatementFilter(since_ms=since, until_ms=until))) == count, (since, until)


def test_lists_are_read_from_the_index_that_suits(archive: Archive, archive_engine: Engine) -> None:
    archive.insert([archive_row(offset, actor_key=f"actor-{offset % 400}") for offset in range(40_000)])

    def plan(sql: str, **params: object) -> str:
        return "\n".join(
            str(row[0]) for row in archive_engine.query(f"EXPLAIN indexes = 1, projections = 1 {sql}", params)
        )

    listed = f"SELECT {selecting.PLACE} FROM statements {selecting.order(StatementFilter())}"  # noqa: S608
    newest = plan(f"{listed} {selecting.BY_TIME}", limit=100)
    assert "by_time" in newest
    assert "InReverseOrder" in newest
    sql, params = selecting.meets(StatementFilter((about_agent("actor-7", related=False),)))
    assert "by_key" in plan(f"SELECT raw FROM statements WHERE {sql}", **params)  # noqa: S608
