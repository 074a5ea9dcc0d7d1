"""What is known of references: the same whether it is kept in memory or asked for each time."""

from __future__ import annotations

import pytest

from lrs.kernel.statements.relations import authority_key
from lrs.store.archive import Archive
from lrs.store.engine import Engine
from lrs.store.heads import Place
from lrs.store.referrers import Reference, Referrers
from tests.support.rows import archive_row


@pytest.fixture
def archive(archive_engine: Engine) -> Archive:
    return Archive(archive_engine)


def void(archive: Archive, offset: int, target: int, app: str = "drill") -> None:
    archive.insert([archive_row(offset, is_voiding=True, target_id=archive_row(target).statement_id, app=app)])


def reference(offset: int, target: int, app: str = "drill", *, is_voiding: bool = False) -> Reference:
    row = archive_row(offset, app=app)
    place = Place(row.stored_at_ms, row.partition, offset, row.statement_id, app, is_voiding)
    return Reference(place, archive_row(target).statement_id, authority_key(row.authority))


@pytest.mark.parametrize("most", [0, 1, 100])
def test_a_void_counts_for_the_app_that_sent_what_it_names_however_many_are_kept(archive: Archive, most: int) -> None:
    archive.insert([archive_row(0), archive_row(1), archive_row(2)])
    void(archive, 10, 0)
    void(archive, 11, 1, app="another")
    referrers = Referrers(archive.engine, most=most)
    asked = {archive_row(number).statement_id: "drill" for number in range(3)}
    assert referrers.voided(asked) == {archive_row(0).statement_id}


@pytest.mark.parametrize("most", [0, 1, 100])
def test_all_that_refers_to_a_statement_is_found_however_much_is_kept(archive: Archive, most: int) -> None:
    ids = [archive_row(number).statement_id for number in range(3)]
    referrers = Referrers(archive.engine, most=most)
    assert not referrers.are_any()
    archive.insert([archive_row(0), archive_row(10, target_id=ids[0])])
    archive.insert(
        [archive_row(11, target_id=ids[0], app="another"), archive_row(12, target_id=ids[0], is_voiding=True)]
    )
    archive.insert([archive_row(13, target_id=ids[2])])
    referrers = Referrers(archive.engine, most=most)
    expected = [reference(10, 0), reference(11, 0, "another"), reference(12, 0, is_voiding=True), reference(13, 2)]
    assert sorted(referrers.to(ids)) == expected
    assert referrers.to(ids[1:2]) == []
    assert referrers.are_any()


def test_a_reference_that_is_noted_twice_is_kept_once(archive: Archive) -> None:
    referrers = Referrers(archive.engine)
    noted = [reference(10, 0), reference(11, 0), reference(12, 0), reference(13, 1)]
    for _ in range(2):
        referrers.note(noted)
    assert referrers.kept == 4 * archive.engine.is_embedded


def test_however_many_refer_while_nobody_asks_a_bounded_number_is_kept(archive: Archive) -> None:
    archive.insert([archive_row(0), archive_row(1)])
    void(archive, 10, 0)
    referrers = Referrers(archive.engine, most=100)
    for number in range(1000):
        referrers.note([reference(number, number)])
        assert referrers.kept <= 100
    asked = {archive_row(number).statement_id: "drill" for number in range(2)}
    assert referrers.voided(asked) == {archive_row(0).statement_id}


def test_what_is_voided_after_the_first_question_is_known_at_once(archive: Archive) -> None:
    archive.insert([archive_row(0), archive_row(1)])
    void(archive, 10, 0)
    ids = [archive_row(number).statement_id for number in range(2)]
    assert {one: found.voided for one, found in archive.by_ids(ids).items()} == {ids[0]: True, ids[1]: False}
    void(archive, 11, 1)
    assert all(found.voided for found in archive.by_ids(ids).values())


def test_another_process_that_opens_the_store_knows_what_was_voided_before(archive: Archive) -> None:
    archive.insert([archive_row(0)])
    void(archive, 10, 0)
    again = Archive(archive.engine)
    assert again.by_ids([archive_row(0).statement_id])[archive_row(0).statement_id].voided
