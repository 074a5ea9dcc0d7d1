"""Loads a zone's log into archive or facts until it is killed, as recorder and loader do. A program for tests.

`python -m tests.store.crash_writer archive|facts FOLDER END` reads its own place back from the store, goes on to END,
prints `done` and waits to be killed.
"""

from __future__ import annotations

import sys
import time

from lrs.store.archive import Archive
from lrs.store.engine import Engine
from lrs.store.facts import Facts
from lrs.store.migrate import migrate
from lrs.store.tallies import Tallies, Tally
from tests.support.rows import activity, archive_row, records, retraction

BATCH = 37
REWIND = 55
"""How far behind its last insert a writer may resume: the committed offset lags."""


def voids(offset: int) -> bool:
    """Every tenth statement voids the one three before it, every hundredth one that comes five later."""
    return offset % 10 == 9


def target_of(offset: int) -> int:
    """The offset of what a voiding statement voids."""
    return offset + 5 if offset % 100 == 99 else offset - 3


def write_archive(engine: Engine, end: int) -> None:
    """Archive the log up to `end`."""
    migrate(engine, "archive")
    archive, tallies = Archive(engine), Tallies(engine, "board")
    start = max(0, min(archive.high_water(0), tallies.high_water("recorder", 0)) + 1 - REWIND)
    for batch in _batches(start, end):
        archive.insert([archive_row(offset) for offset in batch])
        _count(tallies, "recorder", batch, lambda _: ("archived", ""))
        print(batch[-1], flush=True)  # noqa: T201 - the acknowledgement


def write_facts(engine: Engine, end: int) -> None:
    """Load the log up to `end`."""
    migrate(engine, "facts")
    facts, tallies = Facts(engine), Tallies(engine, "board")
    start = max(0, min(facts.high_water(0), tallies.high_water("loader", 0)) + 1 - REWIND)
    for batch in _batches(start, end):
        facts.insert(records([activity(offset) for offset in batch if not voids(offset)]))
        facts.insert_retractions(
            [retraction(offset, activity(target_of(offset))["statement_key"]) for offset in batch if voids(offset)]
        )
        _count(tallies, "loader", batch, lambda offset: ("withheld", "voiding") if voids(offset) else ("published", ""))
        facts.apply_retractions()
        print(batch[-1], flush=True)  # noqa: T201 - the acknowledgement
    Facts(engine).apply_retractions()  # a new one does not rest


def _batches(start: int, end: int) -> list[tuple[int, ...]]:
    return [tuple(range(first, min(first + BATCH, end))) for first in range(start, end, BATCH)]


def _count(tallies: Tallies, hop: str, batch: tuple[int, ...], outcome_of: object) -> None:
    high = tallies.high_water(hop, 0)
    fresh = [offset for offset in batch if offset > high]
    counts: dict[tuple[str, str], int] = {}
    for offset in fresh:
        key = outcome_of(offset)  # type: ignore[operator]
        counts[key] = counts.get(key, 0) + 1
    tallies.insert([Tally(hop, 0, fresh[0], fresh[-1], "drill", 0, *key, count) for key, count in counts.items()])


def main() -> None:
    """Write what the arguments say."""
    store, folder, end = sys.argv[1], sys.argv[2], int(sys.argv[3])
    engine = Engine.open(f"chdb://{folder}", store, readers=1, max_memory_mb=1500, query_seconds=30)
    (write_archive if store == "archive" else write_facts)(engine, end)
    print("done", flush=True)  # noqa: T201 - the end
    time.sleep(600)


if __name__ == "__main__":
    main()
