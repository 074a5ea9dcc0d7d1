"""Reads the envelope of a `received` record, compiled by hand: the general decoder takes three times as long.

The contract stays `avro/received.v*.avsc`. Whatever this does not recognise at once, an older version or a damaged
record, goes to the codec; a test holds both to the same answers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from lrs.kernel.avro_binary import read_long
from lrs.kernel.codec import ContractError, codec

if TYPE_CHECKING:
    from lrs.kernel.records import Received

_ENTRANCES = {0: "GATEWAY", 2: "SDK"}
_NULL, _SECOND = 0, 2  # branches of a union with null
_CACHED = 4096
ID_IN_VALUE = slice(10, 26)
"""Where the value of a `received` record has the statement's id."""


class Envelope(NamedTuple):
    """The fields of `lrs.kernel.records.Received`, in the schema's order."""

    statement_id: bytes
    app: str
    entrance: str
    xapi_version: str
    stored_at_ms: int | None
    authority: bytes | None
    statement: bytes


def read_envelope(value: bytes) -> Envelope:
    """The envelope in `value`. Raises `ContractError` when it is not a `received` record of this contract."""
    if value[:10] == _header():
        try:
            return _read(value)
        except (IndexError, ValueError, KeyError):
            pass
    record: Received = codec("received").decode(value)
    return Envelope(**record)


def id_of(value: bytes | None) -> bytes | None:
    """The statement id of a `received` record; None when the value is none."""
    try:
        return read_envelope(value or b"").statement_id
    except ContractError:
        return None


def _read(value: bytes) -> Envelope:
    # app, entrance and version are few different bytes among many records: looked up instead of decoded.
    entrance = 27 + (value[26] >> 1)
    at = entrance + 2 + (value[entrance + 1] >> 1)
    app, way, version = _sender(value[26:at])
    stored: int | None = None
    authority: bytes | None = None
    if value[at] == _SECOND:
        stored, at = read_long(value, at + 1)
    elif value[at] == _NULL:
        at += 1
    else:
        raise ValueError
    if value[at] == _SECOND:
        size, at = read_long(value, at + 1)
        if size < 0:
            raise ValueError
        authority = value[at : at + size]
        at += size
    elif value[at] == _NULL:
        at += 1
    else:
        raise ValueError
    size, at = read_long(value, at)
    if size < 0 or at + size != len(value):
        raise ValueError
    return Envelope(value[ID_IN_VALUE], app, way, version, stored, authority, value[at:])


@lru_cache(_CACHED)
def _sender(part: bytes) -> tuple[str, str, str]:
    size, at = read_long(part, 0)
    app = part[at : at + size].decode()
    way = _ENTRANCES[part[at + size]]
    length, at = read_long(part, at + size + 1)
    if size < 0 or length < 0 or at + length != len(part):
        raise ValueError
    return app, way, part[at:].decode()


@lru_cache(1)
def _header() -> bytes:
    return codec("received").header
