"""`ayumi demo --once --json` proves the whole way, equally each time, also when a process is killed under it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.ayumi import AYUMI, environment
from tests.support.broker import complete
from tests.support.demonstrating import COUNTS, Ended, demonstration

pytestmark = pytest.mark.timeout(1000)

PROCESSES = ("broker", "lrs", "processors", "store")
_COUNT = 3000
_PLAN = ("--count", str(_COUNT), "--seed", "7")
_RATE = 600
_UNDER_WAY = 500


def _undisturbed(room: Path) -> Ended:
    with demonstration(room, AYUMI, *_PLAN, environment=environment()) as demo:
        return complete(demo.ended())


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A run that nobody disturbs."""
    return _undisturbed(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The same once more."""
    return _undisturbed(tmp_path_factory.mktemp("demo"))


def test_it_exits_0_with_one_line_of_json_that_has_every_count(first: Ended) -> None:
    assert first.flaws() == []
    assert first.printed.count("\n") == 1
    assert [*first.report][: len(COUNTS) + 2] == [*COUNTS, "seconds", "rate"]
    assert min(first.report["seconds"], first.report["rate"]) > 0


def test_it_sends_what_was_asked_for_and_every_kind_of_fault(first: Ended) -> None:
    report = first.report
    assert report["sent"] == _COUNT + report["interrupted"]["copies"]
    assert set(report["refused_by_reason"]) == {"conflict", "invalid"}
    assert set(report["withheld_by_reason"]) == {
        "no_consent",
        "not_a_learner",
        "not_an_activity",
        "not_on_roster",
        "voiding",
    }


def test_the_same_seed_gives_the_same_facts_again(first: Ended, second: Ended) -> None:
    assert second.flaws() == []
    assert second.report["facts"] == first.report["facts"]
    rows, *digests = first.report["facts"].split("-")
    assert int(rows) == first.report["loaded"] - first.report["retracted"]
    assert all(int(digest, 16) for digest in digests)


def test_it_leaves_no_process_and_no_file_behind(first: Ended, second: Ended) -> None:
    for ended in (first, second):
        assert len(ended.commands) > len(PROCESSES), "the demo's processes were not seen"
        assert any(name.startswith("ayumi-demo-") for name in ended.folders)
        assert ended.left == []


@pytest.mark.parametrize("victim", PROCESSES)
async def test_a_process_killed_under_way_costs_no_statement_and_doubles_none(
    victim: str, first: Ended, tmp_path: Path
) -> None:
    options = (*_PLAN, "--rate", str(_RATE))
    with demonstration(tmp_path, AYUMI, *options, environment=environment()) as demo:
        loaded = await demo.loaded(_UNDER_WAY)
        os.kill(demo.child(victim)["pid"], signal.SIGKILL)
        ended = await demo.ended()
    assert ended.flaws() == []
    assert ended.restarts == {name: int(name == victim) for name in PROCESSES}, ended.said[-4000:]
    assert loaded < ended.report["loaded"], "it was killed when all was done"
    assert ended.report["facts"] == first.report["facts"]
    assert ended.left == []
