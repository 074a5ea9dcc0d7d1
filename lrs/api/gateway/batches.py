"""From a request body to valid statements; sizes and counts first, so that no body costs more than it may."""

from __future__ import annotations

from functools import cache
from itertools import takewhile
from typing import TYPE_CHECKING

import msgspec

from lrs.api.gateway.answers import bad_request
from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements import Statement, XapiVersion, read_statement, read_statements
from lrs.kernel.statements.decoding import UNREADABLE
from lrs.kernel.statements.explanations import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NOTHING = msgspec.Raw()
"""Stands for every element that an array does not have."""


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
    if not _is_array(body):
        return [read_single(body, version, limits)], False
    most = limits.max_statements
    try:
        parts = _elements(body, most)
    except UNREADABLE as error:
        raise explain(body, error) from error
    if parts is None:
        rule = f"a request has at most {most} statements (AYUMI_GATEWAY__MAX_STATEMENTS)"
        raise RefusedError(Refusal.TOO_LARGE, rule)
    if len(body) > limits.max_statement_bytes:
        # Before anything is read: one element of 16 MiB, whatever is in it, takes ten seconds and half a gigabyte.
        for place, part in enumerate(parts):
            _check_size(len(memoryview(part)), limits.max_statement_bytes, f"$[{place}]")
    return read_statements(parts, version), True


def read_single(body: bytes, version: XapiVersion, limits: Limits) -> Statement:
    """The one statement of a PUT."""
    _check_size(len(body), limits.max_statement_bytes, "$")
    return read_statement(body, version)


def count_statements(body: bytes, most: int) -> int:
    """How many statements a body that was refused holds, for the accounts: at least one, at most one too many."""
    try:
        parts = _elements(body, most) if _is_array(body) else ()
    except UNREADABLE:
        return 1
    return most + 1 if parts is None else max(1, len(parts))


def _is_array(body: bytes) -> bool:
    return body[:64].lstrip()[:1] == b"["


def _check_size(size: int, most: int, path: str) -> None:
    if size > most:
        rule = f"a statement has at most {most} bytes, this one has {size} (AYUMI_GATEWAY__MAX_STATEMENT_KB)"
        raise RefusedError(Refusal.TOO_LARGE, rule, path=path)


def _elements(body: bytes, most: int) -> Sequence[msgspec.Raw] | None:
    """The elements of a JSON array, whatever they are; None if it has more than `most`.

    At the cost of the first `most`: 16 MiB of `1,` make a list of half a gigabyte. Raises `UNREADABLE`.
    """
    try:
        found = msgspec.structs.astuple(_at_most(most)(body))
    except msgspec.ValidationError:
        return None
    return tuple(takewhile(lambda part: part is not _NOTHING, found))


@cache
def _at_most(most: int) -> Callable[[bytes], msgspec.Struct]:
    """A decoder of arrays that gives up at the first element too many; those before are not copied."""
    elements = [(f"element{place}", msgspec.Raw, _NOTHING) for place in range(most)]
    kind = msgspec.defstruct("Elements", elements, array_like=True, forbid_unknown_fields=True)
    return msgspec.json.Decoder(kind).decode
