"""What a store remembers of the log, and the archived statements that are to be put on it anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.store.dead_letters import HOPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lrs.store.engine import Engine
    from lrs.store.tallies import Tallies

_COUNTED = """
SELECT hop, partition, max(last_offset) FROM tallies WHERE operator = {operator:String} GROUP BY hop, partition
"""
_LAST = """
SELECT partition, max(offset), argMax(statement_id, offset) FROM statements GROUP BY partition ORDER BY partition
"""
_LETTERS = "SELECT source, partition, max(offset) FROM dead_letters GROUP BY source, partition"
_WINDOW = """
SELECT offset, statement_id, app, toUnixTimestamp64Milli(stored_at), raw FROM statements
WHERE partition = {partition:UInt16} AND offset >= {first:UInt64} AND offset < {end:UInt64} ORDER BY offset
"""
_HOUR = "intDiv(toUnixTimestamp64Milli(stored_at), 3600000) * 3600"
_ARCHIVED = f"""
SELECT app, {_HOUR} AS hour, 'archived', '', count() FROM statements
WHERE partition = {{partition:UInt16}} AND offset >= {{first:UInt64}} AND offset < {{end:UInt64}} GROUP BY app, hour
"""  # noqa: S608 - fixed text
_REFUSED = f"""
SELECT app, {_HOUR} AS hour, 'refused', reason, count() FROM dead_letters
WHERE source = 'received'
AND partition = {{partition:UInt16}} AND offset >= {{first:UInt64}} AND offset < {{end:UInt64}}
GROUP BY app, hour, reason
"""  # noqa: S608 - fixed text
# A statement is a kilobyte or so: a hundred megabytes at once.
WINDOW = 50_000


class ArchivedRow(NamedTuple):
    """A statement as `accepted` has it, in the order of its schema."""

    offset: int
    statement_id: bytes
    app: str
    stored_at_ms: int
    statement: bytes


class LastArchived(NamedTuple):
    """The archived statement of the highest offset of a partition."""

    offset: int
    statement_id: bytes


def counted(engine: Engine, tallies: Tallies) -> dict[str, dict[int, int]]:
    """For each hop, and each hop's own position, the last offset of each partition."""
    found: dict[str, dict[int, int]] = {}
    for hop, partition, last in engine.query(_COUNTED.strip(), {"operator": tallies.operator}):
        found.setdefault(hop, {})[partition] = last
    return found


def letters(engine: Engine) -> dict[str, dict[int, int]]:
    """For each hop of the letters the last offset of its source that is kept, whether it is counted yet or not."""
    found: dict[str, dict[int, int]] = {}
    for source, partition, last in engine.query(_LETTERS):
        found.setdefault(HOPS[source], {})[partition] = last
    return found


def last_archived(engine: Engine) -> dict[int, LastArchived]:
    """For each partition that has any."""
    rows = engine.query(_LAST.strip(), maintenance=True)
    return {partition: LastArchived(offset, bytes(statement_id)) for partition, offset, statement_id in rows}


def archived_after(engine: Engine, partition: int, first: int, end: int) -> Iterator[list[ArchivedRow]]:
    """The statements of a partition from offset `first` up to `end`, in order, some at a time."""
    for start in range(first, end, WINDOW):
        params = {"partition": partition, "first": start, "end": min(end, start + WINDOW)}
        rows = engine.query(_WINDOW.strip(), params, as_bytes=("raw",), maintenance=True)
        if rows:
            yield [ArchivedRow(*row) for row in rows]


def uncounted(engine: Engine, partition: int, first: int, end: int) -> list[tuple[str, int, str, str, int]]:
    """(app, hour, outcome, reason, count) of what the archive's tables hold from offset `first` up to `end`."""
    params: Mapping[str, Any] = {"partition": partition, "first": first, "end": end}
    found = [row for sql in (_ARCHIVED, _REFUSED) for row in engine.query(sql.strip(), params, maintenance=True)]
    return [(app, int(hour), outcome, reason, number) for app, hour, outcome, reason, number in found]
