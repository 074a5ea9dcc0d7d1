"""Questions about the dead letters: the newest, one of them, how many of which kind, and those still to be replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.store.dead_letters import NO_ID, SOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrs.store.engine import Engine

_FIELDS = """source, partition, offset, statement_id, app, toUnixTimestamp64Milli(stored_at) AS stored_at_ms,
toUnixTimestamp64Milli(refused_at) AS refused_at_ms, reason, path, rule, original_bytes"""
_ONE = f"""
SELECT {_FIELDS}, original FROM dead_letters
WHERE source = {{source:String}} AND partition = {{partition:UInt16}} AND offset = {{offset:UInt64}} LIMIT 1
"""  # noqa: S608 - fixed names
_ORIGINALS = """
SELECT partition, offset, original FROM dead_letters
WHERE source = 'received' AND refused_at >= fromUnixTimestamp64Milli({first:Int64}, 'UTC')
AND refused_at <= fromUnixTimestamp64Milli({last:Int64}, 'UTC')
AND partition IN {partitions:Array(UInt16)} AND offset IN {offsets:Array(UInt64)}
"""
_REPLAYED = """
SELECT partition, offset, max(toUnixTimestamp64Milli(replayed_at)) FROM dead_letter_replays
WHERE partition IN {partitions:Array(UInt16)} AND offset IN {offsets:Array(UInt64)} GROUP BY partition, offset
"""
_BEHIND = """(toUnixTimestamp64Milli(refused_at), partition, offset, toString(source)) {sign}
({at:Int64}, {at_partition:UInt16}, {at_offset:UInt64}, {at_source:String})"""
_OPEN = "NOT (source = 'received' AND (partition, offset) IN (SELECT partition, offset FROM dead_letter_replays))"
_CONDITIONS = {
    "app": "app = {app:String}",
    "reason": "reason = {reason:String}",
    "since_ms": "refused_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')",
    "until_ms": "refused_at <= fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC')",
}
_COUNTED = {
    "reasons": "toString(reason)",
    "apps": "toString(app)",
    "hours": "toInt64(toUnixTimestamp(toStartOfHour(refused_at)))",
}
_MOST_KINDS = 200
_LARGEST_BATCH_BYTES = 16 << 20


class LetterPlace(NamedTuple):
    """Which record it was."""

    source: str
    partition: int
    offset: int


class LetterCursor(NamedTuple):
    """Behind which letter a list goes on."""

    refused_at_ms: int
    partition: int
    offset: int
    source: str


class LetterFilter(NamedTuple):
    """Which letters. Times of refusal in milliseconds since 1970 UTC, both included; `open_only`: not replayed yet."""

    app: str | None = None
    reason: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    open_only: bool = True


class Letter(NamedTuple):
    """One dead letter as it is read back; `original` is empty where it was not asked for."""

    source: str
    partition: int
    offset: int
    statement_id: bytes | None
    app: str
    stored_at_ms: int
    refused_at_ms: int
    reason: str
    path: str
    rule: str
    original_bytes: int
    original: bytes = b""
    replayed_at_ms: int | None = None

    @property
    def cursor(self) -> LetterCursor:
        """Where a list goes on behind it."""
        return LetterCursor(self.refused_at_ms, self.partition, self.offset, self.source)


class LetterCounts(NamedTuple):
    """How many letters of each kind, most first; by hour, Unix seconds, newest first. At most 200 kinds each."""

    total: int
    reasons: list[tuple[str, int]]
    apps: list[tuple[str, int]]
    hours: list[tuple[int, int]]


class LetterQueries:
    """Reads the dead letters of one archive. From any thread."""

    def __init__(self, engine: Engine) -> None:
        """`engine` is migrated."""
        self._engine = engine

    def newest(self, wanted: LetterFilter, limit: int, after: LetterCursor | None = None) -> list[Letter]:
        """At most `limit` letters without their originals, the latest refused first."""
        letters = self._listed(wanted, limit, after, newest_first=True)
        if wanted.open_only:
            return letters
        replayed = self._replayed(letters)
        return [one._replace(replayed_at_ms=replayed.get(one[:3])) for one in letters]

    def one(self, place: LetterPlace, app: str | None = None) -> Letter | None:
        """The letter of a record, with its original; None when there is none, or when it is not of `app`."""
        if place.source not in SOURCES:
            return None
        rows = self._engine.query(_ONE.strip(), place._asdict(), as_bytes=("original",))
        if not rows or (app is not None and rows[0][4] != app):
            return None
        letter = _letter(rows[0])
        return letter._replace(replayed_at_ms=self._replayed([letter]).get(letter[:3]))

    def counts(self, wanted: LetterFilter) -> LetterCounts:
        """How many of which reason, app and hour."""
        where, params = _where(wanted)
        found: dict[str, Any] = {}
        for name, kind in _COUNTED.items():
            order = "kind DESC" if name == "hours" else "number DESC, kind"
            sql = f"""SELECT {kind} AS kind, count() AS number FROM dead_letters {where}
            GROUP BY kind ORDER BY {order} LIMIT {_MOST_KINDS}"""  # noqa: S608 - fixed names
            found[name] = [(kind_, int(number)) for kind_, number in self._engine.query(sql, params)]
        # Reasons are a closed set: none of them is cut off.
        return LetterCounts(sum(number for _, number in found["reasons"]), **found)

    def to_replay(self, wanted: LetterFilter, limit: int, after: LetterCursor | None = None) -> list[Letter]:
        """At most `limit` letters of `received` in order of refusal, with originals; fewer where these are large."""
        listed = self._listed(wanted, limit, after, newest_first=False)
        some: list[Letter] = []
        size = 0
        for letter in listed:
            size += letter.original_bytes
            if some and size > _LARGEST_BATCH_BYTES:
                break
            some.append(letter)
        originals = self._originals([one for one in some if one.source == "received"])
        return [one._replace(original=originals.get((one.partition, one.offset), b"")) for one in some]

    def _listed(
        self, wanted: LetterFilter, limit: int, after: LetterCursor | None, *, newest_first: bool
    ) -> list[Letter]:
        where, params = _where(wanted)
        order = "DESC" if newest_first else "ASC"
        if after is not None:
            behind = _BEHIND.replace("{sign}", "<" if newest_first else ">")
            # The bare time first: it is what the table is ordered by.
            edge = "refused_at <= " if newest_first else "refused_at >= "
            where += f"{' AND ' if where else 'WHERE '}{edge}fromUnixTimestamp64Milli({{at:Int64}}, 'UTC') AND {behind}"
            params |= {
                "at": after.refused_at_ms,
                "at_partition": after.partition,
                "at_offset": after.offset,
                "at_source": after.source,
            }
        sql = f"""SELECT {_FIELDS} FROM dead_letters {where}
        ORDER BY refused_at {order}, partition {order}, offset {order}, toString(source) {order}
        LIMIT {{limit:UInt32}}"""  # noqa: S608 - fixed names
        return [_letter(row) for row in self._engine.query(sql, {**params, "limit": limit})]

    def _originals(self, letters: Sequence[Letter]) -> dict[tuple[int, int], bytes]:
        if not letters:
            return {}
        moments = [one.refused_at_ms for one in letters]
        params = {"first": min(moments), "last": max(moments), **_coordinates(letters)}
        rows = self._engine.query(_ORIGINALS.strip(), params, as_bytes=("original",))
        return {(partition, offset): original for partition, offset, original in rows}

    def _replayed(self, letters: Sequence[Letter]) -> dict[tuple[Any, ...], int]:
        """When the letters at those places were replayed, by (source, partition, offset)."""
        if not letters:
            return {}
        rows = self._engine.query(_REPLAYED.strip(), _coordinates(letters))
        return {("received", partition, offset): int(at) for partition, offset, at in rows}


def _where(wanted: LetterFilter) -> tuple[str, dict[str, Any]]:
    params = {name: value for name, value in wanted._asdict().items() if name in _CONDITIONS and value is not None}
    conditions = [_CONDITIONS[name] for name in params] + ([_OPEN] if wanted.open_only else [])
    return (f"WHERE {' AND '.join(conditions)}" if conditions else ""), params


def _coordinates(letters: Sequence[Letter]) -> dict[str, list[int]]:
    return {
        "partitions": sorted({one.partition for one in letters}),
        "offsets": sorted({one.offset for one in letters}),
    }


def _letter(row: tuple[Any, ...]) -> Letter:
    original = row[11] if len(row) > 11 else b""
    return Letter._make((*row[:3], None if row[3] == NO_ID else row[3], *row[4:11], original, None))
