"""The truth and the processor's rule were written apart; over a whole stream they must say the same."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from lrs.kernel.pseudonyms import Pseudonyms
from processors.publishing import publish
from processors.reference_entries import Views, appliers
from producers.reference_rows import CATALOGUE, CONSENT, ROSTER, Known
from producers.simulator.emissions import Fate

if TYPE_CHECKING:
    from pathlib import Path

    from producers.simulator.district import District
    from tests.unit.simulator.conftest import Sample

STORED_MS = 1_900_000_000_000
DAY_MS, TOKYO_MS = 86_400_000, 32_400_000


def loaded_views(district: District, folder: Path) -> Views:
    views = Views()
    apply = appliers(views, "dashboards")
    files = district.write_references(folder)
    for path, table in ((files.catalogue, CATALOGUE), (files.roster, ROSTER), (files.consent, CONSENT)):
        known = Known()
        with path.open(encoding="utf-8", newline="") as source:
            for row in csv.DictReader(source):
                key, record = table.read(row, known)
                apply[table.noun](key, table.encode(record))
    return views


def test_truth_and_processor_agree_about_every_statement_and_every_cell(
    sample: Sample, district: District, tmp_path: Path
) -> None:
    views, keys = loaded_views(district, tmp_path), Pseudonyms(bytes(32), "dashboards")
    activities: dict[bytes, Any] = {}
    retracted: set[bytes | None] = set()
    withheld: Counter[str] = Counter()
    for offset, emission in enumerate(sample.emissions):
        if emission.expect.outcome not in {Fate.PUBLISHED, Fate.WITHHELD}:
            continue
        assert emission.statement_id is not None
        outcome: Any = publish(
            {
                "offset": offset,
                "statement_id": emission.statement_id,
                "app": emission.app,
                "stored_at_ms": STORED_MS,
                "statement": emission.body,
            },
            0,
            views,
            keys,
        )
        if "reason" in outcome:
            assert outcome["reason"] == emission.expect.reason
            withheld[outcome["reason"]] += 1
            retracted.add(outcome["retracts"])
        else:
            assert emission.expect.outcome is Fate.PUBLISHED
            activities[outcome["statement_key"]] = outcome
    assert withheld == sample.truth.withheld
    facts = [activity for key, activity in activities.items() if key not in retracted]
    assert len(activities) - len(facts) == sample.truth.retracted
    assert cells(facts) == {
        key: (cell.answers, cell.successes, len(cell.learners))
        for key, cell in sample.truth.codes.items()
        if cell.answers
    }
    days = Counter((each["occurred_at_ms"] + TOKYO_MS) // DAY_MS for each in facts)
    assert sorted(days.values()) == sorted(cell.statements for cell in sample.truth.days.values() if cell.statements)


def cells(facts: list[Any]) -> dict[tuple[str, int], tuple[int, int, int]]:
    answers = defaultdict(list)
    for activity in facts:
        if activity["role"] == "answer":
            answers[activity["curriculum_code"], activity["grade"]].append(activity)
    return {
        key: (len(them), sum(each["success"] for each in them), len({each["pseudonym"] for each in them}))
        for key, them in answers.items()
    }
