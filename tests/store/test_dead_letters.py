"""The dead letters: each refused record once, found again by what one asks for, and gone when it is too old."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from lrs.store.dead_letter_queries import Letter, LetterFilter, LetterPlace, LetterQueries
from lrs.store.dead_letters import DeadLetters, Replay
from tests.support.letters import letter
from tests.support.rows import BASE_MS

if TYPE_CHECKING:
    from lrs.store.engine import Engine

DAY_MS = 86_400_000
EVERYTHING = LetterFilter(open_only=False)


@pytest.fixture
def letters(archive_engine: Engine) -> DeadLetters:
    found = DeadLetters(archive_engine)
    found.keep(3650)  # the letters here are of a day that is long over
    return found


@pytest.fixture
def queries(archive_engine: Engine) -> LetterQueries:
    return LetterQueries(archive_engine)


def places(found: list[Letter]) -> list[tuple[str, int, int]]:
    return [one[:3] for one in found]


def test_a_letter_comes_back_as_it_was_written(letters: DeadLetters, queries: LetterQueries) -> None:
    hostile = bytes(range(256)) * 3
    written = letter(7, partition=3, original=hostile, path='$["<b>\u202e"]', rule="it's\n\x00", app="読み書き")
    letters.insert([written])
    found = queries.one(LetterPlace("received", 3, 7))
    assert found is not None
    assert found == Letter(*written[:10], len(hostile), hostile, None)


def test_a_letter_without_an_id_comes_back_without_one(letters: DeadLetters, queries: LetterQueries) -> None:
    letters.insert([letter(1, statement_id=None)])
    assert [one.statement_id for one in queries.newest(EVERYTHING, 10)] == [None]


def test_every_record_is_kept_once_whatever_is_repeated(
    letters: DeadLetters, queries: LetterQueries, archive_engine: Engine
) -> None:
    made = [letter(offset, partition=offset % 2) for offset in range(20)]
    letters.insert(made[:12])
    letters.insert([*made[6:15], *made[2:]])
    DeadLetters(archive_engine).insert(made)
    assert sorted(places(queries.newest(EVERYTHING, 100))) == sorted(one[:3] for one in made)


def test_offsets_of_one_topic_do_not_hide_those_of_another(letters: DeadLetters, queries: LetterQueries) -> None:
    letters.insert([letter(100, source="accepted"), letter(5), letter(300, source="refused")])
    letters.insert([letter(6), letter(99, source="accepted")])
    assert sorted(places(queries.newest(EVERYTHING, 10))) == [
        ("accepted", 0, 100), ("received", 0, 5), ("received", 0, 6), ("refused", 0, 300)
    ]  # fmt: skip
    assert [letters.high_water(source, 0) for source in ("received", "accepted", "refused")] == [6, 100, 300]


def test_one_insert_is_one_part_however_many_letters(letters: DeadLetters, archive_engine: Engine) -> None:
    letters.insert([letter(offset, refused_at_ms=BASE_MS + offset * DAY_MS // 100) for offset in range(20_000)])
    parts = "FROM system.parts WHERE database = currentDatabase() AND table = 'dead_letters' AND active"
    assert archive_engine.query(f"SELECT count(), sum(rows) {parts}") == [(1, 20_000)]


def test_pages_of_the_newest_meet_without_gap_or_overlap(letters: DeadLetters, queries: LetterQueries) -> None:
    # Many were refused in the same millisecond, some at the same coordinates of two topics.
    made = [letter(offset, partition=offset % 3, refused_at_ms=BASE_MS + offset // 10) for offset in range(50)]
    made += [one._replace(source="accepted") for one in made[:20]]
    letters.insert(made)
    whole = places(queries.newest(EVERYTHING, 100))
    paged: list[tuple[str, int, int]] = []
    page = queries.newest(EVERYTHING, 7)
    while page:
        paged += places(page)
        page = queries.newest(EVERYTHING, 7, page[-1].cursor)
    assert paged == whole
    assert len(set(whole)) == 70
    assert {offset for _, _, offset in whole[:10]} == set(range(40, 50))


@pytest.mark.parametrize(
    ("wanted", "offsets"),
    [
        (LetterFilter(app="b"), [1, 3]),
        (LetterFilter(reason="conflict"), [2, 3]),
        (LetterFilter(app="b", reason="conflict"), [3]),
        (LetterFilter(since_ms=BASE_MS + 1002), [2, 3]),
        (LetterFilter(until_ms=BASE_MS + 1001), [0, 1]),
        (LetterFilter(app="'; DROP TABLE dead_letters"), []),
        (LetterFilter(), [0, 1, 2, 3]),
    ],
)
def test_a_filter_leaves_what_it_says(
    letters: DeadLetters, queries: LetterQueries, wanted: LetterFilter, offsets: list[int]
) -> None:
    letters.insert(
        [letter(n, app="ab"[n % 2], reason="conflict" if n > 1 else "invalid") for n in range(4)],
    )
    assert sorted(one.offset for one in queries.newest(wanted, 10)) == offsets
    assert queries.counts(wanted).total == len(offsets)
    assert [one.offset for one in queries.to_replay(wanted, 10)] == offsets


def test_letters_are_counted_by_reason_app_and_hour(letters: DeadLetters, queries: LetterQueries) -> None:
    hour_ms = 3_600_000
    letters.insert([letter(n, app="ab"[n % 2], refused_at_ms=BASE_MS + n * hour_ms) for n in range(3)])
    counts = queries.counts(LetterFilter())
    first = BASE_MS // hour_ms * 3600
    assert (counts.total, counts.reasons, counts.apps) == (3, [("invalid", 3)], [("a", 2), ("b", 1)])
    assert counts.hours == [(first + 7200, 1), (first + 3600, 1), (first, 1)]


def test_a_replayed_letter_is_no_longer_open_and_tells_when(letters: DeadLetters, queries: LetterQueries) -> None:
    letters.insert([letter(1), letter(2), letter(1, source="accepted"), letter(1, partition=1)])
    letters.mark_replayed([Replay(0, 1, BASE_MS + 1001, BASE_MS + 5000, "replayed")] * 2)
    still = [("accepted", 0, 1), ("received", 0, 2), ("received", 1, 1)]
    assert sorted(places(queries.newest(LetterFilter(), 10))) == still
    assert sorted(places(queries.to_replay(LetterFilter(), 10))) == still
    assert queries.counts(LetterFilter()).total == 3
    replayed = {one[:3]: one.replayed_at_ms for one in queries.newest(EVERYTHING, 10)}
    assert replayed == {("received", 0, 1): BASE_MS + 5000, **dict.fromkeys(still)}
    one = queries.one(LetterPlace("received", 0, 1))
    assert one is not None
    assert one.replayed_at_ms == BASE_MS + 5000


def test_another_apps_letter_is_not_there(letters: DeadLetters, queries: LetterQueries) -> None:
    letters.insert([letter(1, app="other")])
    assert queries.one(LetterPlace("received", 0, 1), "drill") is None
    assert queries.one(LetterPlace("received", 0, 1), "other") is not None
    assert queries.one(LetterPlace("nowhere", 0, 1)) is None


def test_what_is_to_be_replayed_comes_in_order_with_its_bytes(letters: DeadLetters, queries: LetterQueries) -> None:
    made = [letter(n, partition=n % 2, original=b"%d" % n * 10) for n in range(9)]
    letters.insert(made)
    first = queries.to_replay(LetterFilter(), 4)
    rest = queries.to_replay(LetterFilter(), 100, first[-1].cursor)
    assert [one.original for one in (*first, *rest)] == [one.original for one in made]


def test_a_batch_to_replay_ends_before_it_is_too_large(letters: DeadLetters, queries: LetterQueries) -> None:
    letters.insert([letter(n, original=bytes(6 << 20)) for n in range(5)])
    batch = queries.to_replay(LetterFilter(), 100)
    assert [one.offset for one in batch] == [0, 1]
    assert len(queries.to_replay(LetterFilter(), 100, batch[-1].cursor)) == 2


def test_letters_go_when_they_are_older_than_they_are_kept(letters: DeadLetters, queries: LetterQueries) -> None:
    now_ms = time.time_ns() // 1_000_000
    ages = {1: 9, 2: 4, 3: 1}
    letters.insert([letter(n, refused_at_ms=now_ms - days * DAY_MS, stored_at_ms=0) for n, days in ages.items()])
    letters.keep(5)
    assert [one.offset for one in queries.newest(EVERYTHING, 10)] == [3, 2]
    letters.keep(2)
    letters.keep(2)
    assert [one.offset for one in queries.newest(EVERYTHING, 10)] == [3]
    assert letters.high_water("received", 0) == 3
