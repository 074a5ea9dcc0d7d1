"""From a request body to valid statements; sizes and counts first, so that no body costs more than it may."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from lrs.api.gateway.answers import bad_request
from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements import Statement, XapiVersion, read_statement, read_statements

if TYPE_CHECKING:
    from collections.abc import Callable

# The commas of an array tell cheaply how many elements it can have. A valid statement brings three or more: with fewer
# than `_FEW` for each that is allowed the array is read at once.
_FEW = 8
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
        most = limits.max_statements
        if body.count(b",") > most * _FEW and _is_more(body, most):
            raise _too_many(most)
        if len(body) > limits.max_statement_bytes:
            _check_sizes(body, limits.max_statement_bytes)
        statements = read_statements(body, version)
        if len(statements) > most:
            raise _too_many(most)
        return statements, True
    return [read_single(body, version, limits)], False


def read_single(body: bytes, version: XapiVersion, limits: Limits) -> Statement:
    """The one statement of a PUT."""
    _check_size(len(body), limits.max_statement_bytes, "$")
    return read_statement(body, version)


def count_statements(body: bytes, most: int) -> int:
    """How many statements a body that was refused holds, for the accounts: at least one, at most one too many."""
    if not _is_array(body):
        return 1
    return most + 1 if _is_more(body, most) else max(1, len(_split(body)))


def _is_array(body: bytes) -> bool:
    return body[:64].lstrip()[:1] == b"["


def _check_size(size: int, most: int, path: str) -> None:
    if size > most:
        rule = f"a statement has at most {most} bytes, this one has {size} (AYUMI_GATEWAY__MAX_STATEMENT_KB)"
        raise RefusedError(Refusal.TOO_LARGE, rule, path=path)


def _check_sizes(body: bytes, most: int) -> None:
    """Before anything is read: one element of 16 MiB, whatever is in it, takes ten seconds and half a gigabyte."""
    for place, part in enumerate(_split(body)):
        _check_size(len(memoryview(part)), most, f"$[{place}]")


def _too_many(most: int) -> RefusedError:
    return RefusedError(Refusal.TOO_LARGE, f"a request has at most {most} statements (AYUMI_GATEWAY__MAX_STATEMENTS)")


def _split(body: bytes) -> list[msgspec.Raw]:
    """The elements of an array, none where it is no JSON: that is told better where the statements are read."""
    try:
        return _parts(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _is_more(body: bytes, most: int) -> bool:
    """Whether the array has more than `most` elements, whatever they are, at the cost of the first `most` of them."""
    if body.count(b",") < most:
        return False
    try:
        _at_most(most)(body)
    except msgspec.ValidationError:
        return True
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    return False


@cache
def _at_most(most: int) -> Callable[[bytes], object]:
    """A decoder of arrays that gives up at the first element too many; those before are neither copied nor made."""
    elements = [(f"element{place}", msgspec.Raw, msgspec.Raw()) for place in range(most)]
    kind = msgspec.defstruct("Elements", elements, array_like=True, forbid_unknown_fields=True)
    return msgspec.json.Decoder(kind).decode
