"""What the tables of one hop hold, by partition, up to an offset: what its tallies are held against.

Every question is asked range by range or in sets of one bit an offset, so that ten million rows need no more memory
than a thousand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.kernel.errors import RetryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lrs.store.engine import Engine

RECORDER = "recorder"
LETTERS = "letters"
PROCESSOR = "processor"
LOADER = "loader"
HOPS = (RECORDER, LETTERS, PROCESSOR, LOADER)

_TABLES = {RECORDER: ("statements",), LOADER: ("activities", "retracted", "retractions")}
# What says of a source offset that it came through: facts that were taken out again have come through.
_PASSED = {RECORDER: ("statements",), LOADER: ("activities", "retracted")}
# Their sum is made of tallies (`letter_counts`), for people keep them as long as they like; but each is there once, by
# source and coordinates.
_LETTERS = {RECORDER: ("dead_letters",), LOADER: ()}
_FINAL = {"retracted": "retracted FINAL"}
# A fact on its way out is in two tables for a moment.
_STAYING = {"activities": "(partition, offset) NOT IN (SELECT partition, offset FROM retracted)"}
_BEFORE = "offset < if(partition < length({ends:Array(UInt64)}), {ends:Array(UInt64)}[partition + 1], {rest:UInt64})"
_WITHIN = "partition = {partition:UInt16} AND offset >= {first:UInt64} AND offset < {end:UInt64}"
_QUICK = "SELECT partition, count(), count() FROM {rows} GROUP BY partition ORDER BY partition"
_EXACT = "SELECT partition, count(), count() FROM {rows} WHERE {condition} GROUP BY partition ORDER BY partition"
# groupBitmap counts distinct numbers exactly, in one bit each where they are dense; uniqExact takes sixteen bytes.
_RANGE = 1 << 20
_BY_RANGE = """
SELECT partition, intDiv(offset, 1048576) AS range, count() AS rows, groupBitmap(offset) AS places
FROM {rows} WHERE {condition} GROUP BY partition, range
"""
_CHECKED = "SELECT partition, sum(rows), sum(places) FROM (__) GROUP BY partition ORDER BY partition".replace(
    "__", _BY_RANGE
)
_BROKEN = "SELECT partition, range FROM (__) WHERE rows != places ORDER BY partition, range LIMIT 100".replace(
    "__", _BY_RANGE
)
_LETTERS_BY_RANGE = """
SELECT source, partition, intDiv(offset, 1048576) AS range, count() AS rows, groupBitmap(offset) AS places
FROM dead_letters GROUP BY source, partition, range
"""
_LETTERS_CHECKED = "SELECT partition, sum(rows), sum(places) FROM (__) GROUP BY partition ORDER BY partition".replace(
    "__", _LETTERS_BY_RANGE
)
_LETTERS_BROKEN = (
    "SELECT source, partition, range FROM (__) WHERE rows != places ORDER BY source, partition, range LIMIT 100"
).replace("__", _LETTERS_BY_RANGE)
_HOUR = "intDiv(toUnixTimestamp64Milli(stored_at), 3600000) * 3600"
_DOUBLED = """
SELECT partition, offset, any({hour}), any(app), count() FROM {rows}
WHERE {condition} GROUP BY partition, offset HAVING count() > 1 ORDER BY offset LIMIT 1000
"""
_LETTERS_DOUBLED = _DOUBLED.replace("{rows}", "dead_letters").replace(
    "{condition}", "source = {source:String} AND {condition}"
)
_RETRACTED = "SELECT count() FROM retracted FINAL"
_WORDS = """
SELECT intDiv(offset, 64) AS word, groupBitOr(bitShiftLeft(toUInt64(1), bitAnd(offset, 63)))
FROM ({rows}) GROUP BY word ORDER BY word
"""
_OF_RECEIVED = "source = 'received'"
_PLACES_AT_ONCE = 10_000
_PLACES = "SELECT offset, {hour}, app FROM statements WHERE {condition} ORDER BY offset LIMIT 10000"
_ENTRIES = """
SELECT statement_id, partition, offset, digest FROM statements WHERE statement_id IN {ids:Array(FixedString(16))}
"""
_TRIES = 5

NO_END = 1 << 62
"""Behind every offset."""
LARGEST_WINDOW = 1 << 22
"""Most offsets that one call of `words` may span: 65,536 words."""


class Held(NamedTuple):
    """What a table holds of one partition: rows, and distinct (partition, offset). The two differ only by a defect."""

    rows: int
    places: int


class Doubled(NamedTuple):
    """Coordinates that are in a table more than once. `hour` in Unix seconds."""

    table: str
    partition: int
    offset: int
    hour: int
    app: str
    rows: int


Tables = dict[str, dict[int, Held]]


class Holdings:
    """The tables of one hop, `RECORDER` or `LOADER`."""

    def __init__(self, engine: Engine, hop: str) -> None:
        self._engine = engine
        self._hop = hop

    def quick(self) -> Tables:
        """Rows of each table, from its projection: next to nothing at any size; facts that are leaving count twice."""
        return {table: self._held(_QUICK, table) for table in (*_TABLES[self._hop], *_LETTERS[self._hop])}

    def passed(self, ends: Mapping[int, int]) -> Tables:
        """Rows before `ends[partition]`; none of a partition that is not in it."""
        return self._steady(lambda: {table: self._held(_EXACT, table, ends, 0) for table in _TABLES[self._hop]})

    def exact(self, ends: Mapping[int, int]) -> Tables:
        """Rows before `ends[partition]`: what an account that goes up to there must come to, whatever came since.

        All rows of a partition that is not in it: nobody has accounted for them.
        """
        found = self._steady(lambda: {table: self._held(_EXACT, table, ends) for table in _TABLES[self._hop]})
        return found | {table: self._held(_QUICK, table) for table in _LETTERS[self._hop]}

    def checked(self, ends: Mapping[int, int]) -> Tables:
        """`exact`, with the distinct coordinates: the check that nothing was written twice, 0.2 s per million rows."""
        found = self._steady(lambda: {table: self._held(_CHECKED, table, ends) for table in _TABLES[self._hop]})
        return found | {table: self._held(_LETTERS_CHECKED, table) for table in _LETTERS[self._hop]}

    def doubled(self) -> list[Doubled]:
        """Coordinates that are in a table more than once, the first thousand of each range of a million offsets."""
        rows = [found for table in _TABLES[self._hop] for found in self._doubled(table)]
        return rows + [found for _ in _LETTERS[self._hop] for found in self._doubled_letters()]

    def words(self, partition: int, first: int, end: int) -> list[tuple[int, int]]:
        """Which offsets from `first` up to `end` have a row: (number, 64 bits), lowest bit first; empty ones left out.

        Facts that were retracted have one.
        """
        tables = (f"SELECT offset FROM {table} WHERE {_WITHIN}" for table in _PASSED[self._hop])  # noqa: S608 - fixed names
        return self._words(" UNION ALL ".join(tables), partition, first, end)

    def letter_words(self, partition: int, first: int, end: int) -> list[tuple[int, int]]:
        """Which offsets of `received` there have a dead letter in the table, as `words`."""
        letters = f"SELECT offset FROM dead_letters WHERE {_OF_RECEIVED} AND {_WITHIN}"  # noqa: S608 - fixed
        return self._words(letters, partition, first, end)

    def places(self, partition: int, first: int, end: int) -> Iterator[tuple[int, int, str]]:
        """(offset, hour, app) of the archived statements there, in order."""
        sql = _PLACES.replace("{hour}", _HOUR).replace("{condition}", _WITHIN)
        while True:
            rows = self._ask(sql, {"partition": partition, "first": first, "end": end})
            yield from rows
            if len(rows) < _PLACES_AT_ONCE:
                return
            first = rows[-1][0] + 1

    def entries(self, ids: Sequence[bytes]) -> list[tuple[bytes, int, int, bytes]]:
        """(id, partition, offset, digest) of those of `ids` that are archived."""
        return self._engine.query(_ENTRIES.strip(), {"ids": list(ids)}) if ids else []

    def _words(self, offsets: str, partition: int, first: int, end: int) -> list[tuple[int, int]]:
        params = {"partition": partition, "first": first, "end": end}
        return [(int(word), int(bits)) for word, bits in self._ask(_WORDS.replace("{rows}", offsets), params)]

    def _held(
        self, template: str, table: str, ends: Mapping[int, int] | None = None, rest: int = NO_END
    ) -> dict[int, Held]:
        """`ends` None: the template has no condition. `rest` is the end of every other partition."""
        if ends is None:
            found = self._ask(template.replace("{rows}", _FINAL.get(table, table)), {})
        else:
            found = self._ask(_sql(template, table, _BEFORE), {"ends": before(ends, rest), "rest": rest})
        return {int(partition): Held(int(rows), int(places)) for partition, rows, places in found}

    def _doubled(self, table: str) -> Iterator[Doubled]:
        for partition, number in self._ask(_sql(_BROKEN, table), {}):
            where = {"partition": partition, "first": number * _RANGE, "end": (number + 1) * _RANGE}
            for row in self._ask(_sql(_DOUBLED, table, _WITHIN), where):
                yield Doubled(table, *row)

    def _doubled_letters(self) -> Iterator[Doubled]:
        for source, partition, number in self._ask(_LETTERS_BROKEN, {}):
            where = {"partition": partition, "first": number * _RANGE, "end": (number + 1) * _RANGE}
            sql = _LETTERS_DOUBLED.replace("{condition}", _WITHIN).replace("{hour}", _HOUR)
            for row in self._ask(sql, {**where, "source": source}):
                # Those of other topics are no offsets of `received`: so it is said which they are.
                yield Doubled("dead_letters" if source == "received" else f"dead_letters of {source}", *row)

    def _steady(self, read: Callable[[], Tables]) -> Tables:
        """Read while no fact moves from one table to the other, so that each is counted once."""
        if self._hop == RECORDER:
            return read()
        moved = self._ask(_RETRACTED, {})
        for _ in range(_TRIES):
            found = read()
            now = self._ask(_RETRACTED, {})
            if now == moved:
                return found
            moved = now
        raise RetryError("the facts", "retractions are being applied")

    def _ask(self, sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return self._engine.query(sql.strip(), params, maintenance=True)


def before(ends: Mapping[int, int], rest: int = 0) -> list[int]:
    """`ends` as the engine wants it: a number for each partition from 0, `rest` where there is none."""
    return [ends.get(partition, rest) for partition in range(max(ends, default=-1) + 1)]


def _sql(template: str, table: str, *conditions: str) -> str:
    condition = " AND ".join([*conditions, *([_STAYING[table]] if table in _STAYING else [])]) or "1"
    return (
        template.replace("{rows}", _FINAL.get(table, table)).replace("{condition}", condition).replace("{hour}", _HOUR)
    )
