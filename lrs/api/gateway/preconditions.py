"""If-Match and If-None-Match: what must hold of a document for a request to be carried out (xAPI Communication 3.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from lrs.api.gateway.answers import HttpError, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrs.store.registry.documents import Document

_ANY = frozenset({"*"})
# A tag in quotes, weak or not; or what some clients send, the bare SHA-1 that this store's tags are made of.
_TAG = re.compile(r'\s*(?:(?:W/)?"([\x21\x23-\x7e]*)"|([0-9A-Fa-f]{40}))\s*').fullmatch
_SECTION = "(xAPI Communication 3.1)"


class Preconditions(NamedTuple):
    """The ETags that the headers name, without quotes; {"*"} for any document, None without the header."""

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return self.match is not None or self.none_match is not None

    def check(self, document: Document | None) -> None:
        """Raise a 412 unless a change of `document`, None when there is none, may go on."""
        if self.match is not None and not _names(self.match, document):
            raise _failed("If-Match", "there is no such document" if document is None else "the document has changed")
        if self.none_match is not None and _names(self.none_match, document):
            raise _failed("If-None-Match", "there is such a document")

    def seen(self, document: Document) -> bool:
        """Whether who asks has this document already, as If-None-Match says."""
        return self.none_match is not None and _names(self.none_match, document)


def read_preconditions(headers: Mapping[bytes, bytes]) -> Preconditions:
    """What the headers say. Raises a 400 for one that is neither `*` nor a list of ETags."""
    return Preconditions(_tags("If-Match", headers), _tags("If-None-Match", headers))


def quoted(etag: str) -> bytes:
    """The value of the ETag header."""
    return b'"' + etag.encode() + b'"'


def _tags(name: str, headers: Mapping[bytes, bytes]) -> frozenset[str] | None:
    header = headers.get(name.lower().encode())
    if header is None:
        return None
    text = header.decode("latin-1").strip()
    if text == "*":
        return _ANY
    tags = [_TAG(item) for item in text.split(",")]
    found = {match[1] if match[2] is None else match[2].lower() for match in tags if match}
    if None in tags or "*" in found:
        raise bad_request(name, f'{name} is * or an ETag in double quotes, as GET gives it: "…" {_SECTION}')
    return frozenset(found)


def _names(tags: frozenset[str], document: Document | None) -> bool:
    return document is not None and (tags is _ANY or document.etag in tags)


def _failed(name: str, what: str) -> HttpError:
    rule = f"{what}, and nothing was changed: fetch it and decide again {_SECTION}"
    return HttpError(412, "precondition_failed", rule, path=name)
