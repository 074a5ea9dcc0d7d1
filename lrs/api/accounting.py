"""The operator's endpoints of one store for the accounting in depth: hours, offsets, coordinates, ids.

Each answers in bounded memory: a stretch of hours, a window of offsets, a page of ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.store.accounting import passed
from lrs.store.holdings import LARGEST_WINDOW, LETTERS, RECORDER, Holdings
from lrs.store.hours import Hours, hour_counts, partition_counts
from lrs.store.letter_counts import POSITION, letters_kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import Route

    from lrs.api.operator import OperatorGate
    from lrs.store.engine import Engine
    from lrs.store.tallies import Tallies

_LARGEST = 1 << 62
_LATEST_SECONDS = 4_102_448_400
_PLACES_AT_ONCE = 10_000
_IDS_AT_ONCE = 200
_OF_ARCHIVE = ("places", "passed", "ids", "letters", "letter_cells", "letter_offsets")


def accounting_routes(gate: OperatorGate, store: str, hop: str, *, engine: Engine, tallies: Tallies) -> list[Route]:
    """Below `/operator/<store>/` one for each method of `_Reports`; some of them only the archive can answer."""
    reports = _Reports(engine, tallies, hop)
    names = [
        "hours",
        "cells",
        "counted",
        "offsets",
        "doubled",
        *(_OF_ARCHIVE if hop == RECORDER else ()),
    ]
    return [gate.answering(f"/operator/{store}/{name}", getattr(reports, name)) for name in names]


class _Reports:
    """Each takes the query's parameters. Raises `RefusedError` naming the one that is not right."""

    def __init__(self, engine: Engine, tallies: Tallies, hop: str) -> None:
        self._engine = engine
        self._tallies = tallies
        self._hop = hop
        self._holdings = Holdings(engine, hop)

    def hours(self, query: Mapping[str, str]) -> dict[str, Any]:
        """`hours`: [hour of `stored` in Unix seconds, its cells], from `since` on."""
        return {"hours": self._tallies.hours(self._hop, _number(query, "since", 0, _LATEST_SECONDS))}

    def cells(self, query: Mapping[str, str]) -> dict[str, Any]:
        """`HourCounts` of the hours from `since` up to `until`."""
        return hour_counts(self._engine, self._tallies, self._hop, _hours(query), _ends(query, "passed")).to_json()

    def counted(self, query: Mapping[str, str]) -> dict[str, Any]:
        """`HourCounts` of `partition` from the hour `since` on, without rows."""
        partition, since = _number(query, "partition", 0, 65535), _number(query, "since", 0, _LATEST_SECONDS)
        return partition_counts(self._tallies, self._hop, partition=partition, since=since).to_json()

    def offsets(self, query: Mapping[str, str]) -> dict[str, Any]:
        """`words`: [number, 64 bits] of the offsets of `partition` from `first` up to `end` that have a row."""
        return {"words": self._holdings.words(*_window(query, LARGEST_WINDOW))}

    def doubled(self, _: Mapping[str, str]) -> dict[str, Any]:
        """`doubled`: coordinates that are in a table more than once."""
        return {"doubled": [list(found) for found in self._holdings.doubled()]}

    def places(self, query: Mapping[str, str]) -> dict[str, Any]:
        """`places`: [offset, hour, app] of the statements of `partition` from `first` up to `end`."""
        return {"places": list(self._holdings.places(*_window(query, _PLACES_AT_ONCE)))}

    def passed(self, query: Mapping[str, str]) -> dict[str, Any]:
        """`passed`: [partition, archived statements before `ends`]."""
        return {"passed": list(passed(self._engine, _ends(query, "ends")).items())}

    def letters(self, query: Mapping[str, str]) -> dict[str, Any]:
        """`letters`: [partition, dead letters kept of the records before `ends`]."""
        return {"letters": list(letters_kept(self._engine, self._tallies, _ends(query, "ends")).items())}

    def letter_cells(self, query: Mapping[str, str]) -> dict[str, Any]:
        """`HourCounts` of the letters kept, of the hours from `since` up to `until`."""
        return hour_counts(self._engine, self._tallies, LETTERS, _hours(query), {}).to_json()

    def letter_offsets(self, query: Mapping[str, str]) -> dict[str, Any]:
        """`words` of the letters that are there now; `position`: the offset of `refused` before which all were kept."""
        partition, first, end = _window(query, LARGEST_WINDOW)
        position = max(0, self._tallies.high_water(POSITION, partition))
        return {"words": self._holdings.letter_words(partition, first, end), "position": position}

    def ids(self, query: Mapping[str, str]) -> dict[str, Any]:
        """`ids`: [id, partition, offset, digest] of those of `ids`, hex, comma separated, that are archived."""
        rows = self._holdings.entries(_ids(query))
        return {"ids": [[number.hex(), partition, offset, digest.hex()] for number, partition, offset, digest in rows]}


def _number(query: Mapping[str, str], name: str, least: int, most: int) -> int:
    text = query.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        rule = f"parameter {name} must be an integer from {least} to {most}"
        raise RefusedError(Refusal.INVALID, rule)
    return int(text)


def _hours(query: Mapping[str, str]) -> Hours:
    since = _number(query, "since", 0, _LATEST_SECONDS)
    return Hours(since, _number(query, "until", since, _LATEST_SECONDS))


def _window(query: Mapping[str, str], most: int) -> tuple[int, int, int]:
    first = _number(query, "first", 0, _LARGEST)
    return _number(query, "partition", 0, 65535), first, _number(query, "end", first, first + most)


def _ends(query: Mapping[str, str], name: str) -> dict[int, int]:
    """Offsets, comma separated, one for each partition from 0."""
    words = [word for word in query.get(name, "").split(",") if word]
    return {number: _number({name: word}, name, 0, _LARGEST) for number, word in enumerate(words)}


def _ids(query: Mapping[str, str]) -> list[bytes]:
    try:
        found = [bytes.fromhex(word) for word in query.get("ids", "").split(",") if word]
    except ValueError:
        found = [b""]
    if len(found) > _IDS_AT_ONCE or any(len(number) != 16 for number in found):
        rule = f"parameter ids must be at most {_IDS_AT_ONCE} ids of 16 bytes in hex, comma separated"
        raise RefusedError(Refusal.INVALID, rule)
    return found
