"""What a credential may do: scope words (xAPI 1.0.3 Communication 4.2) to actions, and whose records it may see."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from lrs.api.gateway.challenges import insufficient_scope
from lrs.store.registry.scopes import DEFAULT_SCOPES, Scope

if TYPE_CHECKING:
    from lrs.store.registry import Credential


class Action(StrEnum):
    """What a request does, as an error names it."""

    STATEMENTS_WRITE = "write statements"
    STATEMENTS_READ = "read statements"
    STATE_READ = "read state documents"
    STATE_WRITE = "write state documents"
    PROFILE_READ = "read profile documents"
    PROFILE_WRITE = "write profile documents"
    DEFINITIONS = "read activities and agents"  # made from statements: whoever reads those reads these


_STATEMENT_READERS = frozenset({Scope.STATEMENTS_READ_MINE, Scope.STATEMENTS_READ, Scope.ALL_READ, Scope.ALL})
_ALLOWED_BY: dict[Action, frozenset[Scope]] = {
    Action.STATEMENTS_WRITE: frozenset({Scope.STATEMENTS_WRITE, Scope.ALL}),
    Action.STATEMENTS_READ: _STATEMENT_READERS,
    Action.STATE_READ: frozenset({Scope.STATE, Scope.ALL_READ, Scope.ALL}),
    Action.STATE_WRITE: frozenset({Scope.STATE, Scope.ALL}),
    Action.PROFILE_READ: frozenset({Scope.PROFILE, Scope.ALL_READ, Scope.ALL}),
    Action.PROFILE_WRITE: frozenset({Scope.PROFILE, Scope.ALL}),
    Action.DEFINITIONS: _STATEMENT_READERS,
}
_EVERY_STATEMENT = frozenset({Scope.STATEMENTS_READ, Scope.ALL_READ, Scope.ALL})
_EVERY_DOCUMENT = frozenset({Scope.ALL_READ, Scope.ALL})


class Account(NamedTuple):
    """A person as the token's issuer names them: the `account` of an Agent (xAPI 1.0.3 Data 2.4.2.4)."""

    home_page: str
    name: str


class Token(NamedTuple):
    """What a bearer token said beside app and scopes."""

    user: Account | None
    scope_prefix: str


@dataclass(frozen=True, slots=True)
class Access:
    """One authenticated caller. Made once a credential or token and kept: a request only looks things up in it."""

    credential: Credential
    token: Token | None = None
    """None for an app's own key and secret."""
    visible_app: str | None = field(init=False)
    """Whose statements, and what is made from them, may be read: None is every app of the zone, else only this one."""
    documents_app: str | None = field(init=False)
    """Whose documents may be read: None is every app of the zone, else only this one. Written ones are its own."""
    allowed: frozenset[Action] = field(init=False)

    def __post_init__(self) -> None:
        """Work out everything that the scopes say."""
        scopes = granted(self.credential.scopes)
        app = self.credential.app
        object.__setattr__(self, "visible_app", None if scopes & _EVERY_STATEMENT else app)
        object.__setattr__(self, "documents_app", None if scopes & _EVERY_DOCUMENT else app)
        object.__setattr__(self, "allowed", frozenset(one for one, by in _ALLOWED_BY.items() if scopes & by))

    def require(self, action: Action) -> None:
        """Raise a 403 that names the scopes which would do, unless the credential may do `action`."""
        if action in self.allowed:
            return
        sufficient = [scope.value for scope in Scope if scope in _ALLOWED_BY[action]]
        rule = f"to {action.value} a credential has one of the scopes {', '.join(sufficient)}"
        raise insufficient_scope(rule, f"{self.token.scope_prefix}{sufficient[0]}" if self.token else None)


def granted(words: tuple[str, ...]) -> frozenset[Scope]:
    """The scopes that a credential with `words` has: without any word the default ones.

    A word that is not known, as a later release may write it, gives nothing.
    """
    return frozenset(scope for scope in Scope if scope.value in words) if words else frozenset(DEFAULT_SCOPES)
