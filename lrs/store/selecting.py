"""Which statements a list holds, and in which order: filters as SQL, over the index that suits them. No StatementRef.

Rows come by one of two ways. `by_time` reads the newest of all in order and keeps what fits: right where much fits.
`by_key` looks the keys up, then sorts what it found: right where little does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.kernel.statements.relations import Condition, authority_key
from lrs.store.engine import EngineError
from lrs.store.heads import Head, Place, read_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrs.store.engine import Engine

# How many of the newest are looked through before the keys are looked up.
_NEWEST = 10_000
PLACE = "toUnixTimestamp64Milli(stored_at), partition, offset, statement_id, app, is_voiding"
CONTENT = "statement_id, head, raw"
CONTENT_BYTES = ("head", "raw")
LITTLE = "SETTINGS max_threads = 1, optimize_move_to_prewhere = 0"
"""For what touches little: more threads, and reading in two steps, take longer than they spare."""
_NARROW = ", max_threads = 1, query_plan_optimize_lazy_materialization = 0, use_skip_indexes_on_data_read = 0"
"""For lists of what is narrow, where the index leaves a few granules: looked up first it takes 1 ms less."""
# An index on time would have the engine take the table itself, and unpack a granule for every row.
BY_TIME = "SETTINGS preferred_optimize_projection_name = 'by_time', ignore_data_skipping_indices = 'by_moment'"
_MOMENT = "fromUnixTimestamp64Milli({%s:Int64}, 'UTC')"

# A page, one more, and some to spare for what is voided. What it says is read along with the keys, which costs a third
# of reading it afterwards, up to so many bytes; more than that is read piece by piece.
_MOST_CONTENTS = 520
_MOST_CONTENT_BYTES = 32 << 20
_TOO_MANY_BYTES = 396  # TOO_MANY_ROWS_OR_BYTES

Parameters = dict[str, Any]


class Content(NamedTuple):
    """A statement as it is kept."""

    head: Head
    raw: bytes


class Cursor(NamedTuple):
    """The place of one statement in the order of a list: the page after it begins behind it."""

    stored_at_ms: int
    partition: int
    offset: int


class StatementFilter(NamedTuple):
    """What to select; every condition is to be met. `since_ms` is exclusive, `until_ms` inclusive.

    `app`: only what this app sent; None: every app. `authority`: of that only what has this authority, as JSON.
    Source: xAPI 1.0.3 Communication 2.1.3.
    """

    conditions: tuple[Condition, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    limit: int = 100
    ascending: bool = False
    after: Cursor | None = None
    app: str | None = None
    authority: bytes | None = None


class Direct(NamedTuple):
    """What meets the conditions itself: at most `limit` places, in order, voided ones too.

    `ids` are those of all that does, whenever it was stored, where they came along; else None.
    """

    places: list[Place]
    ids: list[bytes] | None = None


class Table(NamedTuple):
    """A table that lists are made of: its name, and the condition that a row has an authority's key."""

    name: str
    has_authority: str


STATEMENTS = Table("statements", "has(relations, {authority:FixedString(8)})")
REFERENCES = Table("statement_references", "authority_key = {authority:FixedString(8)}")


def in_order(places: Sequence[Place], wanted: StatementFilter) -> list[Place]:
    """Each once, in the order of the list, at most `limit`."""
    return sorted(set(places), key=lambda place: place[:3], reverse=not wanted.ascending)[: wanted.limit]


def direct(engine: Engine, wanted: StatementFilter, contents: dict[bytes, Content]) -> Direct:
    """What meets the conditions itself. Where its content came along it is put into `contents`, by id."""
    if not wanted.conditions:
        return Direct(_places(engine, wanted, STATEMENTS.name, where(wanted, STATEMENTS)))
    if not is_narrow(wanted):
        found = _among_newest(engine, wanted)
        if len(found) == wanted.limit:
            return Direct(found)
    is_windowed = any(bound is not None for bound in (wanted.since_ms, wanted.until_ms, wanted.after))
    sql, params = where(wanted, STATEMENTS)
    keys, key_params = meets(wanted)
    condition = (f"{sql} AND {keys}" if sql else keys, params | key_params)
    if wanted.limit <= _MOST_CONTENTS:
        try:
            every = None if is_windowed or not is_narrow(wanted) else _with_all_contents(engine, wanted, contents)
            return every if every is not None else _with_contents(engine, wanted, condition, contents)
        except EngineError as error:
            if error.code != _TOO_MANY_BYTES:
                raise
    return Direct(_places(engine, wanted, STATEMENTS.name, condition))


def read_contents(engine: Engine, sql: str, params: Parameters) -> list[Content]:
    """What a SELECT of `CONTENT` finds, in its order."""
    rows = engine.query(sql, params, as_bytes=CONTENT_BYTES)
    return [Content(read_head(statement_id, head), raw) for statement_id, head, raw in rows]


def is_narrow(wanted: StatementFilter) -> bool:
    """Whether the keys leave little."""
    return any(condition.narrow for condition in wanted.conditions)


