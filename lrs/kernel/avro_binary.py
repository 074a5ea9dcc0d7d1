"""Avro's variable-length integers, for the records that are read and written by hand on the hot paths.

Source: Avro 1.12 specification, "Binary encoding": zigzag, then base 128 with the lowest digits first.
"""

from __future__ import annotations

from functools import lru_cache

_CACHED = 16_384
_LONGEST_SHIFT = 70


def long(value: int) -> bytes:
    """An int or a long."""
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


recurring_long = lru_cache(_CACHED)(long)
"""`long` of values that come again and again."""


@lru_cache(_CACHED)
def recurring_string(text: str) -> bytes:
    """A string that comes again and again."""
    raw = text.encode()
    return long(len(raw)) + raw


def read_long(value: bytes, at: int) -> tuple[int, int]:
    """The int or long at `at`, and where it ends. Raises `IndexError` at the end, `ValueError` for too long a one."""
    byte = value[at]
    number = byte & 0x7F
    shift = 7
    while byte > 0x7F:
        at += 1
        byte = value[at]
        number |= (byte & 0x7F) << shift
        shift += 7
        if shift > _LONGEST_SHIFT:
            raise ValueError(shift)
    return (number >> 1) ^ -(number & 1), at + 1
