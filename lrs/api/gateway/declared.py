"""What statements declare as attachments, found again in their JSON, which was checked before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator


class Declared(msgspec.Struct, frozen=True):
    """An attachment as a statement describes it (xAPI 1.0.3 Data 2.4.11), as far as its bytes are concerned."""

    usageType: str  # noqa: N815 - the standard's name
    contentType: str  # noqa: N815
    sha2: str
    fileUrl: str = ""  # noqa: N815


class _Object(msgspec.Struct):
    attachments: list[Declared] = []


class _Statement(msgspec.Struct):
    object: _Object
    attachments: list[Declared] = []


_decode = msgspec.json.Decoder(_Statement).decode


def may_declare(text: bytes) -> bool:
    """Whether there may be attachments in a JSON text: searches, far cheaper than reading it.

    The key may be written with an escape; then there is one of a character below U+0100.
    """
    return b'attachments"' in text or (b"\\" in text and b"\\u00" in text)


def declared(raw: bytes) -> Iterator[tuple[str, Declared]]:
    """The attachments of a valid statement, those of its SubStatement too, with their JSON paths below `$`."""
    if not may_declare(raw):
        return
    statement = _decode(raw)
    for place, attachment in enumerate(statement.attachments):
        yield f".attachments[{place}]", attachment
    for place, attachment in enumerate(statement.object.attachments):
        yield f".object.attachments[{place}]", attachment
