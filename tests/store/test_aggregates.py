"""Aggregates against plain Python over the same rows, and against somebody who looks for the hidden numbers."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest

from lrs.kernel.curriculum import curriculum
from lrs.store.aggregate_rows import Filters
from lrs.store.aggregates import Aggregates
from lrs.store.facts import Facts
from tests.support.activities import FIRST_DAY, PARTITIONS, made_activities
from tests.support.rows import records

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lrs.kernel.records import Activity
    from lrs.store.engine import Engine

LEAST = 10
TREE = curriculum()


class Naive(NamedTuple):
    learners: int
    answers: int
    rate: float | None
    scorers: int


def loaded(engine: Engine, rows: list[Activity]) -> Aggregates:
    facts = Facts(engine)
    for partition in range(PARTITIONS):
        facts.insert(records([row for row in rows if row["partition"] == partition]))
    return Aggregates(engine, min_learners=LEAST)


def day_of(row: Activity) -> date:
    return (datetime.fromtimestamp(row["occurred_at_ms"] / 1000, UTC) + timedelta(hours=9)).date()


def chosen(rows: Iterable[Activity], filters: Filters) -> list[Activity]:
    return [
        row
        for row in rows
        if (not filters.first or day_of(row) >= filters.first)
        and (not filters.last or day_of(row) <= filters.last)
        and filters.app in ("", row["app"])
        and filters.subject in ("", row["subject"])
        and (not filters.grades or row["grade"] in filters.grades)
    ]


def people(rows: Iterable[Activity]) -> int:
    return len({row["pseudonym"] for row in rows})


def counted(rows: list[Activity]) -> Naive:
    scored = [row for row in rows if row["success"] is not None]
    rate = round(sum(bool(row["success"]) for row in scored) / len(scored), 4) if scored else None
    return Naive(people(rows), len(rows), rate, people(scored))


def naive_cells(rows: list[Activity]) -> dict[tuple[str, int], Naive]:
    groups: defaultdict[tuple[str, int], list[Activity]] = defaultdict(list)
    for row in rows:
        for step in TREE.path(row["curriculum_code"]):
            groups[step.code, row["grade"]].append(row)
    return {key: counted(group) for key, group in groups.items()}


def some_filters(seed: int) -> Filters:
    chance = random.Random(seed)
    start = (FIRST_DAY + timedelta(hours=9)).date()
    first = chance.choice([None, start + timedelta(days=chance.randrange(15))])
    last = chance.choice([None, (first or start) + timedelta(days=chance.randrange(1, 20))])
    app, subject = chance.choice(["", "drill", "nobody"]), chance.choice(["", "", "算数"])
    return Filters(first, last, app, subject, chance.choice([(), (3,), (3, 7)]))


@pytest.fixture
def rows() -> list[Activity]:
    return made_activities(3000)


@pytest.fixture
def aggregates(facts_engine: Engine, rows: list[Activity]) -> Aggregates:
    return loaded(facts_engine, rows)


def small(learners: int) -> bool:
    return 0 < learners < LEAST


def test_days_equal_a_plain_count_and_small_ones_are_hidden(aggregates: Aggregates, rows: list[Activity]) -> None:
    hidden = 0
    for filters in [Filters(), *map(some_filters, range(12))]:
        by_day: defaultdict[date, list[Activity]] = defaultdict(list)
        for one in chosen(rows, filters):
            by_day[day_of(one)].append(one)
        found = aggregates.activity(filters).rows
        assert [row.day for row in found] == sorted(by_day)
        for row in found:
            of_day = by_day[row.day]
            answers = [one for one in of_day if one["role"] == "answer"]
            rest = [one for one in of_day if one["role"] != "answer"]
            if small(people(of_day)):
                assert row[1:] == (True, None, None, None)
            elif small(people(answers)) or small(people(rest)):
                assert row[1:] == (True, people(of_day), len(of_day), None)
            else:
                assert row[1:] == (False, people(of_day), len(of_day), len(answers))
            hidden += row.suppressed
    assert hidden > 10


def test_totals_add_up_the_days_that_are_shown(aggregates: Aggregates, rows: list[Activity]) -> None:
    for filters in [Filters(), *map(some_filters, range(12))]:
        days = aggregates.activity(filters).rows
        shown = {row.day for row in days if row.learners is not None}
        with_answers = {row.day for row in days if row.answers is not None}
        total = aggregates.summary(filters).row
        assert (total.days, total.suppressed_days) == (len(shown), len(days) - len(shown))
        if days and not shown:
            assert total[:5] == (True, None, None, None, None)
            continue
        seen = [row for row in chosen(rows, filters) if day_of(row) in shown]
        answered = counted([row for row in seen if row["role"] == "answer" and day_of(row) in with_answers])
        assert (total.learners, total.statements) == (people(seen), len(seen))
        assert total.answers == answered.answers == sum(row.answers or 0 for row in days)
        assert total.success_rate == (None if small(answered.scorers) else answered.rate)


@pytest.mark.parametrize("depth", [1, 2, 13])
def test_codes_equal_a_plain_count_over_the_tree(aggregates: Aggregates, rows: list[Activity], depth: int) -> None:
    for seed, filters in enumerate([Filters(), *map(some_filters, range(6))]):
        every_grade = Filters(filters.first, filters.last, filters.app, filters.subject)
        naive = naive_cells([row for row in chosen(rows, every_grade) if row["role"] == "answer"])
        code = random.Random(seed).choice([None, *sorted({key[0] for key in naive})])
        found = aggregates.success(filters, code=code, depth=depth).rows
        above = len(TREE.path(code)) if code else 0
        expected = {
            key
            for key in naive
            if (not filters.grades or key[1] in filters.grades)
            and (code is None or code in [step.code for step in TREE.path(key[0])])
            and len(TREE.path(key[0])) - above <= depth
        }
        assert {(row.code, row.grade) for row in found} == expected
        for row in found:
            cell = naive[row.code, row.grade]
            assert not (small(cell.learners) and row.learners is not None)
            if row.learners is not None:
                assert (row.learners, row.answers) == (cell.learners, cell.answers)
                assert row.success_rate == (None if small(cell.scorers) else cell.rate)
            assert row.suppressed == (row.learners is None or small(cell.scorers))


def test_nothing_small_is_left_when_shown_codes_are_taken_from_the_code_above(
    aggregates: Aggregates, rows: list[Activity]
) -> None:
    """Any parent minus all its visible children: the rest stands on nobody or on enough learners."""
    answers = [row for row in rows if row["role"] == "answer"]
    shown = {(row.code, row.grade): row.learners is not None for row in aggregates.success(Filters(), depth=13).rows}
    hidden_neighbours = 0
    for (code, grade), visible in shown.items():
        children = [child.code for child in TREE.children(code) if (child.code, grade) in shown]
        if not visible:
            assert not any(shown[child, grade] for child in children)
            continue
        gone = {child for child in children if not shown[child, grade]}
        rest = [
            row
            for row in answers
            if row["grade"] == grade and gone & {step.code for step in TREE.path(row["curriculum_code"])}
        ]
        hidden_neighbours += bool(gone)
        assert not small(people(rest))
    assert hidden_neighbours


def test_what_is_hidden_does_not_depend_on_where_the_reader_stands(aggregates: Aggregates) -> None:
    whole = {(row.code, row.grade): row for row in aggregates.success(Filters(), depth=13).rows}
    for code in sorted({code for code, _ in whole})[::6]:
        for row in aggregates.success(Filters(grades=(3, 4)), code=code).rows:
            assert row.suppressed == whole[row.code, row.grade].suppressed


def test_answers_are_as_fresh_as_they_say(facts_engine: Engine, rows: list[Activity]) -> None:
    assert Aggregates(facts_engine, min_learners=LEAST).activity(Filters()).fresh.through is None
    aggregates = loaded(facts_engine, rows)
    newest = datetime.fromtimestamp(max(row["stored_at_ms"] for row in rows) / 1000, UTC)
    assert aggregates.activity(Filters(app="nobody")).fresh.through == newest
    assert aggregates.summary(Filters()).fresh.through == newest
    assert aggregates.success(Filters()).fresh.through == newest


def test_an_empty_store_has_no_window_and_no_apps(facts_engine: Engine) -> None:
    aggregates = Aggregates(facts_engine, min_learners=LEAST)
    assert aggregates.window(date(2026, 5, 1)) is None
    assert aggregates.apps() == []
    assert aggregates.success(Filters()).rows == []
    assert aggregates.summary(Filters()).row == (False, 0, 0, 0, None, 0, 0)


def test_a_wrong_clock_does_not_move_the_window(facts_engine: Engine, rows: list[Activity]) -> None:
    ahead = rows[-1]
    ahead["occurred_at_ms"] = int(datetime(2099, 1, 1, tzinfo=UTC).timestamp() * 1000)
    aggregates = loaded(facts_engine, rows)
    window = aggregates.window(date(2026, 8, 1))
    days = [day_of(row) for row in rows[:-1]]
    assert window == (min(days), max(days))
    assert aggregates.window(date(2020, 1, 1)) == (date(2098, 1, 1), date(2099, 1, 1))


def test_codes_that_no_table_lists_have_no_place(facts_engine: Engine, rows: list[Activity]) -> None:
    for row in rows:
        row["curriculum_code"] = "9999999999999999"
    assert loaded(facts_engine, rows).success(Filters(), depth=3).rows == []


def test_apps_are_those_that_facts_came_from(aggregates: Aggregates) -> None:
    assert aggregates.apps() == ["drill", "exam"]
