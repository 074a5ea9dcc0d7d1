"""One record of the topic `activity`, opened only as far as exactly-once and accounting need it.

Its fields go to the facts as they are, in the bytes in which they came: the engine reads Avro itself, in a fifth of the
time that decoding here and encoding for the engine would take (4 against 21 µs a row).
"""

from __future__ import annotations

from typing import NamedTuple

from lrs.kernel.avro_binary import read_long
from lrs.kernel.codec import ContractError, codec

_HEADER_BYTES = 10


class ActivityRecord(NamedTuple):
    """Where its statement lies in `received`, whose it is, when it was stored, its key; `datum`: the Avro datum."""

    partition: int
    offset: int
    app: str
    stored_at_ms: int
    statement_key: bytes
    datum: bytes


def read_activity_record(value: bytes) -> ActivityRecord:
    """The record in `value`, of any version. Raises `ContractError` when it is none.

    Of the newest version only the beginning is read: of a record that is cut off later the engine says so.
    """
    newest = codec("activity")
    if value[:_HEADER_BYTES] != newest.header:
        value = newest.encode(newest.decode(value))
    try:
        partition, at = read_long(value, _HEADER_BYTES)
        offset, at = read_long(value, at)
        size, at = read_long(value, at)
        app, at = value[at : at + size].decode(), at + size
        stored_at_ms, at = read_long(value, at)
    except (IndexError, ValueError) as error:
        msg = f"not an activity record: {type(error).__name__}"
        raise ContractError(msg) from error
    return ActivityRecord(partition, offset, app, stored_at_ms, value[at : at + 16], value[_HEADER_BYTES:])
