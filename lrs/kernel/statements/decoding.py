"""What every part of a statement is read with: a decoder that refuses repeated keys, and a memory of what was learnt.

Whole parts repeat from statement to statement, so what was learnt of a valid part is kept by its bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import msgspec

from lrs.kernel.statements.explanations import explain, repeated_key

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
ShapeT = TypeVar("ShapeT")
LearntT = TypeVar("LearntT")


class Memory(dict[bytes, LearntT]):
    """What was learnt of parts, by their bytes: at most 16,384 of at most 2 KiB each, emptied when full.

    A quarter of that was too few for one district: its 7,400 items pushed each other out, 33 µs a statement against 25.
    """

    most = 16384
    longest = 2048

    def keep(self, raw: bytes, learnt: LearntT) -> LearntT:
        """Remember `learnt` for `raw`, and return it."""
        if len(raw) <= self.longest:
            if len(self) >= self.most:
                self.clear()
            self[raw] = learnt
        return learnt


def count_strings(text: bytes) -> int:
    """How many quotation marks of `text`, a JSON text, begin or end a string.

    Two JSON texts of the same value have the same count. Of a repeated key every fast decoder silently keeps the last,
    so a text that is read and written again has fewer strings if and only if a key was repeated.
    """
    if b'\\"' in text:
        text = text.replace(b"\\\\", b"")
        return text.count(b'"') - text.count(b'\\"')
    return text.count(b'"')


def read_number(text: str) -> float:
    """A number with a fraction or an exponent, for a decoder's `float_hook`. Raises `ValueError` for one too large.

    The decoder's own way takes up to 40 µs for numbers such as 1e-320, and lets no other thread run: a MiB of them in
    an extension held up everybody for seconds. This takes half a microsecond, and gives the same.
    """
    number = float(text)
    if math.isinf(number):
        msg = "Number out of range"
        raise ValueError(msg)
    return number


_encode = msgspec.json.Encoder().encode


def shape_of(decode: Callable[[bytes], ShapeT], raw: bytes, part: str) -> ShapeT:
    """`raw`, a statement's `part`, as `decode` reads it. Raises `RefusedError` for wrong types and repeated keys."""
    try:
        shape = decode(raw)
        if count_strings(raw) != count_strings(_encode(shape)):
            raise repeated_key(raw)
    except UNREADABLE as error:
        raise explain(raw, error, part=part) from error
    return shape
