"""Facts about the ground truth: it balances, and it says what the statements themselves say."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import orjson
import pytest

from producers.simulator.emissions import Emission, Fate
from producers.simulator.settlement import settle
from tests.unit.simulator.conftest import COUNT, Sample

if TYPE_CHECKING:
    from pathlib import Path

    from producers.simulator.district import District
    from producers.simulator.truth import Truth

TOKYO = timezone(timedelta(hours=9))
ANSWERED = "http://adlnet.gov/expapi/verbs/answered"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"


def zone_counts(truth: Truth, **changes: int) -> dict[str, int]:
    counts = truth.counts()
    return {name: count + changes.get(name, 0) for name, count in counts.items()}


def facts(sample: Sample) -> list[tuple[Emission, dict[str, object]]]:
    """Published statements that no voiding statement of the stream names."""
    voided = set()
    for emission in sample.emissions:
        if emission.expect.outcome is Fate.WITHHELD:
            fields = orjson.loads(emission.body)
            if fields["verb"]["id"] == VOIDED:
                voided.add(fields["object"]["id"])
    published = [each for each in sample.emissions if each.expect.outcome is Fate.PUBLISHED]
    read = [(each, orjson.loads(each.body)) for each in published]
    return [(each, fields) for each, fields in read if fields["id"] not in voided]


def test_the_counts_balance(sample: Sample) -> None:
    counts = sample.truth.counts()
    assert counts["sent"] == COUNT == counts["rejected"] + counts["repeated"] + counts["received"]
    assert counts["received"] == counts["archived"] + counts["refused"] + counts["duplicate"]
    assert counts["archived"] == counts["published"] + counts["withheld"]
    assert counts["published"] == counts["loaded"]
    assert sum(sample.truth.withheld.values()) == counts["withheld"]
    assert sum(sample.truth.refused.values()) == counts["refused"]
    assert sum(sample.truth.rejected.values()) == counts["rejected"]
    assert sum(sample.truth.by_app.values()) == COUNT


def test_what_is_retracted_is_what_was_published_and_then_voided(sample: Sample) -> None:
    assert len(facts(sample)) == sample.truth.published - sample.truth.retracted
    assert sample.truth.retracted > 100


def test_days_are_those_of_the_timestamps_in_tokyo_after_retractions(sample: Sample) -> None:
    statements: dict[str, int] = defaultdict(int)
    learners: dict[str, set[str]] = defaultdict(set)
    for _, fields in facts(sample):
        day = datetime.fromisoformat(str(fields["timestamp"])).astimezone(TOKYO).date().isoformat()
        statements[day] += 1
        learners[day].add(str(fields["actor"]))
    cells = {day: cell for day, cell in sample.truth.days.items() if cell.statements}
    assert {day: cell.statements for day, cell in cells.items()} == statements
    assert {day: len(cell.learners) for day, cell in cells.items()} == {
        day: len(them) for day, them in learners.items()
    }


def test_codes_are_those_of_the_catalogue_and_count_scored_answers_only(
    sample: Sample, district: District, tmp_path: Path
) -> None:
    files = district.write_references(tmp_path)
    rows = [line.split(",") for line in files.catalogue.read_text("utf-8").splitlines()]
    codes = {row[0]: row[1] for row in rows}
    grades = {learner.name: learner.grade for learner in district.learners}
    answers: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for _, fields in facts(sample):
        verb, result = fields["verb"], fields.get("result", {})
        assert isinstance(verb, dict)
        assert isinstance(result, dict)
        if verb["id"] == ANSWERED and "score" in result:
            actor, target = fields["actor"], fields["object"]
            assert isinstance(actor, dict)
            assert isinstance(target, dict)
            answers[codes.get(target["id"], ""), grades[actor["account"]["name"]]].append(result["success"])
    cells = {key: cell for key, cell in sample.truth.codes.items() if cell.answers}
    assert {key: (cell.answers, cell.successes) for key, cell in cells.items()} == {
        key: (len(them), sum(them)) for key, them in answers.items()
    }
    assert any(not code for code, _ in answers)


def test_a_composite_question_is_one_answer(sample: Sample) -> None:
    inputs = [each for each in sample.emissions if b"?activity=" in each.body and each.expect.outcome is Fate.PUBLISHED]
    assert inputs
    for emission in inputs:
        fields = orjson.loads(emission.body)
        assert "score" not in fields["result"]
        assert fields["context"]["contextActivities"]["parent"][0]["id"] == fields["object"]["id"].split("?")[0]


def test_the_summary_is_json_with_every_number_of_the_balance(sample: Sample, tmp_path: Path) -> None:
    sample.truth.write(tmp_path / "truth.json")
    summary = json.loads((tmp_path / "truth.json").read_text("utf-8"))
    assert summary["counts"] == sample.truth.counts()
    assert sum(cell["answers"] for cell in summary["codes"]) > 1000
    assert all(cell["learners"] <= cell["statements"] for cell in summary["days"])


def test_a_zone_that_counted_the_same_settles_without_differences(sample: Sample) -> None:
    settled = settle(sample.truth, zone_counts(sample.truth), resent=0)
    assert settled == (COUNT, sample.truth.repeated, 0, 0, [])


def test_a_copy_made_by_a_retry_is_explained_and_keeps_the_balance(sample: Sample) -> None:
    observed = zone_counts(sample.truth, received=40, duplicate=40)
    settled = settle(sample.truth, observed, resent=100)
    assert settled.differences == []
    assert settled.copies == 40
    assert settled.sent == observed["rejected"] + settled.repeated + observed["received"]


def test_repeats_and_conflicts_that_slip_past_a_restarted_gateway_are_explained(sample: Sample) -> None:
    observed = zone_counts(sample.truth, received=5, duplicate=3, rejected=-2, refused=2)
    settled = settle(sample.truth, observed, resent=1)
    assert settled.differences == []
    assert (settled.copies, settled.slipped) == (1, 4)
    assert settled.sent == observed["rejected"] + settled.repeated + observed["received"]


def test_nothing_slips_when_nothing_was_interrupted(sample: Sample) -> None:
    observed = zone_counts(sample.truth, received=5, duplicate=3, rejected=-2, refused=2)
    assert settle(sample.truth, observed, resent=0).differences


@pytest.mark.parametrize(
    "changes",
    [
        {"archived": -1},
        {"published": -1, "withheld": 1},
        {"loaded": 1},
        {"retracted": -1},
        {"received": 1},
        {"received": -1},
        {"duplicate": 1},
        {"rejected": 1},
        {"refused": 1},
        {"rejected": -1},
    ],
)
def test_any_other_difference_is_told(sample: Sample, changes: dict[str, int]) -> None:
    assert settle(sample.truth, zone_counts(sample.truth, **changes), resent=0).differences
