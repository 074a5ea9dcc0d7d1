"""A short chaos run with every kind of fault, and what makes any run reproducible."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.plan import VICTIMS, Fault, Kind, draw
from tests.support.ayumi import environment

_ROOT = Path(__file__).resolve().parents[2]
_SEED = "4"
_SHAPE = {"kills": 12, "kills_a_round": 6, "seconds": 10.0}


@pytest.mark.alone
@pytest.mark.timeout(600)
def test_a_zone_that_suffers_every_kind_of_fault_comes_back_whole_and_exact() -> None:
    words = [word for name, value in _SHAPE.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "tests.chaos", "--seed", _SEED, *words]
    ran = subprocess.run(command, cwd=_ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    assert "0 lost, 0 double, every sum exact" in ran.stdout
    [told] = re.findall(r"^12 kills \((.*)\);", ran.stdout, re.MULTILINE)
    assert {killed.partition(" of ")[2] for killed in told.split(", ")} == set(VICTIMS)


def test_the_short_run_has_every_kind_of_fault_and_kills_every_process() -> None:
    rounds = draw(_SEED, 12, seconds=10.0, kills_a_round=6)
    faults = [fault for one in rounds for fault in (*one.before, *one.early, *one.faults)]
    assert {fault.kind for fault in faults} == set(Kind)
    assert {name for fault in faults if fault.kind is Kind.KILL for name in fault.targets} == set(VICTIMS)


def test_a_seed_gives_the_same_faults_again_and_another_seed_gives_others() -> None:
    again = draw("a", 200, seconds=20, kills_a_round=8)
    assert again == draw("a", 200, seconds=20, kills_a_round=8)
    assert again != draw("b", 200, seconds=20, kills_a_round=8)
    assert sum(one.kills for one in again) >= 200


def test_only_processes_of_the_zone_count_as_killed() -> None:
    assert Fault(Kind.KILL, ("lrs", "supervisor")).kills == 2
    assert Fault(Kind.CUT_MIGRATION, ("archive",)).kills == 0
