"""A full disk is something to wait for: it ends no process for good, and nothing is thrown away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def test_a_store_or_supervisor_whose_disk_is_full_tries_again_and_keeps_what_it_has() -> None:
    command = [sys.executable, "-m", "tests.chaos.full_disk"]
    ran = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "engine, no room": "RetryError",
        "engine, little room": "RetryError",
        "engine, rows afterwards": 2,
        "ids": "IdIndexError",
        "ids, opened while full": "RetryError",
        "ids, kept": True,
        "state, at first": True,
        "state, on a full disk": False,
        "state, as it is read then": {"children": []},
        "log, trimmed to": 0,
        "state, with room again": True,
    }
