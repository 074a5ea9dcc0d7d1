"""The archive: every statement the recorder took, by id, by actor, by time. Written once, never changed."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.store.offsets import HighWaters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrs.store.engine import Engine

NO_ID = bytes(16)
"""Stands for an absent registration or target in the fixed-width columns."""

_COLUMNS = (
    "statement_id",
    "partition",
    "offset",
    "app",
    "stored_at",
    "timestamp_at",
    "actor_key",
    "verb_id",
    "activity_id",
    "registration",
    "target_id",
    "is_voiding",
    "digest",
    "authority",
    "version",
    "raw",
)
_OWN_HIGH_WATER = "SELECT max(offset), count() FROM statements WHERE partition = {partition:UInt16}"
_TALLY_HIGH_WATER = """
SELECT max(last_offset), count() FROM tallies WHERE hop = 'recorder' AND partition = {partition:UInt16}
"""
_READ = """
SELECT
    statement_id, partition, offset, app, toUnixTimestamp64Milli(stored_at), authority, version, digest, raw, is_voiding
FROM statements
"""
# A projection of its own answers this: it holds one row a voided target instead of one a statement.
_VOIDED = """
SELECT target_id FROM statements WHERE is_voiding AND target_id IN {ids:Array(FixedString(16))}
GROUP BY is_voiding, target_id
"""
_ENTRIES = """
SELECT statement_id, offset, digest FROM statements
WHERE partition = {partition:UInt16} AND offset > {after:Int64} ORDER BY offset LIMIT {limit:UInt32}
"""
_ENTRIES_AT_ONCE = 200_000


class ArchiveRow(NamedTuple):
    """One statement as the recorder writes it. Times in milliseconds since 1970 UTC."""

    statement_id: bytes
    partition: int
    offset: int
    app: str
    stored_at_ms: int
    timestamp_ms: int
    actor_key: str
    verb_id: str
    activity_id: str
    registration: bytes | None
    target_id: bytes | None
    is_voiding: bool
    digest: bytes
    authority: bytes
    version: str
    raw: bytes


class ArchivedStatement(NamedTuple):
    """One statement as it is read back."""

    statement_id: bytes
    partition: int
    offset: int
    app: str
    stored_at_ms: int
    authority: bytes
    version: str
    digest: bytes
    raw: bytes
    voided: bool


class Cursor(NamedTuple):
    """The place of one statement in the order of `select`: the page after it begins behind it."""

    stored_at_ms: int
    partition: int
    offset: int


class StatementFilter(NamedTuple):
    """What to select. None: any. `since_ms` is exclusive and `until_ms` inclusive (xAPI 1.0.3 Communication 2.1.3)."""

    verb: str | None = None
    activity: str | None = None
    actor_key: str | None = None
    registration: bytes | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    limit: int = 100
    ascending: bool = False
    after: Cursor | None = None


class Archive:
    """The table `statements`."""

    def __init__(self, engine: Engine) -> None:
        """`engine` is migrated."""
        self._engine = engine
        self._high_waters: HighWaters[ArchiveRow] = HighWaters(self._read_high_water, attrgetter("partition", "offset"))

    def high_water(self, partition: int) -> int:
        """The last offset of the partition that needs no archiving any more, read now; -1 when none.

        Ask on start, on assignment and after an error: `insert` skips by what was read last.
        """
        return self._high_waters.read(partition)

    def insert(self, rows: Sequence[ArchiveRow]) -> None:
        """Write rows of one partition, in offset order, as one part. Rows at or below the high-water are skipped.

        Raises `RetryError` when it is not known whether they were written; the same call is then safe.
        """
        if not rows:
            return
        partition = rows[0].partition
        if any(row.partition != partition for row in rows):
            raise ValueError(partition)
        with self._high_waters.fresh(rows) as fresh:
            self._engine.insert("statements", _COLUMNS, [_values(row) for row in fresh])

    def by_ids(self, ids: Sequence[bytes]) -> dict[bytes, ArchivedStatement]:
        """The statements of those ids that are archived, voided ones too."""
        if not ids:
            return {}
        wanted = list(dict.fromkeys(ids))
        sql = _READ + "WHERE statement_id IN {ids:Array(FixedString(16))} ORDER BY partition DESC, offset DESC"
        rows = self._engine.query(sql, {"ids": wanted}, as_bytes=("authority", "raw"))
        return {statement.statement_id: statement for statement in self._statements(rows)}

    def select(self, filter: StatementFilter) -> list[ArchivedStatement]:  # noqa: A002 - the field's own term
        """At most `limit` statements in order of (stored, partition, offset), newest first unless `ascending`.

        Voided statements are left out. A page never moves while statements arrive, since the order is that of
        coordinates that do not change. Pass the last one's `cursor_of` as `after`, the first page's time as `until_ms`.
        """
        found: list[ArchivedStatement] = []
        wanted = filter
        while len(found) < filter.limit:
            wanted = wanted._replace(limit=filter.limit - len(found))
            page = self._page(wanted)
            found += [statement for statement in page if not statement.voided]
            if len(page) < wanted.limit:
                break
            wanted = wanted._replace(after=cursor_of(page[-1]))
        return found

    def index_entries(self, partition: int, after_offset: int) -> Iterator[tuple[bytes, int, bytes]]:
        """(id, offset, digest) of a partition's statements behind `after_offset`, in offset order."""
        while True:
            params = {"partition": partition, "after": after_offset, "limit": _ENTRIES_AT_ONCE}
            rows = self._engine.query(_ENTRIES, params, maintenance=True)
            yield from rows
            if len(rows) < _ENTRIES_AT_ONCE:
                return
            after_offset = rows[-1][1]

    def _page(self, wanted: StatementFilter) -> list[ArchivedStatement]:
        sql, params = _select(wanted)
        return self._statements(self._engine.query(sql, params, as_bytes=("authority", "raw")))

    def _statements(self, rows: Sequence[tuple[Any, ...]]) -> list[ArchivedStatement]:
        ids = [row[0] for row in rows]
        voided = {row[0] for row in self._engine.query(_VOIDED, {"ids": ids})} if ids else set()
        # A voiding statement cannot be voided itself (xAPI 1.0.3 Data 2.3.2).
        return [ArchivedStatement._make((*row[:9], row[0] in voided and not row[9])) for row in rows]

    def _read_high_water(self, partition: int) -> int:
        found = [self._engine.query(sql, {"partition": partition})[0] for sql in (_OWN_HIGH_WATER, _TALLY_HIGH_WATER)]
        return max(int(last) if rows else -1 for last, rows in found)


