"""Which entry of a language map suits an Accept-Language header best.

By RFC 9110 12.5.4 and RFC 4647, applied to each map by itself (xAPI 1.0.3 Communication 2.1.3).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

_RANGE = re.compile(
    r"\s*(\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9*]{1,8})*)\s*(?:;\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?"
)
_MOST_RANGES = 50


class _Wish(NamedTuple):
    range: str
    quality: float


class Languages:
    """The wishes of one header; what cannot be read of it is left out, and without any every language will do."""

    def __init__(self, header: str) -> None:
        """`header` as it was sent; empty if there was none."""
        matches = (_RANGE.fullmatch(part) for part in header.split(",")[:_MOST_RANGES])
        self._wishes = [_Wish(match[1].lower(), float(match[2] or 1)) for match in matches if match]

    def best(self, entries: Mapping[str, T]) -> dict[str, T]:
        """The one entry of a language map that suits best; an empty map stays empty."""
        if len(entries) < 2:
            return dict(entries)
        # Of equally good ones the first of the map: `max` keeps the first it sees.
        tag = max(entries, key=lambda tag: self._worth(tag.lower()))
        return {tag: entries[tag]}

    def _worth(self, tag: str) -> tuple[float, int, int]:
        """Quality, then which wish, then how near to it; whoever matches no wish but the general ones comes behind."""
        best: tuple[int, float, int, int] | None = None
        for number, wish in enumerate(self._wishes):
            nearness = _nearness(tag, wish.range)
            # The longest range that matches says how much a tag is wanted, be it that it is not wanted at all.
            if nearness and (best is None or nearness > best[0]):
                best = (nearness, wish.quality, -number, nearness)
        return best[1:] if best else (0.0, -_MOST_RANGES, 0)


def _nearness(tag: str, wished: str) -> int:
    """How well a range matches: not at all 0, by `*` 1, a broader tag than was asked 2, else the range's length + 2."""
    if wished == "*":
        return 1
    if tag == wished or tag.startswith(f"{wished}-"):
        return len(wished) + 2
    return 2 if wished.startswith(f"{tag}-") else 0
