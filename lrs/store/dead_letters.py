"""The dead letters: every refused record with its original bytes, until it is too old. Written once."""

from __future__ import annotations

import re
from contextlib import ExitStack
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from lrs.store.holdings import LETTERS
from lrs.store.offsets import HighWaters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lrs.store.engine import Engine

SOURCES = ("received", "accepted", "activity", "refused")
"""Topics that a refused record may have lain on. `refused`: what is no dead letter lay among the dead letters."""

HOPS = {"received": LETTERS, **{source: f"{LETTERS}.{source}" for source in SOURCES[1:]}}
"""Under which hop the letters of a source are counted; each source has offsets of its own."""

NO_ID = bytes(16)
"""Stands for an id that could not be read."""

_COLUMNS = (
    "source",
    "partition",
    "offset",
    "statement_id",
    "app",
    "stored_at",
    "refused_at",
    "reason",
    "path",
    "rule",
    "original_bytes",
    "original",
)
_REPLAY_COLUMNS = ("partition", "offset", "refused_at", "replayed_at", "outcome")
_HIGH_WATER = """
SELECT max(offset), count() FROM dead_letters WHERE source = {source:String} AND partition = {partition:UInt16}
"""
# What is counted was kept, though it may have grown too old since.
_TALLY_HIGH_WATER = """
SELECT max(last_offset), count() FROM tallies WHERE hop = {hop:String} AND partition = {partition:UInt16}
"""
_DEFINITION = (
    "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"
)
_TABLES = ("dead_letters", "dead_letter_replays")
_DAYS = re.compile(r"toIntervalDay\((\d+)\)")


class DeadLetter(NamedTuple):
    """One refused record as it is written. Times in milliseconds since 1970 UTC."""

    source: str
    partition: int
    offset: int
    statement_id: bytes | None
    app: str
    stored_at_ms: int
    """When it came in, as its envelope or the broker says."""
    refused_at_ms: int
    """When the broker got the dead letter."""
    reason: str
    path: str
    rule: str
    original: bytes
    place: int = -1
    """Its own offset on `refused`, which is not written."""


class Replay(NamedTuple):
    """A letter that needs no replay any more. `outcome`: put on the log anew (replayed), or there already (stored)."""

    partition: int
    offset: int
    refused_at_ms: int
    replayed_at_ms: int
    outcome: str


class DeadLetters:
    """The tables `dead_letters` and `dead_letter_replays`. One writer thread for letters, one for replays."""

    def __init__(self, engine: Engine) -> None:
        """`engine` is migrated."""
        self._engine = engine
        # Each source counts its own offsets, so each has its own high-waters.
        self._high_waters: dict[str, HighWaters[DeadLetter]] = {
            source: HighWaters(partial(self._read_high_water, source), attrgetter("partition", "offset"))
            for source in SOURCES
        }

    def high_water(self, source: str, partition: int) -> int:
        """The last offset of the source's partition that the table holds, read now; -1 when none."""
        return self._high_waters[source].read(partition)

    def insert(self, letters: Sequence[DeadLetter]) -> None:
        """Write letters, those of each source and partition in offset order, as one part; what is there is skipped.

        Raises `RetryError` when it is not known whether they were written; the same call is then safe.
        """
        with ExitStack() as closing:
            fresh = [
                letter
                for source, high_waters in self._high_waters.items()
                for letter in closing.enter_context(high_waters.fresh([one for one in letters if one.source == source]))
            ]
            self._engine.insert("dead_letters", _COLUMNS, [_values(letter) for letter in fresh])

    def mark_replayed(self, replays: Iterable[Replay]) -> None:
        """Remember that these need no replay any more. Raises `RetryError`; the same call is then safe."""
        self._engine.insert("dead_letter_replays", _REPLAY_COLUMNS, list(replays))

    def keep(self, days: int) -> None:
        """From now on letters go `days` days after they were refused; those that are older go at once."""
        for table in _TABLES:
            [(definition,)] = self._engine.query(_DEFINITION, {"table": table})
            found = _DAYS.search(definition)
            if found is None or int(found[1]) != days:
                self._engine.command(f"ALTER TABLE {table} MODIFY TTL toDateTime(refused_at) + toIntervalDay({days:d})")

    def _read_high_water(self, source: str, partition: int) -> int:
        asked = (
            (_HIGH_WATER, {"source": source, "partition": partition}),
            (_TALLY_HIGH_WATER, {"hop": HOPS[source], "partition": partition}),
        )
        found = [self._engine.query(sql.strip(), params)[0] for sql, params in asked]
        return max(int(last) if rows else -1 for last, rows in found)


def _values(letter: DeadLetter) -> tuple[object, ...]:
    return (
        *letter[:3],
        letter.statement_id or NO_ID,
        *letter[4:10],
        len(letter.original),
        letter.original,
    )
