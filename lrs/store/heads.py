"""The column `head`: what a reader needs of a row besides the statement, in one piece.

Each column that is opened makes a look-up by id 0.2 ms longer. The layout is that of migration `0003_add_relations`:
stored_at_ms, partition, offset, is_voiding, version and the app's length in bytes, a comma behind each, then the app
and the authority.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A statement in a list, without its content."""

    stored_at_ms: int
    partition: int
    offset: int
    statement_id: bytes
    app: str
    is_voiding: bool


class Head(NamedTuple):
    """What a head says; the id stands in a column of its own."""

    place: Place
    version: str
    authority: bytes


def write_head(place: Place, version: str, authority: bytes) -> bytes:
    """The column's value."""
    stored_at_ms, partition, offset, _, app, is_voiding = place
    name = app.encode()
    return b"%d,%d,%d,%d,%s,%d,%s%s" % (
        stored_at_ms,
        partition,
        offset,
        is_voiding,
        version.encode(),
        len(name),
        name,
        authority,
    )


def read_head(statement_id: bytes, head: bytes) -> Head:
    """What `write_head` wrote."""
    stored_at_ms, partition, offset, is_voiding, version, length, rest = head.split(b",", 6)
    end = int(length)
    app = rest[:end].decode()
    place = Place(int(stored_at_ms), int(partition), int(offset), statement_id, app, is_voiding == b"1")
    return Head(place, version.decode(), rest[end:])
