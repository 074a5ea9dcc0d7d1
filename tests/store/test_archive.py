"""The archive: what went in comes out byte for byte, once, in a stable order, without what was voided."""

from __future__ import annotations

import random
import urllib.request
from operator import attrgetter

import pytest

from lrs.kernel.errors import RetryError
from lrs.store.archive import Archive, ArchivedStatement, ArchiveRow, Cursor, StatementFilter, cursor_of
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
            row.statement_id, 3, 7, "drill", row.stored_at_ms, b"\xff\x00", "2.0.0", row.digest, raw, voided=False
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
    with pytest.raises(ValueError, match="1"):
        archive.insert([archive_row(6, partition=1), archive_row(7, partition=0)])


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


def test_select_agrees_with_a_naive_filter(archive: Archive) -> None:
    rng = random.Random(11)
    rows = [_varied(rng, offset, partition) for partition in range(3) for offset in range(60)]
    for partition in range(3):
        archive.insert([row for row in rows if row.partition == partition])
    for _ in range(60):
        wanted = _wanted(rng)
        found = archive.select(wanted)
        assert [(s.partition, s.offset) for s in found] == _naive(rows, wanted), wanted


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
    assert "voids_and_high_waters" in "\n".join(row[0] for row in archive_engine.query(sql, {"p": 0}))


def _varied(rng: random.Random, offset: int, partition: int) -> ArchiveRow:
    return archive_row(
        offset,
        partition=partition,
        stored_at_ms=BASE_MS + rng.randrange(40),
        verb_id=rng.choice(["answered", "viewed"]),
        activity_id=rng.choice(["a", "b", ""]),
        actor_key=rng.choice(["x", "y"]),
        registration=rng.choice([None, key("r1"), key("r2")]),
    )


def _wanted(rng: random.Random) -> StatementFilter:
    def maybe(*values: object) -> object:
        return rng.choice([None, *values])

    return StatementFilter(
        verb=maybe("answered", "nothing"),  # type: ignore[arg-type]
        activity=maybe("a"),  # type: ignore[arg-type]
        actor_key=maybe("x"),  # type: ignore[arg-type]
        registration=maybe(key("r1")),  # type: ignore[arg-type]
        since_ms=maybe(BASE_MS + rng.randrange(40)),  # type: ignore[arg-type]
        until_ms=maybe(BASE_MS + rng.randrange(40)),  # type: ignore[arg-type]
        limit=rng.choice([1, 3, 500]),
        ascending=rng.random() < 0.5,
        after=maybe(Cursor(BASE_MS + rng.randrange(40), rng.randrange(3), rng.randrange(60))),  # type: ignore[arg-type]
    )


def _naive(rows: list[ArchiveRow], wanted: StatementFilter) -> list[tuple[int, int]]:
    def passes(row: ArchiveRow) -> bool:
        place = Cursor(row.stored_at_ms, row.partition, row.offset)
        after = wanted.after is None or (place > wanted.after if wanted.ascending else place < wanted.after)
        return (
            after
            and wanted.verb in (None, row.verb_id)
            and wanted.activity in (None, row.activity_id)
            and wanted.actor_key in (None, row.actor_key)
            and wanted.registration in (None, row.registration)
            and (wanted.since_ms is None or row.stored_at_ms > wanted.since_ms)
            and (wanted.until_ms is None or row.stored_at_ms <= wanted.until_ms)
        )

    place = attrgetter("stored_at_ms", "partition", "offset")
    found = sorted(filter(passes, rows), key=place, reverse=not wanted.ascending)
    return [(row.partition, row.offset) for row in found[: wanted.limit]]
