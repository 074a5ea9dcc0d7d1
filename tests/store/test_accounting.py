"""The balance: it comes out when nothing is lost, and names the place when something is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrs.store.accounting import Balance, Gap, HopCounts, LogSpan, balance, hop_counts
from lrs.store.archive import Archive
from lrs.store.dead_letters import DeadLetters
from lrs.store.facts import Facts
from lrs.store.holdings import LETTERS, LOADER, RECORDER, Holdings
from lrs.store.letter_counts import letters_kept
from lrs.store.tallies import Tallies, Tally
from tests.support.letters import letter
from tests.support.rows import activity, archive_row, records, retraction

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrs.store.engine import Engine

# Partition 0: offsets 0 to 9, of which 8 is refused and 9 a duplicate; 6 is withheld, 7 voids 0. Partition 1: 0 to 3.
LOG = {0: LogSpan(0, 10), 1: LogSpan(0, 4)}


def _tally(hop: str, partition: int, last: int, ended: tuple[str, str], count: int) -> Tally:
    return Tally(hop, partition, 0, last, "drill", 0, *ended, count)


@pytest.fixture
def zone(archive_engine: Engine, facts_engine: Engine) -> Callable[[], tuple[HopCounts, HopCounts]]:
    """A zone that balances; call it for what its hops count now, as another process would hear it."""
    archive, recorded = Archive(archive_engine), Tallies(archive_engine, "board")
    archive.insert([archive_row(offset) for offset in range(8)])
    archive.insert([archive_row(offset, partition=1) for offset in range(4)])
    recorded.insert(
        [
            _tally("recorder", 0, 9, ("archived", ""), 8),
            _tally("recorder", 0, 9, ("refused", "conflict"), 1),
            _tally("recorder", 0, 9, ("duplicate", ""), 1),
            _tally("recorder", 1, 3, ("archived", ""), 4),
        ]
    )
    facts, loaded = Facts(facts_engine), Tallies(facts_engine, "board")
    facts.insert(records([activity(offset) for offset in range(6)]))
    facts.insert(records([activity(offset, partition=1) for offset in range(4)]))
    facts.insert_retractions([retraction(7, activity(0)["statement_key"])])
    loaded.insert(
        [
            _tally("loader", 0, 7, ("published", ""), 6),
            _tally("loader", 0, 7, ("withheld", "no_consent"), 1),
            _tally("loader", 0, 7, ("withheld", "voiding"), 1),
            _tally("loader", 1, 3, ("published", ""), 4),
        ]
    )
    facts.apply_retractions()

    def counts() -> tuple[HopCounts, HopCounts]:
        found = hop_counts(archive_engine, recorded, RECORDER), hop_counts(facts_engine, loaded, LOADER)
        for hop in found:
            assert HopCounts.from_json(hop.to_json()) == hop
        return found

    return counts


def test_a_zone_that_lost_nothing_balances(zone: Callable[[], tuple[HopCounts, HopCounts]]) -> None:
    found = balance(LOG, *zone())
    assert found.balanced, found.gaps
    assert (found.received, found.archived, found.duplicate, found.published) == (14, 12, 1, 10)
    assert (found.refused, found.withheld) == ({"conflict": 1}, {"no_consent": 1, "voiding": 1})
    assert (found.loaded, found.retracted) == (10, 1)


def test_the_quick_count_agrees_with_the_thorough_one(
    zone: Callable[[], tuple[HopCounts, HopCounts]], archive_engine: Engine
) -> None:
    recorder, _ = zone()
    assert hop_counts(archive_engine, Tallies(archive_engine, "board"), RECORDER, thorough=False) == recorder


def test_a_record_on_the_log_that_nobody_counted_is_named(zone: Callable[[], tuple[HopCounts, HopCounts]]) -> None:
    found = balance({**LOG, 1: LogSpan(0, 5), 2: LogSpan(0, 1)}, *zone())
    places = [(gap.hop, gap.partition, gap.expected, gap.found) for gap in found.gaps]
    assert places == [("recorder", 1, 5, 4), ("recorder", 2, 1, 0)]


def test_a_lost_statement_is_named(
    zone: Callable[[], tuple[HopCounts, HopCounts]], archive_engine: Engine, facts_engine: Engine
) -> None:
    archive_engine.command("ALTER TABLE statements DELETE WHERE partition = 1 AND offset = 2")
    facts_engine.command("ALTER TABLE activities DELETE WHERE partition = 0 AND offset = 5")
    found = balance(LOG, *zone())
    assert not found.balanced
    assert found.gaps == [
        Gap("loader", 0, 6, 5, "published, and facts loaded (present + retracted)"),
        Gap("recorder", 1, 4, 3, "archived, and statements in the archive"),
    ]


def test_a_doubled_row_is_named(zone: Callable[[], tuple[HopCounts, HopCounts]], archive_engine: Engine) -> None:
    columns = [
        name
        for (name,) in archive_engine.query(
            "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'statements'"
        )
    ]
    listed = ", ".join(columns)
    archive_engine.command(
        f"INSERT INTO statements ({listed}) SELECT {listed} FROM statements WHERE offset = 3 AND partition = 1"  # noqa: S608
    )
    found = balance(LOG, *zone())
    assert Gap("recorder", 1, 4, 5, "distinct (partition, offset), and rows of statements") in found.gaps


def test_a_doubled_dead_letter_is_named_and_letters_of_two_topics_at_one_offset_are_not(
    zone: Callable[[], tuple[HopCounts, HopCounts]], archive_engine: Engine
) -> None:
    letters = DeadLetters(archive_engine)
    letters.keep(3650)
    letters.insert([letter(8), letter(8, source="accepted"), letter(8, source="refused"), letter(2, partition=1)])
    assert balance(LOG, *zone()).balanced
    again = "SELECT * REPLACE ('again' AS rule) FROM dead_letters WHERE source = 'accepted'"
    archive_engine.command(f"INSERT INTO dead_letters {again}")
    assert balance(LOG, *zone()).gaps == [
        Gap("recorder", 0, 3, 4, "distinct (partition, offset), and rows of dead_letters")
    ]
    [found] = Holdings(archive_engine, RECORDER).doubled()
    assert (found.table, found.partition, found.offset, found.app, found.rows) == (
        "dead_letters of accepted", 0, 8, "drill", 2
    )  # fmt: skip


@pytest.fixture
def with_letters(
    zone: Callable[[], tuple[HopCounts, HopCounts]], archive_engine: Engine
) -> Callable[[], tuple[Balance, dict[int, int]]]:
    """The zone with one letter kept, that of offset 8: what it comes to now, and how many letters are kept."""
    letters, tallies = DeadLetters(archive_engine), Tallies(archive_engine, "board")
    letters.keep(3650)
    letters.insert([letter(8)])
    tallies.insert([Tally("letters", 0, 8, 8, "drill", 0, "refused", "conflict", 1)])

    def found() -> tuple[Balance, dict[int, int]]:
        recorder, loader = zone()
        kept = letters_kept(archive_engine, tallies, recorder.ends())
        return balance(LOG, recorder, loader, kept=kept), kept

    return found


def test_a_letter_that_was_not_kept_is_named(
    with_letters: Callable[[], tuple[Balance, dict[int, int]]], archive_engine: Engine
) -> None:
    assert with_letters()[0].balanced
    archive_engine.command("ALTER TABLE dead_letters DELETE WHERE offset = 8")
    archive_engine.command("ALTER TABLE tallies DELETE WHERE hop = 'letters'")
    meaning = "refused, and dead letters kept"
    assert with_letters()[0].gaps == [Gap(LETTERS, 0, 1, 0, meaning, waiting=True)]


def test_letters_that_became_too_old_are_no_gap(
    with_letters: Callable[[], tuple[Balance, dict[int, int]]], archive_engine: Engine
) -> None:
    DeadLetters(archive_engine).keep(1)
    assert archive_engine.query("SELECT count() FROM dead_letters") == [(0,)]
    assert with_letters()[0].balanced


def test_letters_that_nobody_refused_are_a_gap_at_once_unless_the_recorder_is_still_to_count(
    with_letters: Callable[[], tuple[Balance, dict[int, int]]], archive_engine: Engine
) -> None:
    letters, tallies = DeadLetters(archive_engine), Tallies(archive_engine, "board")
    letters.insert([letter(10), letter(11), letter(4, partition=1)])
    tallies.insert(
        [
            Tally("letters", 0, 10, 11, "drill", 0, "refused", "invalid", 2),
            Tally("letters", 1, 4, 4, "drill", 3600, "refused", "invalid", 1),
        ]
    )
    found, kept = with_letters()
    assert (found.balanced, kept) == (True, {0: 1, 1: 0})
    archive_engine.command("ALTER TABLE tallies UPDATE count = 2 WHERE hop = 'letters' AND last_offset = 8")
    assert with_letters()[0].gaps == [Gap(LETTERS, 0, 1, 2, "refused, and dead letters kept")]


def test_a_lost_letter_shows_although_letters_behind_it_are_kept(archive_engine: Engine) -> None:
    letters, tallies = DeadLetters(archive_engine), Tallies(archive_engine, "board")
    letters.keep(3650)
    letters.insert([letter(offset) for offset in (3, 5, 9)])
    tallies.insert([Tally("letters", 0, 3, 9, "drill", 0, "refused", "invalid", 3)])
    # A moment ago the recorder had refused 3, 4 and 5, of seven records.
    assert letters_kept(archive_engine, tallies, {0: 7}) == {0: 2}
    assert letters_kept(archive_engine, tallies, {0: 10}) == {0: 3}
    assert letters_kept(archive_engine, tallies, {}) == {0: 0}
    assert Holdings(archive_engine, RECORDER).letter_words(0, 4, 100) == [(0, 1 << 5 | 1 << 9)]
