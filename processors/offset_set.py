"""Sets of offsets in one bit each: what came through a hop, whole topics of it in a few megabytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

_CHUNK_BITS = 16
_CHUNK = 1 << _CHUNK_BITS
_WORDS = _CHUNK // 64
_AS_WORDS = f"<{_WORDS}Q"

Range = tuple[int, int]
"""First and last offset, both included."""


class OffsetSet:
    """Offsets of one partition. 8 KiB for each 65,536 offsets of which there is any."""

    def __init__(self, offsets: Iterable[int] = ()) -> None:
        self._chunks: dict[int, bytearray] = {}
        for offset in offsets:
            self.add(offset)

    def add(self, offset: int) -> bool:
        """Put one in; whether it is new."""
        chunk = self._chunk(offset >> _CHUNK_BITS)
        place, bit = (offset & (_CHUNK - 1)) >> 3, 1 << (offset & 7)
        new = not chunk[place] & bit
        chunk[place] |= bit
        return new

    def add_word(self, number: int, bits: int) -> None:
        """Put in the offsets `64 * number` to `64 * number + 63` whose bits are set, the lowest first."""
        place = number % _WORDS * 8
        chunk = self._chunk(number // _WORDS)
        known = int.from_bytes(chunk[place : place + 8], "little")
        chunk[place : place + 8] = (known | bits).to_bytes(8, "little")

    def __contains__(self, offset: int) -> bool:
        chunk = self._chunks.get(offset >> _CHUNK_BITS)
        return chunk is not None and bool(chunk[(offset & (_CHUNK - 1)) >> 3] & 1 << (offset & 7))

    def __len__(self) -> int:
        return sum(_number(chunk).bit_count() for chunk in self._chunks.values())

    def without(self, *others: OffsetSet) -> OffsetSet:
        """Those that are in none of the others."""
        left = OffsetSet()
        for key, chunk in self._chunks.items():
            bits = _number(chunk)
            for other in others:
                bits &= ~_number(other._chunks.get(key, b""))  # noqa: SLF001 - its own kind
            if bits:
                left._chunks[key] = bytearray(bits.to_bytes(_CHUNK // 8, "little"))
        return left

    def between(self, first: int, end: int) -> OffsetSet:
        """Those from `first` up to `end`."""
        found = OffsetSet()
        for key, chunk in self._chunks.items():
            low, high = max(0, first - (key << _CHUNK_BITS)), min(_CHUNK, end - (key << _CHUNK_BITS))
            if low < high and (bits := _number(chunk) & ((1 << high) - (1 << low))):
                found._chunks[key] = bytearray(bits.to_bytes(_CHUNK // 8, "little"))
        return found

    def __iter__(self) -> Iterator[int]:
        for key in sorted(self._chunks):
            # Word by word: clearing one bit of a whole chunk would copy it.
            for number, word in enumerate(struct.unpack(_AS_WORDS, self._chunks[key])):
                bits = word
                while bits:
                    low = bits & -bits
                    yield (key << _CHUNK_BITS) + number * 64 + low.bit_length() - 1
                    bits ^= low

    def _chunk(self, key: int) -> bytearray:
        chunk = self._chunks.get(key)
        if chunk is None:
            chunk = self._chunks[key] = bytearray(_CHUNK // 8)
        return chunk


def ranges(offsets: Iterable[int]) -> list[Range]:
    """Ascending offsets as ranges."""
    found: list[Range] = []
    for offset in offsets:
        if found and found[-1][1] == offset - 1:
            found[-1] = found[-1][0], offset
        else:
            found.append((offset, offset))
    return found


def _number(chunk: bytes | bytearray) -> int:
    return int.from_bytes(chunk, "little")
