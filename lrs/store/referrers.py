"""Who refers to which statement: in memory where this process alone writes the store, else asked each time.

Every read asks which of its statements are voided, and a list what refers to what it found. A look-up among ten million
statements takes 2 ms for one id and 5 for a hundred, as long again as what was asked for; here it takes none.
"""

from __future__ import annotations

import struct
import threading
from typing import TYPE_CHECKING, NamedTuple

from lrs.store.heads import Place
from lrs.store.selecting import PLACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lrs.store.engine import Engine
    from lrs.store.selecting import Parameters

_MOST = 200_000
"""How many references are kept, some 250 bytes each; where there are more, the table is asked."""
_AT_ONCE = 500
_SOME = "WHERE target_id IN {ids:Array(FixedString(16))}"
_SELECT = f"SELECT {PLACE}, target_id, authority_key FROM statement_references "  # noqa: S608 - a constant
_ANY = "SELECT 1 FROM statement_references LIMIT 1"
# stored_at_ms, partition, offset, statement_id, number of the app, is_voiding, authority_key
_PACKED = struct.Struct("<qHQ16sI?8s")


class Reference(NamedTuple):
    """One row of `statement_references`: the place of the statement that refers, and to what."""

    place: Place
    target_id: bytes
    authority_key: bytes


def read_references(engine: Engine, condition: str, params: Parameters) -> list[Reference]:
    """What a SELECT of references under `condition` finds, in its order."""
    return [Reference(Place._make(row[:6]), row[6], row[7]) for row in engine.query(f"{_SELECT}{condition}", params)]


class Referrers:
    """The references by what they refer to. One `Archive` of a process has it; any thread may ask."""

    def __init__(self, engine: Engine, *, most: int = _MOST) -> None:
        """`engine` is the archive's, migrated. Where it is embedded nobody else writes the table."""
        self._engine = engine
        self._most = most
        # Packed, since a named tuple takes three times the memory; nearly every target has one, and needs no set.
        self._known: dict[bytes, bytes | set[bytes]] = {}
        self._count = 0
        self._apps: list[str] = []
        self._numbers: dict[str, int] = {}
        self._are_any: bool | None = None
        self._is_complete = False
        self._fits = engine.is_embedded
        self._lock = threading.Lock()

    @property
    def kept(self) -> int:
        """How many are in memory."""
        return self._count

    def note(self, references: Iterable[Reference]) -> None:
        """Take those that are about to be written. Call it before they are."""
        if not self._fits:
            return
        with self._lock:
            for reference in references:
                self._keep(reference)
            if self._count > self._most:
                self._fits = False
                self._count = 0
                self._known.clear()

    def are_any(self) -> bool:
        """Whether there are references at all; in many zones there are not, and asking takes a millisecond."""
        if self._is_in_memory():
            return bool(self._known)
        known_empty = self._are_any is False and self._engine.is_unchanged("statement_references")
        if not self._are_any and not known_empty:
            self._are_any = bool(self._engine.query(_ANY))
        return bool(self._are_any)

    def to(self, targets: Sequence[bytes]) -> list[Reference]:
        """All that refer to one of the statements of those ids, in no order; one may be there twice."""
        if (found := self._in_memory(targets)) is not None:
            return [self._unpacked(target, packed) for target, packed in found]
        pieces = (list(targets[start : start + _AT_ONCE]) for start in range(0, len(targets), _AT_ONCE))
        return [one for ids in pieces for one in read_references(self._engine, _SOME, {"ids": ids})]

    def voided(self, apps: Mapping[bytes, str]) -> set[bytes]:
        """Which of the statements, each an id with its app, an app has voided that may: the one that sent it."""
        return {
            reference.target_id
            for reference in self.to(list(apps))
            if reference.place.is_voiding and apps[reference.target_id] == reference.place.app
        }

    def _is_in_memory(self) -> bool:
        if self._fits and not self._is_complete:
            # What was noted before this query is in memory, what is written after it will be noted.
            self.note(read_references(self._engine, "LIMIT {limit:UInt32}", {"limit": self._most + 1}))
            self._is_complete = True
        return self._fits

    def _in_memory(self, targets: Sequence[bytes]) -> list[tuple[bytes, bytes]] | None:
        """Each of them with what refers to it, packed; None if that is not in memory."""
        if not self._is_in_memory():
            return None
        found: list[tuple[bytes, bytes]] = []
        with self._lock:
            if not self._fits:
                return None
            for target in targets:
                known = self._known.get(target)
                if known is not None:
                    found += [(target, packed) for packed in ((known,) if isinstance(known, bytes) else known)]
        return found

    def _keep(self, reference: Reference) -> None:
        (stored_at_ms, partition, offset, statement_id, app, is_voiding), target_id, authority_key = reference
        number = self._numbers.get(app)
        if number is None:
            number = self._numbers[app] = len(self._apps)
            self._apps.append(app)
        packed = _PACKED.pack(stored_at_ms, partition, offset, statement_id, number, is_voiding, authority_key)
        kept = self._known.setdefault(target_id, packed)
        # What is written again after an error is noted again.
        if isinstance(kept, set):
            if packed in kept:
                return
            kept.add(packed)
        elif kept is not packed:
            if kept == packed:
                return
            self._known[target_id] = {kept, packed}
        self._count += 1

    def _unpacked(self, target_id: bytes, packed: bytes) -> Reference:
        stored_at_ms, partition, offset, statement_id, number, is_voiding, authority_key = _PACKED.unpack(packed)
        place = Place(stored_at_ms, partition, offset, statement_id, self._apps[number], is_voiding)
        return Reference(place, target_id, authority_key)
