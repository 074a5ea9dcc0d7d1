"""Reading the archive by id and page by page: nothing voided, nothing that another sent whom the reader may not see."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from lrs.kernel.errors import RetryError
from lrs.store.heads import Place
from lrs.store.referring import References
from lrs.store.selecting import (
    CONTENT,
    LITTLE,
    Content,
    Cursor,
    StatementFilter,
    direct,
    in_order,
    read_contents,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lrs.store.engine import Engine
    from lrs.store.referrers import Reference

_BY_IDS = f"SELECT {CONTENT} FROM statements WHERE statement_id IN {{ids:Array(FixedString(16))}} {LITTLE}"  # noqa: S608
_READ_AT_ONCE = 100
_LARGEST_PAGE_BYTES = 16 << 20
"""What of a page goes into memory at once; a page that would be larger ends sooner."""
_SELECT_SECONDS = 10.0
"""How long one page may take, however many look-ups it needs; each is bounded by the engine as well."""
_WIDEST = 2_000
_SPARE = 8


class ArchivedStatement(NamedTuple):
    """One statement as it is read back."""

    statement_id: bytes
    partition: int
    offset: int
    app: str
    stored_at_ms: int
    authority: bytes
    version: str
    raw: bytes
    voided: bool


class Page(NamedTuple):
    """Statements in the order of a list, and the cursor behind them if there are more."""

    statements: list[ArchivedStatement]
    after: Cursor | None


class Pages:
    """Reads the tables `statements` and `statement_references`."""

    def __init__(self, engine: Engine) -> None:
        """`engine` is the archive's, migrated."""
        self._engine = engine
        self._references = References(engine)

    def note_references(self, references: Iterable[Reference]) -> None:
        """See `Referrers.note`."""
        self._references.note(references)

    def by_ids(
        self, ids: Sequence[bytes], app: str | None = None, authority: bytes | None = None
    ) -> dict[bytes, ArchivedStatement]:
        """The statements of those ids that are archived, voided ones too.

        Only what `app` sent and what has that `authority`, if they are given.
        """
        if not ids:
            return {}
        # Who sent it is looked at here: one more column would make the look-up longer.
        found = [
            content
            for content in self._read(ids)
            if app in (None, content.head.place.app) and authority in (None, content.head.authority)
        ]
        voided = self._references.voided(content.head.place[3:] for content in found)
        statements = (_archived(content, voided=content.head.place.statement_id in voided) for content in found)
        return {statement.statement_id: statement for statement in statements}

    def page(self, filter: StatementFilter) -> Page:  # noqa: A002 - the field's own term
        """At most `limit` statements in order of (stored, partition, offset), newest first unless `ascending`.

        With those that meet the filter through what they refer to, without what is voided. A page never moves while
        statements arrive, since the order is that of coordinates that do not change. Raises `RetryError` when the
        answer takes too much time or memory.
        """
        try:
            return self._bounded(filter)
        except RetryError as error:
            detail = f"{error.detail}; a narrower filter may do: agent, registration, since and until"
            raise RetryError("this list", detail, after_seconds=5) from error

    def _bounded(self, wanted: StatementFilter) -> Page:
        contents: dict[bytes, Content] = {}
        # One more than asked for tells whether there are more.
        places = self._visible(wanted._replace(limit=wanted.limit + 1), contents)
        found, taken = self._statements(places[: wanted.limit], contents)
        return Page(found, cursor_of(places[taken - 1]) if taken < len(places) else None)

    def _visible(self, wanted: StatementFilter, contents: dict[bytes, Content]) -> list[Place]:
        """The first `limit` places of the list, however many voided statements lie between."""
        deadline = monotonic() + _SELECT_SECONDS
        found: list[Place] = []
        # A few more than asked for, where some may be voided: to look again takes as long as the first time.
        spare = min(_SPARE, wanted.limit) if self._references.are_any() else 0
        rest = wanted._replace(limit=wanted.limit + spare)
        while True:
            meeting = direct(self._engine, rest, contents)
            places = in_order([*meeting.places, *self._references.referring(rest, meeting, deadline)], rest)
            voided = self._references.voided(place[3:] for place in places)
            found += [place for place in places if place.statement_id not in voided]
            if len(places) < rest.limit or len(found) >= wanted.limit:
                return found[: wanted.limit]
            if monotonic() > deadline:
                raise RetryError("this list", "too many of its statements are voided")
            rest = rest._replace(after=cursor_of(places[-1]), limit=min(2 * rest.limit, _WIDEST))

    def _statements(
        self, places: Sequence[Place], contents: dict[bytes, Content]
    ) -> tuple[list[ArchivedStatement], int]:
        """The statements at those places, none of them voided, and of how many; not all, where they are very large.

        A reference is written before its statement, so there may be places without one, for a moment or after a crash.
        """
        found: list[ArchivedStatement] = []
        size = 0
        for start in range(0, len(places), _READ_AT_ONCE):
            some = places[start : start + _READ_AT_ONCE]
            missing = [place.statement_id for place in some if place.statement_id not in contents]
            if missing:
                contents.update((content.head.place.statement_id, content) for content in self._read(missing))
            for number, place in enumerate(some, start):
                content = contents.get(place.statement_id)
                if content is None:
                    continue
                size += len(content.raw)
                if size > _LARGEST_PAGE_BYTES and found:
                    return found, number
                found.append(_archived(content, voided=False))
        return found, len(places)

    def _read(self, ids: Iterable[bytes]) -> list[Content]:
        return read_contents(self._engine, _BY_IDS, {"ids": list(dict.fromkeys(ids))})


def cursor_of(statement: ArchivedStatement | Place) -> Cursor:
    """Where the page behind `statement` begins."""
    return Cursor(statement.stored_at_ms, statement.partition, statement.offset)


def _archived(content: Content, *, voided: bool) -> ArchivedStatement:
    (place, version, authority), raw = content
    stored_at_ms, partition, offset, statement_id, app, _ = place
    return ArchivedStatement(statement_id, partition, offset, app, stored_at_ms, authority, version, raw, voided=voided)
