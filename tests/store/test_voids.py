"""What is known of voided statements: the same whether it is kept in memory or asked for each time."""

from __future__ import annotations

import pytest

from lrs.store.archive import Archive
from lrs.store.engine import Engine
from lrs.store.voids import Voids
from tests.support.rows import archive_row


@pytest.fixture
def archive(archive_engine: Engine) -> Archive:
    return Archive(archive_engine)


def void(archive: Archive, offset: int, target: int, app: str = "drill") -> None:
    archive.insert([archive_row(offset, is_voiding=True, target_id=archive_row(target).statement_id, app=app)])


@pytest.mark.parametrize("most", [0, 1, 100])
def test_a_void_counts_for_the_app_that_sent_what_it_names_however_many_are_kept(archive: Archive, most: int) -> None:
    archive.insert([archive_row(0), archive_row(1), archive_row(2)])
    void(archive, 10, 0)
    void(archive, 11, 1, app="another")
    voids = Voids(archive.engine, most=most)
    asked = {archive_row(number).statement_id: "drill" for number in range(3)}
    assert voids.among(asked) == {archive_row(0).statement_id}


def test_however_many_are_voided_while_nobody_asks_a_bounded_number_is_kept(archive: Archive) -> None:
    archive.insert([archive_row(0), archive_row(1)])
    void(archive, 10, 0)
    voids = Voids(archive.engine, most=100)
    for number in range(1000):
        voids.note([(number.to_bytes(16, "big"), "drill")])
        assert sum(map(len, voids._known.values())) <= 100  # noqa: SLF001 - what it takes in memory
    asked = {archive_row(number).statement_id: "drill" for number in range(2)}
    assert voids.among(asked) == {archive_row(0).statement_id}


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
