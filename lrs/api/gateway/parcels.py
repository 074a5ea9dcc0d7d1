"""A statement request with attachments as it comes (xAPI 1.0.3 Communication 1.5.2): the statements, and the files."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from lrs.api.gateway.answers import bad_request
from lrs.api.gateway.declared import Declared, declared
from lrs.api.gateway.multipart import Part, boundary_of, read_parts, untied
from lrs.api.gateway.signatures import check_signature
from lrs.kernel.statements.attachments import SIGNATURE
from lrs.kernel.statements.rules import broken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lrs.kernel.statements import Statement, XapiVersion

_SECTION = "(xAPI Communication 1.5.2)"
_HASH_HEADER = b"x-experience-api-hash"
_HASHES = {56: hashlib.sha224, 64: hashlib.sha256, 96: hashlib.sha384, 128: hashlib.sha512}
_LINE_END = b"\r\n"
_HEX = re.compile(rb"[0-9A-Fa-f]+").fullmatch


class Parcel(NamedTuple):
    """What a request brings. `files` are the attachments' bytes by their SHA-2 hash in lower-case hexadecimal."""

    statements: bytes
    files: Mapping[str, memoryview]


def read_parcel(content_type: bytes, body: bytes) -> Parcel:
    """A multipart/mixed body. Raises a 400 for one that is not built as xAPI says, or whose hashes do not fit."""
    boundary = boundary_of(content_type)
    parts = read_parts(body, boundary)
    if not parts or _kind(parts[0]) != b"application/json":
        raise bad_request("body, part 1", f"the first part holds the statements, as application/json {_SECTION}")
    files = dict(file for number, part in enumerate(parts[1:], 2) for file in _files(part, number, boundary))
    return Parcel(bytes(parts[0].content), files)


def check_files(
    statements: Sequence[Statement], files: Mapping[str, memoryview], version: XapiVersion, *, is_array: bool
) -> None:
    """Raise an error unless every attachment has its bytes or a fileUrl, and every file an attachment.

    A signature is checked besides: see `signatures`.
    """
    unused = set(files)
    for place, statement in enumerate(statements):
        below = f"$[{place}]" if is_array else "$"
        for path, attachment in declared(statement.raw):
            sha2 = attachment.sha2.lower()
            unused.discard(sha2)
            _check(attachment, files.get(sha2), statement, version, below + path)
    if unused:
        rule = f"each part behind the first is an attachment that a statement declares by its sha2 {_SECTION}"
        raise bad_request("X-Experience-API-Hash", rule)


def _check(
    attachment: Declared, content: memoryview | None, statement: Statement, version: XapiVersion, path: str
) -> None:
    if attachment.usageType == SIGNATURE:
        if content is None:
            raise broken(path, "a signature is sent as a part of the request, multipart/mixed", "Data 2.6")
        if ".object." not in path:
            check_signature(bytes(content), statement, version, path)
    elif content is None and not attachment.fileUrl:
        rule = "an attachment has a fileUrl, or a part of the multipart/mixed request whose hash is its sha2"
        raise broken(path, rule, "Communication 1.5.2")


def _kind(part: Part) -> bytes:
    return part.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()


def _files(part: Part, number: int, boundary: bytes) -> list[tuple[str, memoryview]]:
    """The part's file by its hash; several files where a client has not written their boundaries as it should."""
    name = f"body, part {number}"
    sha2, algorithm = _hash(part, name)
    digest = algorithm(part.content)
    if digest.hexdigest() == sha2:
        return [(sha2, part.content)]
    # A file that itself ends with the line end which is missing before the boundary: see `untied`.
    digest.update(_LINE_END)
    if digest.hexdigest() == sha2:
        return [(sha2, memoryview(bytes(part.content) + _LINE_END))]
    parts = untied(part, boundary, number)
    if len(parts) == 1:
        raise bad_request(name, f"X-Experience-API-Hash is not the hash of the part's content {_SECTION}")
    return [file for one in parts for file in _files(one, number, boundary)]


def _hash(part: Part, name: str) -> tuple[str, Callable[[memoryview], hashlib._Hash]]:
    """What the part says that its hash is, and how it is made."""
    coding = part.headers.get(b"content-transfer-encoding", b"").lower()
    if coding != b"binary":
        raise bad_request(name, f"the Content-Transfer-Encoding of an attachment is binary {_SECTION}")
    given = part.headers.get(_HASH_HEADER, b"")
    algorithm = _HASHES.get(len(given)) if _HEX(given) else None
    if algorithm is None:
        rule = f"the part of an attachment has its SHA-2 hash, hexadecimal, in X-Experience-API-Hash {_SECTION}"
        raise bad_request(name, rule)
    return given.lower().decode(), algorithm
