"""Statements whose object is a StatementRef: who voids whom, and which a filter finds through what they refer to.

A statement that refers to one which meets the filters meets them too, and so on (xAPI 1.0.3 Communication 2.1.3); time
and length of the list count for the referring statement only. What is referred to may be voided, or not be there yet.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lrs.kernel.errors import RetryError
from lrs.kernel.statements.relations import authority_key
from lrs.store.engine import EngineError
from lrs.store.referrers import Reference, Referrers, read_references
from lrs.store.selecting import (
    REFERENCES,
    STATEMENTS,
    Cursor,
    Direct,
    StatementFilter,
    in_order,
    is_narrow,
    meets,
    order,
    sent_by,
    where,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lrs.store.engine import Engine
    from lrs.store.heads import Place

# Up to so many references it is cheaper to look at what each refers to than to look up all that meets the filter.
_FEW = 200
_AT_ONCE = 500
_MOST_TARGETS = 20_000
_TOO_MANY_TARGETS = 191  # SET_SIZE_LIMIT_EXCEEDED
_DEEPEST = 100
"""How many references are followed one after the other, where each costs a look-up."""


class References:
    """Reads the table `statement_references`."""

    def __init__(self, engine: Engine) -> None:
        """`engine` is the archive's, migrated."""
        self._engine = engine
        self._referrers = Referrers(engine)

    def note(self, references: Iterable[Reference]) -> None:
        """See `Referrers.note`."""
        self._referrers.note(references)

    def are_any(self) -> bool:
        """Whether there are references at all."""
        return self._referrers.are_any()

    def voided(self, statements: Iterable[tuple[bytes, str, bool]]) -> set[bytes]:
        """Which of the statements, each an (id, app, is_voiding), are voided.

        A voiding statement counts where it was sent by the app whose statement it names: nobody else may take that back
        (xAPI 1.0.3 Data 2.3.2 leaves to the record store who may). It cannot be voided itself.
        """
        apps = {statement_id: app for statement_id, app, is_voiding in statements if not is_voiding}
        return self._referrers.voided(apps) if apps and self.are_any() else set()

    def referring(self, wanted: StatementFilter, direct: Direct, deadline: float) -> list[Place]:
        """The places, in order, at most `limit`, of those that meet the filters through what they refer to.

        `direct` is what meets them itself; behind a full page of it nothing is looked for.
        """
        if not wanted.conditions or not self.are_any():
            return []
        if len(direct.places) == wanted.limit:
            last = direct.places[-1].stored_at_ms
            if wanted.ascending:
                wanted = wanted._replace(until_ms=_least(wanted.until_ms, last))
            else:
                wanted = wanted._replace(since_ms=_most(wanted.since_ms, last - 1))
        if not is_narrow(wanted):
            references = self._references(wanted._replace(limit=_FEW + 1))
            if len(references) <= _FEW:
                return self._that_reach(references, wanted)
        try:
            first = self._referring_to(direct.ids, wanted) if direct.ids is not None else self._referring_met(wanted)
            return in_order(self._reaching(first, wanted, deadline), wanted)
        except EngineError as error:
            if error.code != _TOO_MANY_TARGETS:
                raise
        return in_order(list(self._one_by_one(wanted, deadline)), wanted)

    def _references(self, wanted: StatementFilter) -> list[Reference]:
        sql, params = where(wanted, REFERENCES)
        condition = f"WHERE {sql} " if sql else ""
        return self._read(f"{condition}{order(wanted)}", {**params, "limit": wanted.limit})

    def _reaching(self, level: set[Place], wanted: StatementFilter, deadline: float) -> list[Place]:
        """From `level` to what refers to it, to what refers to that, and so on; then those in the window."""
        found = set(level)
        while level:
            _in_time(deadline)
            level = self._referring_to([place.statement_id for place in level], wanted) - found
            found |= level
        return [place for place in found if _in_window(place, wanted)]

    def _referring_met(self, wanted: StatementFilter) -> set[Place]:
        """What refers to a statement that meets the filter.

        Raises `EngineError` of `_TOO_MANY_TARGETS` when more than that meets it.
        """
        keys, params = meets(wanted)
        sender, sender_params = sent_by(wanted, STATEMENTS)
        targets = f"(SELECT statement_id FROM statements WHERE {keys}{sender})"  # noqa: S608
        sender, _ = sent_by(wanted, REFERENCES)
        limit = f" SETTINGS max_rows_in_set = {_MOST_TARGETS}, set_overflow_mode = 'throw'"
        found = self._read(f"WHERE target_id IN {targets}{sender}{limit}", params | sender_params)
        return {reference.place for reference in found}

    def _referring_to(self, ids: Sequence[bytes], wanted: StatementFilter) -> set[Place]:
        authority = None if wanted.authority is None else authority_key(wanted.authority)
        return {
            reference.place
            for reference in self._referrers.to(ids)
            if wanted.app in (None, reference.place.app) and authority in (None, reference.authority_key)
        }

    def _read(self, condition: str, params: dict[str, object]) -> list[Reference]:
        return read_references(self._engine, condition, params)

    def _one_by_one(self, wanted: StatementFilter, deadline: float) -> Iterator[Place]:
        """References in the order of the list, until the page is full."""
        count, rest = 0, wanted._replace(limit=_AT_ONCE)
        while True:
            references = self._references(rest)
            for place in self._that_reach(references, wanted):
                count += 1
                yield place
            if len(references) < _AT_ONCE or count >= wanted.limit:
                return
            _in_time(deadline)
            rest = rest._replace(after=Cursor(*references[-1].place[:3]))

    def _that_reach(self, references: Sequence[Reference], wanted: StatementFilter) -> list[Place]:
        """Those that lead to a statement which meets the filter."""
        leads_to: dict[bytes, bytes] = {}
        meeting: set[bytes] = set()
        asked: set[bytes] = set()
        ask = {reference.target_id for reference in references}
        keys, params = meets(wanted)
        sender, sender_params = sent_by(wanted, STATEMENTS)
        sql = f"""
        SELECT statement_id, target_id, {keys} AS fits FROM statements
        WHERE statement_id IN {{ids:Array(FixedString(16))}}{sender}
        """  # noqa: S608
        for _ in range(_DEEPEST):
            if not ask:
                break
            asked |= ask
            for some in _pieces(list(ask)):
                for statement_id, target_id, fits in self._engine.query(sql, {**params, **sender_params, "ids": some}):
                    if fits:
                        meeting.add(statement_id)
                    else:
                        leads_to[statement_id] = target_id
            ask = {leads_to[one] for one in ask if one in leads_to and any(leads_to[one])} - asked
        return [one.place for one in references if _leads(one.target_id, leads_to, meeting)]


def _leads(start: bytes, leads_to: dict[bytes, bytes], meeting: set[bytes]) -> bool:
    """Whether following the references from `start` comes to one of `meeting`. They may lead in a circle."""
    seen: set[bytes] = set()
    while start not in meeting:
        if start in seen or start not in leads_to:
            return False
        seen.add(start)
        start = leads_to[start]
    return True


def _in_time(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise RetryError("this list", "too many statements refer to others; narrow the filter")


def _in_window(place: Place, wanted: StatementFilter) -> bool:
    if wanted.since_ms is not None and place.stored_at_ms <= wanted.since_ms:
        return False
    if wanted.until_ms is not None and place.stored_at_ms > wanted.until_ms:
        return False
    if wanted.after is None:
        return True
    return place[:3] > wanted.after if wanted.ascending else place[:3] < wanted.after


def _pieces(ids: Sequence[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield list(ids[start : start + _AT_ONCE])


def _least(one: int | None, other: int) -> int:
    return other if one is None else min(one, other)


def _most(one: int | None, other: int) -> int:
    return other if one is None else max(one, other)
