"""kill -9 at any moment: after the restarts everything is there, once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lrs.store.accounting import hop_counts
from lrs.store.engine import Engine
from lrs.store.holdings import LOADER, RECORDER
from lrs.store.tallies import Tallies
from tests.store.crash_writer import target_of, voids

if TYPE_CHECKING:
    from lrs.store.migrate import Store

ROOT = Path(__file__).resolve().parents[2]
KILLS = 10
END = 700


def _write_with_kills(store: Store, folder: Path, rng: random.Random) -> None:
    """Run the writer to its end, killing it at a random moment of each of its first lives."""
    command = [sys.executable, "-m", "tests.store.crash_writer", store, str(folder), str(END)]
    for life in range(KILLS + 1):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            batches = END if life == KILLS else rng.randrange(1, 5)
            for _ in range(batches):
                if process.stdout.readline().strip() in ("done", ""):
                    break
            if life < KILLS:
                try:
                    process.wait(rng.random() * 0.05)
                except subprocess.TimeoutExpired:
                    os.kill(process.pid, signal.SIGKILL)
            else:
                os.kill(process.pid, signal.SIGTERM)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("store", ["archive", "facts"])
def test_nothing_is_lost_and_nothing_doubled_over_kills(store: Store, tmp_path: Path) -> None:
    _write_with_kills(store, tmp_path, random.Random(store))
    program = f"""
import json, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.store.test_crash import report
print(json.dumps(report({store!r}, {str(tmp_path)!r})))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(True).lower(), done.stdout


def report(store: Store, folder: str) -> bool | dict[str, object]:
    """True when the store is right, else what it holds. For a process of its own: one process, one embedded store."""
    engine = Engine.open(f"chdb://{folder}", store, readers=1, max_memory_mb=1500, query_seconds=30)
    try:
        hop = RECORDER if store == "archive" else LOADER
        counts = hop_counts(engine, Tallies(engine, "board"), hop)
        table = "statements" if store == "archive" else "activities"
        offsets = [row[0] for row in engine.query(f"SELECT offset FROM {table} ORDER BY offset")]  # noqa: S608
    finally:
        engine.close()
    expected = [offset for offset in range(END) if store == "archive" or (not voids(offset) and not _voided(offset))]
    doubled = [name for name, parts in counts.tables.items() for held in parts.values() if held.rows != held.places]
    right = offsets == expected and counts.counted(0) == END and not doubled
    return right or {
        "missing": sorted({*expected} - {*offsets}),
        "extra": sorted({*offsets} - {*expected}),
        **counts.to_json(),
    }


def _voided(offset: int) -> bool:
    near = range(max(0, offset - 5), min(END, offset + 4))
    return any(voids(other) and target_of(other) == offset for other in near)
