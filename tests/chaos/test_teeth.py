"""The suite bites: with any one safety taken away, the tests that promise it fail, and without that they pass."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.chaos.mutations import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = ("avro", "deploy", "lrs", "processors", "producers", "tests")
_FAILED = re.compile(r"^FAILED (tests/\S+::\w+)", re.MULTILINE)
_TESTS_FAILED = 1

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the source tree."""
    copied = tmp_path / "tree"
    copied.mkdir()
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, copied / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copied)
    return copied


def run(tree: Path, tests: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """Run these tests of the copy against the copy."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(words, cwd=tree, env=environment, capture_output=True, text=True, timeout=800, check=False)


def test_without_a_mutation_they_pass(tree: Path) -> None:
    for folder in ("tests/store", ""):  # one process, one embedded store
        ids = {one for mutation in MUTATIONS for one in mutation.tests}
        done = run(tree, sorted(one for one in ids if one.startswith("tests/store") == bool(folder)))
        assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.safety.replace(" ", "_"))
def test_a_safety_that_is_taken_away_fails_what_promises_it(mutation: Mutation, tree: Path) -> None:
    path = tree / mutation.path
    source = path.read_text("utf-8")
    assert source.count(mutation.old) == 1, f"{mutation.path} no longer has what is to be changed, or has it twice"
    path.write_text(source.replace(mutation.old, mutation.new), "utf-8")
    done = run(tree, mutation.tests)
    assert done.returncode == _TESTS_FAILED, done.stdout[-5000:]
    assert set(_FAILED.findall(done.stdout)) == {one.partition("[")[0] for one in mutation.tests}
