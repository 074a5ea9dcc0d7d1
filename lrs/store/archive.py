"""The archive: every statement the recorder took, by id, by actor, by time. Written once, never changed."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from lrs.kernel.statements.relations import authority_key, authority_relations, plain_relations
from lrs.store.definitions import Definitions
from lrs.store.heads import Place, write_head
from lrs.store.offsets import HighWaters
from lrs.store.pages import ArchivedStatement, Page, Pages, cursor_of
from lrs.store.referrers import Reference
from lrs.store.selecting import Cursor, StatementFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lrs.kernel.statements.definitions import Definition
    from lrs.store.engine import Engine

__all__ = ["Archive", "ArchiveRow", "ArchivedStatement", "Cursor", "Page", "StatementFilter", "cursor_of"]

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
    "head",
    "raw",
    "relations",
)
_REFERENCE_COLUMNS = (
    "target_id",
    "statement_id",
    "app",
    "authority_key",
    "stored_at",
    "partition",
    "offset",
    "is_voiding",
)
_OWN_HIGH_WATER = "SELECT max(offset), count() FROM statements WHERE partition = {partition:UInt16}"
_TALLY_HIGH_WATER = """
SELECT max(last_offset), count() FROM tallies WHERE hop = 'recorder' AND partition = {partition:UInt16}
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
    relations: bytes = b""
    """The keys of what it is about, joined; empty: only those that the other columns tell."""


class Archive:
    """The table `statements`, with those that are written along with it: references and activity definitions."""

    def __init__(self, engine: Engine) -> None:
        """`engine` is migrated."""
        self._engine = engine
        self._pages = Pages(engine)
        self.definitions = Definitions(engine)
        self._high_waters: HighWaters[ArchiveRow] = HighWaters(self._read_high_water, attrgetter("partition", "offset"))

    @property
    def engine(self) -> Engine:
        """What the archive's tables lie in."""
        return self._engine

    def high_water(self, partition: int) -> int:
        """The last offset of the partition that needs no archiving any more, read now; -1 when none.

        Ask on start, on assignment and after an error: `insert` skips by what was read last.
        """
        return self._high_waters.read(partition)

    def insert(self, rows: Sequence[ArchiveRow]) -> None:
        """Write rows, each partition's in offset order, as one part. Rows at or below the high-water are skipped.

        Raises `RetryError` when it is not known whether they were written; the same call is then safe.
        """
        with self._high_waters.fresh(rows) as fresh:
            # Before the statements: what is written twice after a crash does no harm, what is missing does.
            references = [_reference(row, row.target_id) for row in fresh if row.target_id is not None]
            self._pages.note_references(references)
            self._engine.insert("statement_references", _REFERENCE_COLUMNS, [_columns(one) for one in references])
            if fresh:
                self._engine.insert_columns("statements", _COLUMNS, _values(fresh))

    def learn_definitions(self, defined: Iterable[tuple[str, int, Sequence[Definition]]]) -> None:
        """Keep what statements, each an (app, stored_at_ms, definitions), say of activities; cheap where it is known.

        Call it before `insert`: then whoever sees a statement sees its definitions too. Raises as `insert` does.
        """
        self.definitions.learn(defined)

    def by_ids(
        self, ids: Sequence[bytes], app: str | None = None, authority: bytes | None = None
    ) -> dict[bytes, ArchivedStatement]:
        """See `Pages.by_ids`."""
        return self._pages.by_ids(ids, app, authority)

    def select(self, filter: StatementFilter) -> list[ArchivedStatement]:  # noqa: A002 - the field's own term
        """The statements of `page`."""
        return self.page(filter).statements

    def page(self, filter: StatementFilter) -> Page:  # noqa: A002 - the field's own term
        """See `Pages.page`."""
        return self._pages.page(filter)

    def index_entries(self, partition: int, after_offset: int) -> Iterator[tuple[bytes, int, bytes]]:
        """(id, offset, digest) of a partition's statements behind `after_offset`, in offset order."""
        while True:
            params = {"partition": partition, "after": after_offset, "limit": _ENTRIES_AT_ONCE}
            rows = self._engine.query(_ENTRIES, params, maintenance=True)
            yield from rows
            if len(rows) < _ENTRIES_AT_ONCE:
                return
            after_offset = rows[-1][1]

    def _read_high_water(self, partition: int) -> int:
        found = [self._engine.query(sql, {"partition": partition})[0] for sql in (_OWN_HIGH_WATER, _TALLY_HIGH_WATER)]
        return max(int(last) if rows else -1 for last, rows in found)


def _values(rows: Sequence[ArchiveRow]) -> list[Sequence[object]]:
    """The columns of `_COLUMNS`; column by column, which takes half the time of row by row."""
    found = zip(*rows, strict=True)
    ids, partitions, offsets, apps, stored, happened, actors, verbs, activities, registrations, targets, *rest = found
    voids, digests, authorities, versions, raws, relations = rest
    return [
        *(ids, partitions, offsets, apps, stored, happened, actors, verbs, activities),
        [one or NO_ID for one in registrations],
        [one or NO_ID for one in targets],
        voids,
        digests,
        list(map(write_head, stored, partitions, offsets, voids, apps, versions, authorities)),
        raws,
        relations if all(relations) else [row.relations or _plain_relations(row) for row in rows],
    ]


def _plain_relations(row: ArchiveRow) -> bytes:
    told = plain_relations(row.actor_key, row.verb_id, row.activity_id, row.registration)
    return told + authority_relations(row.authority, row.app)


def _place(row: ArchiveRow) -> Place:
    return Place(row.stored_at_ms, row.partition, row.offset, row.statement_id, row.app, row.is_voiding)


def _reference(row: ArchiveRow, target_id: bytes) -> Reference:
    return Reference(_place(row), target_id, authority_key(row.authority))


def _columns(reference: Reference) -> tuple[object, ...]:
    stored_at_ms, partition, offset, statement_id, app, is_voiding = reference.place
    whose = (reference.target_id, statement_id, app, reference.authority_key)
    return (*whose, stored_at_ms, partition, offset, is_voiding)
