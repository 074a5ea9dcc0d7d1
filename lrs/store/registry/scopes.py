"""The scope words that a credential may carry (xAPI 1.0.3 Communication 4.2), and how a list of them is read."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable


class Scope(StrEnum):
    """Every scope word that is known here."""

    STATEMENTS_WRITE = "statements/write"
    STATEMENTS_READ_MINE = "statements/read/mine"  # what the same app wrote
    STATEMENTS_READ = "statements/read"  # what every app of the zone wrote
    STATE = "state"
    PROFILE = "profile"
    ALL_READ = "all/read"  # every app's statements and documents, nothing written
    ALL = "all"  # reads as all/read does; writes statements and documents as its own app


DEFAULT_SCOPES = (Scope.STATEMENTS_WRITE, Scope.STATEMENTS_READ_MINE, Scope.STATE, Scope.PROFILE)
"""What a credential may do that was made without naming scopes: write, and use what its own app wrote."""


def read_scopes(words: Iterable[str]) -> tuple[Scope, ...]:
    """The scopes that `words` name, each once, in the order of `Scope`. Raises `RefusedError` for an unknown word."""
    named = list(words)
    known = {scope.value for scope in Scope}
    for word in named:
        if word not in known:
            rule = f"{word[:80]!r} is not a scope; the scopes are {', '.join(Scope)}"
            raise RefusedError(Refusal.INVALID, rule, path="scope")
    return tuple(scope for scope in Scope if scope in named)
