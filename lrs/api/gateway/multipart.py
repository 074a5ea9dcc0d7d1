"""`multipart/mixed` (RFC 2046) as xAPI uses it: a body of parts in memory, taken apart without copying, or refused.

No library: those for forms demand a Content-Disposition, that for mail decodes and mends what has to be exact.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from lrs.api.gateway.answers import bad_request
from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECTION = "(RFC 2046 5.1.1)"
_BOUNDARY = re.compile(rb';\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s";]{1,70}))\s*(?=;|\Z)', re.IGNORECASE)
_AFTER_BOUNDARY = re.compile(rb"[ \t]*\r\n|--")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,80}):[ \t]*([^\r\n\x00]*)")
_MOST_PARTS = 1000
_MOST_HEADERS = 30
_MOST_HEADER_BYTES = 8192


class Part(NamedTuple):
    """Headers by lower-case name, and the bytes between the blank line and the next boundary."""

    headers: Mapping[bytes, bytes]
    content: memoryview


def boundary_of(content_type: bytes) -> bytes:
    """The boundary that a Content-Type header names. Raises a 400 without one."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise bad_request("Content-Type", f"multipart/mixed names its boundary, of 1 to 70 characters {_SECTION}")
    return found[1] or found[2]


def read_parts(body: bytes, boundary: bytes) -> list[Part]:
    """All parts in order; what is before the first boundary and behind the last does not count.

    Raises a 400 for a body that is not in this form to its end, `RefusedError` for too many parts.
    """
    delimiter = b"\r\n--" + boundary
    # The line end before the first boundary may be missing, if nothing else is before it.
    at = len(delimiter) - 2 if body.startswith(delimiter[2:]) else _behind(body, delimiter, 0)
    parts: list[Part] = []
    view = memoryview(body)
    while True:
        mark = _AFTER_BOUNDARY.match(body, at)
        if mark is None:
            raise bad_request("body", f"a boundary stands alone on its line {_SECTION}")
        if mark[0] == b"--":
            return parts
        if len(parts) >= _MOST_PARTS:
            raise _too_many()
        begin, at = mark.end(), _behind(body, delimiter, mark.end() - 2)
        parts.append(_part(body, view, begin, at - len(delimiter), len(parts)))


def untied(part: Part, boundary: bytes, number: int) -> list[Part]:
    """The parts that lie in one because no line end is before a boundary; where there is none, the part alone.

    Against the RFC, yet so do widespread client libraries (tincanjs 0.50, @xapi/xapi 3.0) behind an attachment. Only
    for a part that is not what its hash says: in one that is, these bytes are its own.
    """
    body = bytes(part.content)
    cuts = [found.span() for found in re.finditer(re.escape(b"--" + boundary + b"\r\n"), body)]
    if not cuts:
        return [part]
    if len(cuts) > _MOST_PARTS:
        raise _too_many()
    view = memoryview(body)
    ends = [begin for begin, _ in cuts[1:]] + [len(body)]
    inner = [_part(body, view, begin, end, number) for (_, begin), end in zip(cuts, ends, strict=True)]
    return [Part(part.headers, view[: cuts[0][0]]), *inner]


def _too_many() -> RefusedError:
    return RefusedError(Refusal.TOO_LARGE, f"a multipart body has at most {_MOST_PARTS} parts", path="body")


def _behind(body: bytes, delimiter: bytes, start: int) -> int:
    """Where the next boundary ends. The line end before it belongs to it, and may be that of the line before."""
    found = body.find(delimiter, start)
    if found < 0:
        raise bad_request(
            "body", f"a multipart body begins and ends with the boundary that its header names {_SECTION}"
        )
    return found + len(delimiter)


def _part(body: bytes, view: memoryview, begin: int, end: int, number: int) -> Part:
    name = f"body, part {number + 1}"
    if body.startswith(b"\r\n", begin):
        return Part({}, view[begin + 2 : end])
    blank = body.find(b"\r\n\r\n", begin, min(end + 2, begin + _MOST_HEADER_BYTES))
    if blank < 0:
        rule = f"a part is headers of at most {_MOST_HEADER_BYTES} bytes, a blank line and the content {_SECTION}"
        raise bad_request(name, rule)
    headers: dict[bytes, bytes] = {}
    for line in body[begin:blank].split(b"\r\n", _MOST_HEADERS - 1):
        header = _HEADER.fullmatch(line)
        if header is None or header[1].lower() in headers:
            raise bad_request(name, f"a part has at most {_MOST_HEADERS} headers, each on one line and once {_SECTION}")
        headers[header[1].lower()] = header[2].strip()
    return Part(headers, view[blank + 4 : end])
