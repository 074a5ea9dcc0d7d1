"""Facts about the synthetic district: sizes, codes, reference files, the timetable, and what the items measure."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from random import Random
from statistics import fmean
from typing import TYPE_CHECKING

import orjson
import pytest

from lrs.kernel.curriculum import Stage, curriculum
from lrs.kernel.school_codes import check_school_code
from producers.reference_rows import CATALOGUE, CONSENT, ROSTER, Known, Table
from producers.simulator.district import District
from producers.simulator.emissions import NO_CONSENT, NOT_ON_ROSTER, Fate, Faults
from producers.simulator.ids import statement_ids
from producers.simulator.items import success_probability
from producers.simulator.timetable import DayKind, day_kind, holidays, lesson_periods, school_days

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.simulator.conftest import Sample

TOKYO = timezone(timedelta(hours=9))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def test_schools_have_valid_codes_and_classes_of_legal_size(district: District) -> None:
    for school in district.schools:
        check_school_code(school.code)
        grades = {room.grade for room in school.classrooms}
        assert grades == (set(range(1, 7)) if school.stage is Stage.ELEMENTARY else {7, 8, 9})
        assert all(1 <= len(room.learners) <= 40 for room in school.classrooms)
    assert len({school.code for school in district.schools}) == len(district.schools)


def test_every_row_of_the_reference_files_can_be_loaded(district: District, tmp_path: Path) -> None:
    files = district.write_references(tmp_path)
    tables: list[tuple[Path, Table]] = [
        (files.catalogue, CATALOGUE),
        (files.roster, ROSTER),
        (files.consent, CONSENT),
    ]
    for path, table in tables:
        known = Known()
        keys = [table.read(row, known)[0] for row in rows(path)]
        assert len(keys) > 500
        assert len(set(keys)) == len(keys) or path == files.consent


def test_reference_files_are_reproducible(tmp_path: Path) -> None:
    first = District(5, schools=1).write_references(tmp_path / "a")
    second = District(5, schools=1).write_references(tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_who_is_not_on_the_roster_has_consented_so_that_only_one_reason_fits(
    district: District, tmp_path: Path
) -> None:
    files = district.write_references(tmp_path)
    listed = {row["name"] for row in rows(files.roster)}
    off_roster = {learner.name for learner in district.learners} - listed
    granted = {row["name"] for row in rows(files.consent) if row["granted"] == "true" and not row["valid_until"]}
    assert off_roster
    assert off_roster <= granted


def test_units_are_tied_to_codes_of_their_grade_and_the_roadmaps_example_is_among_them(district: District) -> None:
    for unit in district.units:
        code = curriculum().get(unit.code)
        assert code is not None
        assert code.subject == unit.subject
        assert not code.grades or unit.grade in code.grades
    assert any(unit.code == "8322203231200000" and unit.grade == 8 for unit in district.units)


def test_nobody_has_lessons_at_night_or_at_the_weekend(sample: Sample) -> None:
    periods = [period for stage in Stage for period in lesson_periods(stage)]
    for emission in sample.emissions:
        if emission.expect.outcome is not Fate.PUBLISHED:
            continue
        at = datetime.fromisoformat(orjson.loads(emission.body)["timestamp"]).astimezone(TOKYO)
        of_day = (at.hour * 3600 + at.minute * 60 + at.second) * 1000
        assert 8 <= at.hour <= 21
        if day_kind(at.date()) is DayKind.LESSONS and at.hour < 16:
            assert any(begin <= of_day < end for begin, end in periods)


def test_there_is_much_less_on_free_days_than_on_days_with_lessons(sample: Sample) -> None:
    numbers: dict[DayKind, list[int]] = defaultdict(list)
    for day in school_days(2025)[: len(sample.truth.days)]:
        cell = sample.truth.days.get(day.isoformat())
        numbers[day_kind(day)].append(cell.statements if cell else 0)
    assert fmean(numbers[DayKind.FREE]) < fmean(numbers[DayKind.LESSONS]) / 2


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2025, 4, 29), DayKind.FREE),  # 昭和の日
        (date(2025, 5, 6), DayKind.FREE),  # substitute for 4 May, a Sunday
        (date(2025, 9, 23), DayKind.FREE),  # autumnal equinox
        (date(2026, 9, 22), DayKind.FREE),  # between two holidays
        (date(2025, 10, 13), DayKind.FREE),  # second Monday
        (date(2025, 8, 5), DayKind.VACATION),
        (date(2026, 1, 2), DayKind.VACATION),
        (date(2025, 5, 7), DayKind.LESSONS),
        (date(2025, 5, 10), DayKind.FREE),  # Saturday
    ],
)
def test_the_calendar_is_the_japanese_one(day: date, kind: DayKind) -> None:
    assert day_kind(day) is kind


def test_a_year_has_sixteen_holidays_their_substitutes_and_days_between() -> None:
    assert len(holidays(2025)) == 16 + 3
    assert len(holidays(2026)) == 16 + 1 + 1
    assert {len(school_days(2025)), len(school_days(2027))} == {365, 366}


def test_harder_items_are_answered_rightly_less_often(sample: Sample, district: District) -> None:
    difficulty = {item.activity_id: item.b for unit in district.units for item in unit.items}
    answers: dict[bool, list[bool]] = {False: [], True: []}
    for emission in sample.emissions:
        if emission.expect.outcome is Fate.PUBLISHED and b'"success"' in emission.body:
            fields = orjson.loads(emission.body)
            b = difficulty.get(fields["object"]["id"])
            if b is not None and abs(b + 0.6) > 0.6:
                answers[b > -0.6].append(fields["result"]["success"])
    assert fmean(answers[False]) > fmean(answers[True]) + 0.2


def test_the_shares_of_learners_are_those_of_the_plan() -> None:
    faults = Faults(without_consent=0.1, off_roster=0.05)
    fates = [learner.expect for learner in District(1, schools=12, faults=faults).learners]
    assert fates.count(NO_CONSENT) / len(fates) == pytest.approx(0.1, abs=0.02)
    assert fates.count(NOT_ON_ROSTER) / len(fates) == pytest.approx(0.05, abs=0.02)


def test_ability_grows_over_the_year(district: District) -> None:
    assert fmean(learner.growth for learner in district.learners) == pytest.approx(0.75, abs=0.05)
    assert success_probability(0.0, 1.0, 0.0) == 0.5
    assert success_probability(0.75, 1.2, 0.0) > success_probability(0.0, 1.2, 0.0)


def test_statement_ids_are_version_4_and_their_text_is_their_bytes() -> None:
    ids = statement_ids(Random(1))
    for octets, text in (next(ids) for _ in range(5000)):
        assert text.replace(b"-", b"").decode() == octets.hex()
        assert (octets[6] >> 4, octets[8] >> 6) == (4, 2)
        assert [len(group) for group in text.split(b"-")] == [8, 4, 4, 4, 12]
