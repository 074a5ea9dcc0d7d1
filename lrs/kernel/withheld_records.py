"""Reads the record of a withheld statement, compiled by hand: the general decoder takes three times as long.

The contract stays `avro/withheld.v*.avsc`. Whatever this does not recognise at once, an older version or a damaged
record, goes to the codec; a test holds both to the same answers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from lrs.kernel.avro_binary import read_long
from lrs.kernel.codec import codec

if TYPE_CHECKING:
    from lrs.kernel.records import Withheld

_HEADER_BYTES, _KEY_BYTES = 10, 16
_NULL, _SECOND = b"\x00", b"\x02"  # branches of a union with null


def read_withheld_record(value: bytes | None) -> Withheld:
    """The record in `value`. Raises `ContractError` when it is none."""
    if value is not None and value[:_HEADER_BYTES] == codec("withheld").header:
        try:
            partition, at = read_long(value, _HEADER_BYTES)
            offset, at = read_long(value, at)
            app, stored_at_ms, reason, retracts = _rest(value[at:])
        except (IndexError, ValueError):
            pass
        else:
            return {
                "partition": partition,
                "offset": offset,
                "app": app,
                "stored_at_ms": stored_at_ms,
                "reason": reason,
                "retracts": retracts,
            }
    found: Withheld = codec("withheld").decode(value)
    return found


@lru_cache(4096)
def _rest(part: bytes) -> tuple[str, int, str, bytes | None]:
    """What the statements of a request, withheld for one reason, have in common to the byte."""
    app, at = _text(part, 0)
    stored_at_ms, at = read_long(part, at)
    reason, at = _text(part, at)
    branch, key = part[at : at + 1], part[at + 1 :]
    if (branch, len(key)) not in {(_NULL, 0), (_SECOND, _KEY_BYTES)}:
        raise ValueError
    return app, stored_at_ms, reason, key or None


def _text(part: bytes, at: int) -> tuple[str, int]:
    size, at = read_long(part, at)
    if size < 0 or at + size > len(part):
        raise ValueError
    return part[at : at + size].decode(), at + size
