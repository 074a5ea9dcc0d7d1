"""Facts about the course-of-study code tables."""

from __future__ import annotations

import pytest

from lrs.kernel.curriculum import Stage, check_code, curriculum
from lrs.kernel.errors import RefusedError

SAKOKU = "8322203231200000"


def test_the_closed_country_code_has_the_path_of_the_roadmap() -> None:
    path = curriculum().path(SAKOKU)
    assert [step.code for step in path] == [
        "8320000000000000",
        "8322200000000000",
        "8322203000000000",
        "8322203200000000",
        "8322203230000000",
        "8322203231000000",
        SAKOKU,
    ]
    assert path[0].text.endswith("社会")
    assert path[1].text == "〔歴史的分野〕"
    assert "鎖国などの幕府の対外政策" in path[-1].text
    assert path[-1].subject == "社会"
    assert path[-1].stage is Stage.LOWER_SECONDARY


def test_codes_that_differ_in_case_only_are_two_codes() -> None:
    upper, lower = curriculum().get("82N0000000000000"), curriculum().get("82n0000000000000")
    assert upper is not None
    assert lower is not None
    assert (upper.subject, lower.subject) == ("特別活動", "各教科")
    assert curriculum().get("82l0000000000000") is None


def test_the_three_dirty_codes_are_quarantined_with_their_length() -> None:
    rows = {row.code: row for row in curriculum().quarantined}
    assert set(rows) == {"82102C300000000", "82G03002100000000", "82G03002110000000"}
    assert "has 15" in rows["82102C300000000"].rule
    assert "has 17" in rows["82G03002100000000"].rule
    assert all(row.table == "elementary-2017.csv" and row.line > 1 for row in rows.values())
    assert not any(code in curriculum() for code in rows)


def test_both_tables_are_complete() -> None:
    stages = [code.stage for code in curriculum().codes()]
    assert stages.count(Stage.ELEMENTARY) == 3744
    assert stages.count(Stage.LOWER_SECONDARY) == 2190
    assert len(curriculum()) == 5934


def test_every_code_climbs_to_its_own_subject_and_never_to_another() -> None:
    for code in curriculum().codes():
        path = curriculum().path(code.code)
        assert path[0].parent is None
        assert {step.code[:3] for step in path} == {code.code[:3]}


def test_a_climb_skips_levels_that_no_table_has() -> None:
    multiplying_fractions = curriculum().get("8250263111200000")
    assert multiplying_fractions is not None
    assert multiplying_fractions.grades == (6,)
    third_grade_social_studies = curriculum().get("8220230000000000")
    assert third_grade_social_studies is not None
    assert third_grade_social_studies.parent == "82200L0000000000"


def test_there_is_one_top_node_for_each_subject_of_each_stage() -> None:
    tops = [code.code[:3] for code in curriculum().children(None)]
    assert len(tops) == len(set(tops)) == len({code.code[:3] for code in curriculum().codes()})


def test_children_are_the_inverse_of_parents() -> None:
    for code in curriculum().codes():
        assert code in curriculum().children(code.parent)


def test_subjects_are_named_for_their_stage_and_grades_are_school_grades() -> None:
    elementary, lower = curriculum().get("8250000000000000"), curriculum().get("8350000000000000")
    assert elementary is not None
    assert lower is not None
    assert (elementary.subject, lower.subject) == ("算数", "数学")
    assert all(code.subject for code in curriculum().codes())
    assert {grade for code in curriculum().codes() for grade in code.grades} == set(range(1, 10))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("82102C300000000", "has 15"),
        ("82G03002100000000", "has 17"),
        ("", "has 0"),
        ("832220323120000０", "digits 0-9"),
        ("8322203231200009", "in none of"),
        ("82l0000000000000", "upper and lower case"),
    ],
)
def test_a_wrong_code_is_refused_with_the_rule_it_breaks(text: str, rule: str) -> None:
    with pytest.raises(RefusedError, match=rule) as caught:
        check_code(text, path="line 3, curriculum_code")
    assert caught.value.path == "line 3, curriculum_code"


def test_a_listed_code_passes() -> None:
    assert check_code(SAKOKU).code == SAKOKU
