"""How a POST changes a document that exists: JSON objects are merged, top level only (xAPI Communication 2.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from lrs.api.gateway.answers import HttpError, bad_request
from lrs.store.registry.documents import Content

if TYPE_CHECKING:
    from lrs.store.registry.documents import Document

_SECTION = "(xAPI Communication 2.2)"
_JSON = re.compile(r"application/json\s*(?:;.*)?", re.IGNORECASE).fullmatch
# The values stay the bytes that they are: no number loses a digit, no string its escapes.
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_value = msgspec.json.Decoder(msgspec.Raw).decode
_encode = msgspec.json.Encoder().encode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def merged(document: Document | None, posted: Content, most_bytes: int) -> Content:
    """What a POST makes of `document`. Raises a 400 for what cannot be merged, a 413 beyond `most_bytes`."""
    if document is None:
        if _JSON(posted.content_type):
            _check_json(posted.content)
        return posted
    if not _JSON(document.content_type):
        rule = f"the document is no application/json, so a POST cannot merge into it; PUT replaces it {_SECTION}"
        raise bad_request("Content-Type", rule)
    if not _JSON(posted.content_type):
        rule = f"into a JSON document a POST merges application/json and nothing else {_SECTION}"
        raise bad_request("Content-Type", rule)
    content = _encode(_object(document.content, "the document that exists") | _object(posted.content, "the body"))
    if len(content) > most_bytes:
        rule = f"a document has at most {most_bytes} bytes, also after a merge (AYUMI_GATEWAY__MAX_BODY_MB)"
        raise HttpError(413, "too_large", rule, path="body")
    return Content(document.content_type, content)


def _object(content: bytes, which: str) -> dict[str, msgspec.Raw]:
    try:
        content.decode()
        return _members(content)
    except _UNREADABLE as error:
        raise bad_request("body", f"{which} is no JSON object, so the two cannot be merged {_SECTION}") from error


def _check_json(content: bytes) -> None:
    try:
        content.decode()
        _value(content)
    except _UNREADABLE as error:
        raise bad_request("body", f"the body is no JSON, as Content-Type says it is {_SECTION}") from error
