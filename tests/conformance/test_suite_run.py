"""How a run of the public suite is judged, on small suites that speak as it does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conformance.suite_run import LEAST_TESTS, SuiteRun, run_suite

# Prints what `bin/console_runner.js` prints, and writes its log; then ends with the number of failures, or never.
_RUNNER = """
const fs = require("fs");
const { summary, tests, hangs } = JSON.parse(fs.readFileSync("suite.json"));
const write = () => {
  const log = { title: "", tests: [{ title: "Data 2.4", status: "failed", tests }] };
  fs.writeFileSync("run.log", JSON.stringify({ summary, log }));
  console.log("Full run log written to " + process.cwd() + "/run.log");
  process.exit(summary.failed);
};
console.log("Grep is undefined");
console.log(JSON.stringify({ total: null, passed: null, failed: null }));
console.log(JSON.stringify(summary));
process.on("SIGINT", write);
if (hangs) setInterval(() => {}, 1000); else write();
"""
GOOD: dict[str, object] = {"title": "takes it", "status": "passed", "tests": []}
BAD: dict[str, object] = {"title": "refuses\n it", "status": "failed", "error": "expected 400, got 200", "tests": []}
OPEN: dict[str, object] = {"title": "answers", "status": "cancelled", "tests": []}


def run(
    folder: Path,
    passed: int,
    tests: list[dict[str, object]],
    *,
    hangs: bool = False,
    least: int = 1,
    within: float = 0.0,
) -> SuiteRun:
    (folder / "bin").mkdir()
    (folder / "bin" / "console_runner.js").write_text(_RUNNER, "utf-8")
    summary = {"total": len(tests), "passed": passed, "failed": len(tests) - passed}
    (folder / "suite.json").write_text(json.dumps({"summary": summary, "tests": tests, "hangs": hangs}), "utf-8")
    user, seconds = ("key", "secret"), 3 if hangs else 60
    return run_suite(folder, "http://127.0.0.1:9/xAPI", user, "1.0.3", seconds=seconds, least=least, within=within)


def test_a_run_in_which_every_test_passed_is_good(tmp_path: Path) -> None:
    found = run(tmp_path, 2, [GOOD, GOOD])
    assert (found.is_good, found.total, found.passed, found.failures) == (True, 2, 2, ())
    assert not (tmp_path / "run.log").exists()


def test_a_run_with_a_failed_test_is_not_and_names_it_with_its_error(tmp_path: Path) -> None:
    found = run(tmp_path, 1, [GOOD, BAD])
    assert not found.is_good
    assert found.failures == (("Data 2.4 > refuses it", "expected 400, got 200"),)
    assert "1 of 2 passed" in found.report()


def test_a_run_that_hangs_is_ended_and_is_not_good_whatever_passed_before(tmp_path: Path) -> None:
    found = run(tmp_path, 2, [GOOD, OPEN], hangs=True)
    assert (found.is_good, found.ended) == (False, False)
    assert found.failures == (("Data 2.4 > answers", "cancelled"),)
    assert "ended by the time limit" in found.summary()


@pytest.mark.parametrize("total", [0, 3])
def test_a_run_without_tests_or_with_fewer_passed_than_there_are_is_not_good(total: int) -> None:
    assert not SuiteRun("1.0.3", total, 0, 1.0, ended=True, failures=()).is_good


@pytest.mark.parametrize(("least", "is_good"), [(2, True), (3, False)])
def test_a_run_of_fewer_tests_than_the_suite_has_is_not_good(tmp_path: Path, least: int, *, is_good: bool) -> None:
    found = run(tmp_path, 2, [GOOD, GOOD], least=least)
    assert found.is_good is is_good
    assert ("there must be 3 tests" in found.summary()) is not is_good


@pytest.mark.parametrize(("within", "is_good"), [(0, True), (120, True), (0.001, False)])
def test_a_run_that_is_slower_than_it_may_be_is_not_good(tmp_path: Path, within: float, *, is_good: bool) -> None:
    found = run(tmp_path, 2, [GOOD, GOOD], within=within)
    assert found.is_good is is_good
    assert ("slower than" in found.summary()) is not is_good


def test_the_whole_public_suite_is_as_large_as_the_acceptance_says() -> None:
    assert LEAST_TESTS == {"1.0.3": 1365, "2.0.0": 1442}
