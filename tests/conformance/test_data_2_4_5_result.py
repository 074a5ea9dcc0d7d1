"""Data 2.4.5: results and scores, and durations (4.6)."""

from __future__ import annotations

import pytest

from tests.conformance.lrs import Lrs
from tests.conformance.statements import changed, complete, inside, said, statement

DURATIONS = [
    "P4W",
    "PT0S",
    "P3Y1M29DT4H35M59.14S",
    "PT1H",
    "P1Y",
    "PT16559.14S",
    "P0.5Y",
    "PT36H",
    "P1DT12H36M0.12567S",
]
NO_DURATIONS = ["", "P", "PT", "P4W1D", "PA1H0M0S", "1H", "PT1H30", "PT30M1H", "P1H", "P-1D", "T1H", "PT1.5H30M", "p1d"]


@pytest.mark.parametrize(
    ("score", "path"),
    [
        ({"scaled": 1.01}, "scaled"),
        ({"scaled": -1.01}, "scaled"),
        ({"raw": 11, "max": 10}, "raw"),
        ({"raw": -1, "min": 0}, "raw"),
        ({"raw": 5, "min": 6, "max": 10}, "raw"),
        ({"min": 10, "max": 10}, "min"),
        ({"min": 11, "max": 10}, "min"),
    ],
    ids=said,
)
def test_a_score_out_of_its_range_is_refused(lrs: Lrs, score: dict[str, float], path: str) -> None:
    assert lrs.refused(statement(result={"score": score})) == f"$.result.score.{path}"
    assert lrs.refused(inside(statement(result={"score": score}))) == f"$.object.result.score.{path}"


def test_a_score_within_its_range_is_returned_as_sent(lrs: Lrs) -> None:
    scores = [
        {},
        {"scaled": -1},
        {"scaled": 1},
        {"scaled": 0.1, "raw": 3.14, "min": -5, "max": 5},
        {"raw": 1e3},
        {"raw": 0, "min": 0},
        {"raw": 0.12345678},
        {"min": 1, "max": 2},
    ]
    ids = lrs.store(*(statement(result={"score": score}) for score in scores))
    assert [lrs.find(one)["result"]["score"] for one in ids] == scores


def test_durations_of_iso_8601_are_taken_and_returned_as_sent(lrs: Lrs) -> None:
    ids = lrs.store(*(statement(result={"duration": one}) for one in DURATIONS))
    assert [lrs.find(one)["result"]["duration"] for one in ids] == DURATIONS


@pytest.mark.parametrize("duration", NO_DURATIONS)
def test_what_is_no_duration_is_refused(lrs: Lrs, duration: str) -> None:
    assert lrs.refused(changed(complete(), "result.duration", duration)) == "$.result.duration"


def test_an_empty_result_is_taken(lrs: Lrs) -> None:
    assert lrs.stored(statement(result={}))["result"] == {}


# --- 4.1: extensions ---


def test_extensions_hold_any_json_and_are_returned_as_sent(lrs: Lrs) -> None:
    extensions: dict[str, object] = {
        "https://drill.example.jp/ext/a": None,
        "https://drill.example.jp/ext/b": "",
        "https://drill.example.jp/ext/c": {},
        "https://drill.example.jp/ext/d": [1, -2.5e-7, True, None, {"a": [[]], "": "鉛筆 ✏ 🖍"}],
        "urn:example:e": 3.4028234663852886e38,
    }
    for path in ("result.extensions", "context.extensions", "object.definition.extensions"):
        found = lrs.stored(changed(complete(), path, extensions))
        for name in path.split("."):
            found = found[name]
        assert found == extensions
    lrs.store(changed(complete(), "result.extensions", {}))