def cursor_of(statement: ArchivedStatement) -> Cursor:
    """Where the page behind `statement` begins."""
    return Cursor(statement.stored_at_ms, statement.partition, statement.offset)


def _values(row: ArchiveRow) -> tuple[object, ...]:
    return (*row[:9], row.registration or NO_ID, row.target_id or NO_ID, *row[11:])


def _select(wanted: StatementFilter) -> tuple[str, dict[str, Any]]:
    conditions: list[str] = []
    params: dict[str, Any] = {"limit": wanted.limit}
    for name, value, condition in (
        ("actor", wanted.actor_key, "actor_key = {actor:String}"),
        ("verb", wanted.verb, "verb_id = {verb:String}"),
        ("activity", wanted.activity, "activity_id = {activity:String}"),
        ("registration", wanted.registration, "registration = {registration:FixedString(16)}"),
        ("since", wanted.since_ms, "stored_at > fromUnixTimestamp64Milli({since:Int64}, 'UTC')"),
        ("until", wanted.until_ms, "stored_at <= fromUnixTimestamp64Milli({until:Int64}, 'UTC')"),
    ):
        if value is not None:
            conditions.append(condition)
            params[name] = value
    if wanted.after is not None:
        conditions += _behind("> " if wanted.ascending else "< ")
        params |= {
            "at": wanted.after.stored_at_ms,
            "at_partition": wanted.after.partition,
            "at_offset": wanted.after.offset,
        }
    way = "ASC" if wanted.ascending else "DESC"
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    order = f"ORDER BY stored_at {way}, partition {way}, offset {way} LIMIT {{limit:UInt32}}"
    return f"{_READ}{where}{order}", params


def _behind(sign: str) -> list[str]:
    # The plain bound on stored_at lets the engine skip granules; the tuple alone does not.
    moment = "fromUnixTimestamp64Milli({at:Int64}, 'UTC')"
    return [
        f"stored_at {sign.strip()}= {moment}",
        f"(stored_at, partition, offset) {sign}({moment}, {{at_partition:UInt16}}, {{at_offset:UInt64}})",
    ]
