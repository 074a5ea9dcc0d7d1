"""The facts: each source statement once, and out again when it was voided, in whatever order things arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrs.kernel.records import Withheld
from lrs.store.engine import EngineError
from lrs.store.facts import FactCounts, Facts
from lrs.store.tallies import Tallies, Tally
from tests.support.rows import activity, key, records, retraction

if TYPE_CHECKING:
    from lrs.store.engine import Engine


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def facts(facts_engine: Engine, clock: Clock) -> Facts:
    return Facts(facts_engine, clock=clock)


def _present(engine: Engine) -> list[tuple[int, int]]:
    rows = engine.query("SELECT partition, offset FROM activities ORDER BY partition, offset")
    return [(partition, offset) for partition, offset in rows]


def test_an_activity_is_stored_as_it_is(facts: Facts, facts_engine: Engine) -> None:
    made = activity(4, partition=2, registration_key=key("sitting"), success=True, completion=False, score_scaled=0.25)
    facts.insert(records([made]))
    columns = [column for column in made if not column.endswith("_at_ms")]
    times = "toUnixTimestamp64Milli(stored_at), toUnixTimestamp(occurred_at) * 1000"
    [row] = facts_engine.query(f"SELECT {', '.join(columns)}, {times} FROM activities")  # noqa: S608
    expected = [made[column] for column in columns]  # type: ignore[literal-required]
    assert list(row) == [*expected, made["stored_at_ms"], made["occurred_at_ms"]]


def test_what_is_not_known_stays_unknown(facts: Facts, facts_engine: Engine) -> None:
    facts.insert(records([activity(1, success=None, score_scaled=None, completion=None, duration_seconds=None)]))
    sql = "SELECT registration_key, success, score_scaled, completion, duration_seconds FROM activities"
    assert facts_engine.query(sql) == [(bytes(16), None, None, None, None)]


def test_a_datum_that_is_cut_off_is_refused_and_none_is_stored(facts: Facts, facts_engine: Engine) -> None:
    good = records([activity(offset) for offset in range(3)])
    for keep in (len(good[1].datum) - 1, len(good[1].datum) // 2):
        cut = good[1]._replace(datum=good[1].datum[:keep])
        with pytest.raises(EngineError):
            facts.insert([good[0], cut, good[2]])
        assert _present(facts_engine) == []
    facts.insert(good)
    assert _present(facts_engine) == [(0, 0), (0, 1), (0, 2)]


def test_one_insert_is_one_part_however_many_data(facts: Facts, facts_engine: Engine) -> None:
    facts.insert(records(activity(offset) for offset in range(100_000)))
    parts = "FROM system.parts WHERE database = currentDatabase() AND table = 'activities' AND active"
    assert facts_engine.query(f"SELECT count(), sum(rows) {parts}") == [(1, 100_000)]


def test_every_source_statement_counts_once_whatever_is_repeated(facts: Facts, facts_engine: Engine) -> None:
    made = [activity(offset, partition=offset % 2) for offset in range(20)]
    facts.insert(records(made[:12]))
    facts.insert(records([*made[6:15], *made[2:]]))
    Facts(facts_engine).insert(records(made))
    assert len(_present(facts_engine)) == 20
    assert facts.counts() == FactCounts(loaded=20, present=20, retracted=0, retractions=0)


def test_one_table_behind_the_other_is_completed(facts: Facts, facts_engine: Engine) -> None:
    # Killed after the activities of a batch went in, before its retractions.
    target = activity(0)["statement_key"]
    batch = [activity(0), activity(2)], [retraction(1, target)]
    facts.insert(records(batch[0]))
    after = Facts(facts_engine)
    assert after.high_water(0) == -1
    after.insert(records(batch[0]))
    after.insert_retractions(batch[1])
    assert after.apply_retractions() == 1
    assert _present(facts_engine) == [(0, 2)]


def test_the_high_water_is_what_no_table_needs_any_more(facts: Facts, facts_engine: Engine) -> None:
    facts.insert(records([activity(7)]))
    Tallies(facts_engine, "board").insert([Tally("loader", 0, 0, 5, "drill", 0, "published", "", 6)])
    assert (facts.high_water(0), facts.high_water(1)) == (5, -1)


@pytest.mark.parametrize("voiding_first", [False, True])
def test_a_voided_fact_goes_whichever_comes_first(facts: Facts, facts_engine: Engine, voiding_first: bool) -> None:  # noqa: FBT001
    made = [activity(offset, partition=1) for offset in range(6)]
    void = [retraction(3, made[2]["statement_key"])]
    if voiding_first:
        facts.insert_retractions(void)
        facts.apply_retractions()
    facts.insert(records(made))
    facts.apply_retractions()
    facts.insert_retractions(void)
    facts.apply_retractions()
    assert _present(facts_engine) == [(1, 0), (1, 1), (1, 3), (1, 4), (1, 5)]
    assert facts.counts() == FactCounts(loaded=6, present=5, retracted=1, retractions=1)


def test_a_retracted_fact_is_not_loaded_again(facts: Facts, facts_engine: Engine) -> None:
    made = [activity(offset) for offset in range(3)]
    facts.insert(records(made))
    facts.insert_retractions([retraction(3, made[2]["statement_key"])])
    assert facts.apply_retractions() == 1
    again = Facts(facts_engine)
    again.insert(records(made))
    again.insert_retractions([retraction(3, made[2]["statement_key"])])
    assert again.apply_retractions() == 0
    assert again.counts() == FactCounts(loaded=3, present=2, retracted=1, retractions=1)


def test_two_voids_of_one_fact_take_it_out_once(facts: Facts) -> None:
    facts.insert(records([activity(0), activity(1)]))
    target = activity(0)["statement_key"]
    facts.insert_retractions([retraction(2, target), retraction(3, target)])
    facts.insert_retractions([retraction(2, target, partition=1)])
    assert facts.apply_retractions() == 1
    assert facts.counts() == FactCounts(loaded=2, present=1, retracted=1, retractions=3)


def test_an_app_cannot_take_out_what_another_one_wrote(facts: Facts, facts_engine: Engine) -> None:
    target = activity(0)["statement_key"]
    facts.insert(records([activity(0)]))
    facts.insert_retractions([{**retraction(1, target), "app": "another"}])
    assert facts.apply_retractions() == 0
    assert _present(facts_engine) == [(0, 0)]
    facts.insert_retractions([retraction(2, target)])
    assert facts.apply_retractions() == 1
    assert _present(facts_engine) == []


def test_what_retracts_nothing_leaves_no_row(facts: Facts) -> None:
    withheld: Withheld = {**retraction(1, None), "reason": "no_consent"}
    facts.insert_retractions([retraction(0, None), withheld])
    assert facts.counts().retractions == 0


def test_a_kill_between_taking_note_and_taking_out_is_made_good(facts: Facts, facts_engine: Engine) -> None:
    facts.insert(records([activity(0), activity(1)]))
    columns = "partition, offset, app, stored_at, statement_key"
    move = f"INSERT INTO retracted ({columns}) SELECT {columns} FROM activities WHERE offset = 1"  # noqa: S608
    facts_engine.command(move)
    assert facts.counts() == FactCounts(loaded=2, present=1, retracted=1, retractions=0)
    Facts(facts_engine).apply_retractions()
    assert _present(facts_engine) == [(0, 0)]
    assert facts.counts() == FactCounts(loaded=2, present=1, retracted=1, retractions=0)


def test_the_other_half_that_another_loader_brought_is_found_in_time(
    facts: Facts, facts_engine: Engine, clock: Clock
) -> None:
    facts.insert(records([activity(0)]))
    facts.apply_retractions()
    Facts(facts_engine).insert_retractions([retraction(0, activity(0)["statement_key"], partition=1)])
    assert facts.apply_retractions() == 0
    clock.now += 61
    assert facts.apply_retractions() == 1


def test_taking_out_rests_after_a_long_run(facts: Facts, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    facts.insert(records([activity(0), activity(1)]))
    facts.insert_retractions([retraction(2, activity(0)["statement_key"])])
    move = facts._move  # noqa: SLF001 - made slow here

    def slow() -> int:
        clock.now += 4
        return move()

    monkeypatch.setattr(facts, "_move", slow)
    assert facts.apply_retractions() == 1
    facts.insert_retractions([retraction(3, activity(1)["statement_key"])])
    clock.now += 19
    assert facts.apply_retractions() == 0
    clock.now += 2
    assert facts.apply_retractions() == 1


def test_the_newest_stored_time_is_answered_without_reading_the_facts(facts: Facts, facts_engine: Engine) -> None:
    facts.insert(records([activity(offset) for offset in range(20_000)]))
    plan = facts_engine.query("EXPLAIN projections = 1 SELECT max(stored_at), count() FROM activities")
    assert "high_waters" in "\n".join(row[0] for row in plan)
