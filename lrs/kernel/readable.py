"""Text of strangers made fit to be looked at: nothing invisible in it, and JSON on lines of its own.

For terminals and pages alike: a control character moves a cursor, a direction mark turns a line around.
"""

from __future__ import annotations

import re

_INDENT = "  "
# Deeper levels stand where the last one does: otherwise a few kilobytes of brackets become megabytes of spaces.
_DEEPEST = 20
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)
_SPACES = frozenset("\n\u3000\u00a0")
_CLOSING = {"{": "}", "[": "]"}


def visible(text: str) -> str:
    """`text`, with the escape of JSON for every character that cannot be seen; line ends and wide spaces stay."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in _SPACES else _escaped(one) for one in text)


def pretty(raw: bytes, most_bytes: int) -> tuple[str, int]:
    """JSON, indented and visible, and how many bytes were left out behind `most_bytes`.

    By its tokens: what is no JSON, cut off, nested a thousand levels or says a key twice is shown as it came.
    """
    text = raw[:most_bytes].decode("utf-8", "backslashreplace")
    left = max(0, len(raw) - most_bytes)
    if text.lstrip()[:1] not in _CLOSING:
        return visible(text), left
    return visible(_indented(_TOKEN.findall(text))), left


def _indented(pieces: list[str]) -> str:
    parts: list[str] = []
    depth = 0
    before = ""
    for piece in pieces:
        if piece in {"}", "]"}:
            depth = max(0, depth - 1)
            if _CLOSING.get(before) != piece:
                parts.append(_line(depth))
        elif before in {"{", "[", ","}:
            parts.append(_line(depth))
        parts.append(": " if piece == ":" else piece)
        if piece in _CLOSING:
            depth += 1
        before = piece
    return "".join(parts)


def _line(depth: int) -> str:
    return "\n" + _INDENT * min(depth, _DEEPEST)


def _escaped(one: str) -> str:
    number = ord(one)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
