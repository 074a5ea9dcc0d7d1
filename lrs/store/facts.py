"""The facts: one row a published activity, without anybody's name; and what voiding statements took out again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from lrs.kernel.codec import codec
from lrs.store.avro_file import AvroFile
from lrs.store.offsets import HighWaters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrs.kernel.activity_records import ActivityRecord
    from lrs.kernel.records import Withheld
    from lrs.store.engine import Engine

_FILE = AvroFile(codec("activity").schema, {"stored_at_ms": "stored_at"})
_RETRACTION_COLUMNS = ("partition", "offset", "app", "stored_at", "statement_key")
_HIGH_WATERS = {
    table: f"SELECT max(offset), count() FROM {table} WHERE partition = {{partition:UInt16}}"  # noqa: S608 - fixed names
    for table in ("activities", "retractions", "retracted")
}
_TALLY_HIGH_WATER = """
SELECT max(last_offset), count() FROM tallies WHERE hop = 'loader' AND partition = {partition:UInt16}
"""
# An app takes out what it wrote itself: another one that learns an id can do nothing with it.
_MOVE = """
INSERT INTO retracted (partition, offset, app, stored_at, statement_key)
SELECT partition, offset, app, stored_at, statement_key FROM activities
WHERE (app, statement_key) IN (
    SELECT app, statement_key FROM retractions WHERE statement_key NOT IN (SELECT statement_key FROM retracted)
)
AND (partition, offset) NOT IN (SELECT partition, offset FROM retracted)
"""
_UNMET = (
    "SELECT DISTINCT statement_key FROM retractions WHERE statement_key NOT IN (SELECT statement_key FROM retracted)"
)
_RETRACTED = "SELECT count() FROM retracted FINAL"
_DELETE = "ALTER TABLE activities DELETE WHERE (partition, offset) IN (SELECT partition, offset FROM retracted)"
_COUNTS = """
SELECT
    (SELECT count() FROM activities),
    (SELECT count() FROM retracted FINAL),
    (SELECT count() FROM retractions),
    (SELECT count() FROM activities WHERE (partition, offset) IN (SELECT partition, offset FROM retracted))
"""
# A loader elsewhere may have brought the other half of a pair; this is how long such a retraction waits at most.
_LOOK_ANYWAY_SECONDS = 60.0
# Taking facts out rewrites every part they are in, 5 to 8 s per 10M rows: no more than a sixth of the time.
_REST_FACTOR = 5.0


@dataclass(frozen=True, slots=True)
class FactCounts:
    """loaded = present + retracted; `retractions` were asked for, met or not."""

    loaded: int
    present: int
    retracted: int
    retractions: int


class Facts:
    """The tables `activities`, `retractions` and `retracted`. One writer thread."""

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`engine` is migrated; `clock` counts seconds."""
        self._engine = engine
        self._clock = clock
        # Two tables, two high-waters: a kill between their inserts leaves one of them behind.
        self._activities: HighWaters[ActivityRecord] = HighWaters(
            self._read_activities, attrgetter("partition", "offset")
        )
        self._retractions: HighWaters[Withheld] = HighWaters(self._read_retractions, itemgetter("partition", "offset"))
        self._unmet: set[bytes] = set()
        self._waiting = True
        self._unfinished = True
        self._rest_until = 0.0
        self._look_at = 0.0

    def high_water(self, partition: int) -> int:
        """The last source offset of the partition that both tables hold, read now; -1 when none.

        Records at or below it need no loading any more. Those above may be in one of the tables: pass them on, each
        insert skips what its table holds. Ask on start, on assignment and after an error.
        """
        return min(self._activities.read(partition), self._retractions.read(partition))

    def insert(self, activities: Sequence[ActivityRecord]) -> None:
        """Write activities, each partition's in offset order, as one part; those the table holds are skipped.

        Raises `RetryError` when it is not known whether they were written; the same call is then safe.
        """
        with self._activities.fresh(activities) as fresh:
            if fresh:
                data = _FILE.write(activity.datum for activity in fresh)
                self._engine.insert_avro("activities", _FILE.columns, data)
        # A retraction that came first may have been waiting for one of them.
        if self._unmet and not self._unmet.isdisjoint(activity.statement_key for activity in fresh):
            self._waiting = True

    def insert_retractions(self, rows: Sequence[Withheld]) -> None:
        """Write what voiding statements retract, as one part; records that retract nothing are left out.

        Raises `RetryError` as `insert` does.
        """
        voiding = [row for row in rows if row["retracts"] is not None]
        with self._retractions.fresh(voiding) as fresh:
            values = [(r["partition"], r["offset"], r["app"], r["stored_at_ms"], r["retracts"]) for r in fresh]
            self._engine.insert("retractions", _RETRACTION_COLUMNS, values)
        self._unmet.update(row["retracts"] for row in fresh if row["retracts"] is not None)
        self._waiting = self._waiting or bool(fresh)

    def apply_retractions(self) -> int:
        """Take out the facts whose statements were voided; return how many now. Call it every few seconds.

        Their coordinates go to `retracted` first, so after a kill in between the next call takes them out. Returns 0 at
        once while nothing is waiting, or while resting from a long run. May run beside the inserts, in one thread.
        """
        start = self._clock()
        if start < self._rest_until or not (self._waiting or start >= self._look_at):
            return 0
        self._waiting = False
        try:
            taken = self._move()
            if taken or self._unfinished:
                self._unfinished = True
                self._engine.command(_DELETE, beside=True)
                self._unfinished = False
            self._unmet = {row[0] for row in self._engine.query(_UNMET)}
        except BaseException:
            self._waiting = True
            raise
        end = self._clock()
        self._look_at = end + _LOOK_ANYWAY_SECONDS
        self._rest_until = end + _REST_FACTOR * (end - start) if taken else end
        return taken

    def counts(self) -> FactCounts:
        """How many facts are present and how many were taken out."""
        [(rows, retracted, retractions, leaving)] = self._engine.query(_COUNTS)
        present = rows - leaving
        return FactCounts(loaded=present + retracted, present=present, retracted=retracted, retractions=retractions)

    def _move(self) -> int:
        [(before,)] = self._engine.query(_RETRACTED)
        self._engine.command(_MOVE, beside=True)
        [(after,)] = self._engine.query(_RETRACTED)
        return int(after) - int(before)

    def _read_activities(self, partition: int) -> int:
        # What was taken out is gone from the table, and yet must not be loaded again.
        return max(
            self._last(sql, partition)
            for sql in (_HIGH_WATERS["activities"], _HIGH_WATERS["retracted"], _TALLY_HIGH_WATER)
        )

    def _read_retractions(self, partition: int) -> int:
        return max(self._last(sql, partition) for sql in (_HIGH_WATERS["retractions"], _TALLY_HIGH_WATER))

    def _last(self, sql: str, partition: int) -> int:
        [(last, rows)] = self._engine.query(sql, {"partition": partition})
        return int(last) if rows else -1
