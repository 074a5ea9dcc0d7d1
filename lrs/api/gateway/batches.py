"""From a request body to valid statements; sizes and counts first, so that no body costs more than it may."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import msgspec

from lrs.api.gateway.answers import bad_request
from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements import Statement, XapiVersion, read_statement, read_statements

if TYPE_CHECKING:
    from collections.abc import Callable

# The commas of an array tell cheaply how many elements it can have. A valid statement brings three or more: with fewer
# than `_FEW` for each that is allowed it is read at once. With more than `_MANY` not even a list of its parts is made.
_FEW = 8
_MANY = 200
_SPACE = re.compile(r"[ \t\n\r]*")
_parts = msgspec.json.Decoder(list[msgspec.Raw]).decode


def is_multipart(header: bytes) -> bool:
    """Whether a request's body is multipart/mixed; False for JSON. Raises a 400 for anything else.

    (xAPI 1.0.3 Communication 1.5)
    """
    kind = header.partition(b";")[0].strip().lower()
    if kind == b"application/json":
        return False
    if kind == b"multipart/mixed":
        return True
    given = kind[:60].decode("ascii", "replace") or "nothing"
    rule = f"statements come as application/json or multipart/mixed, not {given} (xAPI Communication 1.5)"
    raise bad_request("Content-Type", rule)


class Limits(msgspec.Struct, frozen=True):
    """The most statements of a request, and the most bytes of one."""

    max_statements: int
    max_statement_bytes: int


def read_batch(body: bytes, version: XapiVersion, limits: Limits) -> tuple[list[Statement], bool]:
    """All statements of a POST, and whether they came as an array. Raises `RefusedError` when one of them is bad."""
    if _is_array(body):
        _check_count(body, limits.max_statements)
        statements = read_statements(body, version)
        _check_most(len(statements), limits.max_statements)
        for place, statement in enumerate(statements):
            _check_size(len(statement.raw), limits.max_statement_bytes, f"$[{place}]")
        return statements, True
    return [read_single(body, version, limits)], False


def read_single(body: bytes, version: XapiVersion, limits: Limits) -> Statement:
    """The one statement of a PUT."""
    _check_size(len(body), limits.max_statement_bytes, "$")
    return read_statement(body, version)


def count_statements(body: bytes) -> int:
    """How many statements a body that was refused holds, for the accounts: at least one."""
    if not _is_array(body) or body.count(b",") > 1_000_000:
        return 1
    return max(1, _count(body))


def _is_array(body: bytes) -> bool:
    return body[:64].lstrip()[:1] == b"["


def _check_size(size: int, most: int, path: str) -> None:
    if size > most:
        rule = f"a statement has at most {most} bytes, this one has {size} (AYUMI_GATEWAY__MAX_STATEMENT_KB)"
        raise RefusedError(Refusal.TOO_LARGE, rule, path=path)


def _check_count(body: bytes, most: int) -> None:
    """Raise `RefusedError` for more than `most` elements, whatever they are, without holding them all."""
    commas = body.count(b",")
    if commas > most * _MANY:
        _check_most(_count_until(body, most), most)
    elif commas > most * _FEW:
        _check_most(_count(body), most)


def _count(body: bytes) -> int:
    try:
        return len(_parts(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0  # told better where the statements are read


def _check_most(count: int, most: int) -> None:
    if count > most:
        rule = f"a request has at most {most} statements (AYUMI_GATEWAY__MAX_STATEMENTS)"
        raise RefusedError(Refusal.TOO_LARGE, rule)


def _count_until(body: bytes, most: int) -> int:
    """How many elements the array has, one after the other in memory; stops behind `most`, or at what is no JSON."""
    decode: Callable[[str, int], tuple[object, int]] = json.JSONDecoder().raw_decode
    count = 0
    try:
        text = body.decode("utf-8")
        at = _skip(text, text.index("[") + 1)
        while count <= most:
            _, at = decode(text, at)
            count += 1
            at = _skip(text, at)
            if text[at : at + 1] != ",":
                break
            at = _skip(text, at + 1)
    except (ValueError, RecursionError):
        pass
    return count


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