def where(wanted: StatementFilter, table: Table) -> tuple[str, Parameters]:
    """The conditions on sender, time and place in the list; empty if there is none."""
    parts, params = _sent_by(wanted, table)
    if wanted.since_ms is not None:
        parts.append(f"stored_at > {_MOMENT % 'since'}")
        params["since"] = wanted.since_ms
    if wanted.until_ms is not None:
        parts.append(f"stored_at <= {_MOMENT % 'until'}")
        params["until"] = wanted.until_ms
    if wanted.after is not None:
        parts += _behind(">" if wanted.ascending else "<")
        at, partition, offset = wanted.after
        params |= {"at": at, "at_partition": partition, "at_offset": offset}
    return " AND ".join(parts), params


def sent_by(wanted: StatementFilter, table: Table) -> tuple[str, Parameters]:
    """The conditions on the sender alone, to be appended."""
    parts, params = _sent_by(wanted, table)
    return "".join(f" AND {part}" for part in parts), params


def meets(wanted: StatementFilter) -> tuple[str, Parameters]:
    """The conditions on the keys; there is at least one."""
    parts: list[str] = []
    params: Parameters = {}
    for number, condition in enumerate(wanted.conditions):
        name = f"keys{number}"
        if len(condition.keys) == 1:
            parts.append(f"has(relations, {{{name}:FixedString(8)}})")
            params[name] = condition.keys[0]
        else:
            parts.append(f"hasAny(relations, {{{name}:Array(FixedString(8))}})")
            params[name] = list(condition.keys)
    return " AND ".join(parts), params


def order(wanted: StatementFilter) -> str:
    """The order of the list, and its length."""
    way = "ASC" if wanted.ascending else "DESC"
    return f"ORDER BY stored_at {way}, partition {way}, offset {way} LIMIT {{limit:UInt32}}"


def _sent_by(wanted: StatementFilter, table: Table) -> tuple[list[str], Parameters]:
    parts: list[str] = []
    params: Parameters = {}
    if wanted.app is not None:
        parts.append("app = {app:String}")
        params["app"] = wanted.app
    if wanted.authority is not None:
        parts.append(table.has_authority)
        params["authority"] = authority_key(wanted.authority)
    return parts, params


def _among_newest(engine: Engine, wanted: StatementFilter) -> list[Place]:
    """Those that are among the first of all in the list's order, whatever they are about."""
    sql, params = where(wanted, STATEMENTS)
    condition = f"WHERE {sql} " if sql else ""
    newest = order(wanted).replace("{limit:UInt32}", "{newest:UInt32}")
    keys, key_params = meets(wanted)
    columns = "stored_at, partition, offset, statement_id, app, is_voiding, relations"
    inner = f"(SELECT {columns} FROM statements {condition}{newest})"  # noqa: S608
    return _places(engine, wanted, inner, (keys, params | key_params | {"newest": _NEWEST}))


def _with_contents(
    engine: Engine, wanted: StatementFilter, condition: tuple[str, Parameters], contents: dict[bytes, Content]
) -> Direct:
    sql, params = condition
    limits = f"max_result_bytes = {_MOST_CONTENT_BYTES}{_NARROW if is_narrow(wanted) else ''}"
    text = f"SELECT {CONTENT} FROM statements WHERE {sql} {order(wanted)} SETTINGS {limits}"  # noqa: S608
    found = read_contents(engine, text, {**params, "limit": wanted.limit})
    contents.update((content.head.place.statement_id, content) for content in found)
    return Direct([content.head.place for content in found])


def _with_all_contents(engine: Engine, wanted: StatementFilter, contents: dict[bytes, Content]) -> Direct | None:
    """The same for what is narrow: often it is no more than this. None where too much of it is what others sent."""
    sql, params = meets(wanted)
    # Who sent it is in the head, and so is its place but for the time: each column less spares a tenth of the query.
    text = f"""
    SELECT {CONTENT} FROM statements WHERE {sql}
    ORDER BY stored_at {"ASC" if wanted.ascending else "DESC"} LIMIT {{limit:UInt32}} WITH TIES
    SETTINGS max_result_bytes = {_MOST_CONTENT_BYTES}{_NARROW}
    """  # noqa: S608
    found = read_contents(engine, text, {**params, "limit": _MOST_CONTENTS})
    own = [content for content in found if _is_sent_by(content.head, wanted)]
    is_all = len(found) < _MOST_CONTENTS
    if not is_all and len(own) < wanted.limit:
        return None
    own.sort(key=lambda content: content.head.place[:3], reverse=not wanted.ascending)
    places = [content.head.place for content in own]
    contents.update((content.head.place.statement_id, content) for content in own[: wanted.limit])
    return Direct(places[: wanted.limit], [place.statement_id for place in places] if is_all else None)


def _is_sent_by(head: Head, wanted: StatementFilter) -> bool:
    return wanted.app in (None, head.place.app) and wanted.authority in (None, head.authority)


def _places(engine: Engine, wanted: StatementFilter, source: str, condition: tuple[str, Parameters]) -> list[Place]:
    sql, params = condition
    filtered = f"WHERE {sql} " if sql else ""
    text = f"SELECT {PLACE} FROM {source} {filtered}{order(wanted)} {BY_TIME}"  # noqa: S608
    return [Place._make(row) for row in engine.query(text, {**params, "limit": wanted.limit})]


def _behind(sign: str) -> list[str]:
    # The plain bound on stored_at lets the engine skip granules; the tuple alone does not.
    moment = _MOMENT % "at"
    return [
        f"stored_at {sign}= {moment}",
        f"(stored_at, partition, offset) {sign} ({moment}, {{at_partition:UInt16}}, {{at_offset:UInt64}})",
    ]
