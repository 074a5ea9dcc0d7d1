"""What a JWT access token must be and say (RFC 7519, RFC 8725, RFC 9068), and the access that it gives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import jwt

from lrs.api.gateway.access import Access, Account, Token
from lrs.api.gateway.challenges import insufficient_scope, invalid_token
from lrs.api.gateway.key_set import ALGORITHMS, SigningKey
from lrs.kernel.errors import StopError
from lrs.store.registry import Credential
from lrs.store.registry.credentials import APP_RULE, is_app_name
from lrs.store.registry.scopes import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrs.kernel.settings import OidcSettings

MAX_BYTES = 16 * 1024
_SHAPE = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+").fullmatch
_MAX_NAME = 255  # OpenID Connect Core 2: a `sub` has no more
# An access token, or what issuers from before RFC 9068 call it. A logout token, a proof of possession and the like have
# types of their own (RFC 8725 section 3.11).
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
# Everything that the library, or a number or nesting nobody meant, can raise while a stranger's token is read.
_UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)
_WRONG: dict[type[Exception], str] = {
    jwt.ExpiredSignatureError: "the token has expired (exp)",
    jwt.ImmatureSignatureError: "the token is not valid yet (nbf or iat)",
    jwt.InvalidAudienceError: "the token is meant for another audience (aud)",
    jwt.InvalidIssuerError: "the token is from another issuer (iss)",
    jwt.InvalidSignatureError: "the token's signature is not the issuer's",
}


class Head(NamedTuple):
    """What an unverified token says about its signature."""

    kid: str | None
    algorithm: str


class Verified(NamedTuple):
    """What a token gives, and until when (Unix time, seconds)."""

    access: Access
    expires_at: float


@dataclass(frozen=True, slots=True)
class TokenRules:
    """The operator's side of it: see `OidcSettings`."""

    issuer: str
    audience: str
    leeway_seconds: float
    app_claims: Sequence[str]
    apps: Mapping[str, str]
    scope_claim: str
    scope_prefix: str
    user_claim: str

    @classmethod
    def of(cls, settings: OidcSettings) -> TokenRules:
        """The rules that the settings say. Raises `StopError` when a pair of `apps` is none or names no app."""
        pairs = [pair.rpartition("=") for pair in settings.apps.split()]
        for client, _, app in pairs:
            if not client or not is_app_name(app):
                problem = f"AYUMI_OIDC__APPS: {client or app!r} is not followed by =app; {APP_RULE}"
                raise StopError(problem, remedy="Write client=app pairs with spaces between them.")
        return cls(
            issuer=settings.issuer,
            audience=settings.audience,
            leeway_seconds=settings.leeway_seconds,
            app_claims=settings.app_claims.split(),
            apps={client: app for client, _, app in pairs},
            scope_claim=settings.scope_claim,
            scope_prefix=settings.scope_prefix,
            user_claim=settings.user_claim,
        )


def read_head(token: bytes) -> Head:
    """The header of a token, within the allowed algorithms. Raises a 401."""
    if len(token) > MAX_BYTES or not _SHAPE(token):
        raise invalid_token(f"a token is a signed JWT of at most {MAX_BYTES} bytes (RFC 7519)")
    try:
        header = jwt.get_unverified_header(token)
    except _UNREADABLE as error:
        raise invalid_token("the token's header cannot be read (RFC 7515)") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise invalid_token(f"a token is signed with one of {', '.join(ALGORITHMS)} (alg)")
    if str(header.get("typ", "JWT")).lower() not in _TYPES:
        raise invalid_token("the token is not an access token (typ)")
    if "crit" in header or not (kid is None or isinstance(kid, str)):
        raise invalid_token("the token's header asks for what is not known here (crit or kid)")
    return Head(kid, algorithm)


def read_token(token: bytes, head: Head, key: SigningKey, rules: TokenRules) -> Verified:
    """The access that a token gives which `key` must have signed. Raises a 401, or a 403 when it has no scope."""
    try:
        claims = jwt.decode(
            token,
            key.key,
            algorithms=[head.algorithm],
            audience=rules.audience,
            issuer=rules.issuer,
            leeway=rules.leeway_seconds,
            options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
        )
        expires_at = float(claims["exp"]) + rules.leeway_seconds
    except _UNREADABLE as error:
        raise invalid_token(_what_is_wrong(error)) from error
    client, app = _app(claims, rules)
    credential = Credential(key="", app=app, scopes=_scopes(claims, rules), created_at_ms=0)
    return Verified(Access(credential, Token(_user(claims, client, rules), rules.scope_prefix)), expires_at)


def _what_is_wrong(error: Exception) -> str:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"the token lacks the claim {error.claim}"
    return _WRONG.get(type(error), "the token's claims cannot be read (RFC 7519)")


def _app(claims: Mapping[str, Any], rules: TokenRules) -> tuple[str, str]:
    """The client as the issuer names it, and the app it stands for."""
    client = next((claims[name] for name in rules.app_claims if claims.get(name)), None)
    if not isinstance(client, str):
        raise invalid_token(f"the token names no app (one of the claims {', '.join(rules.app_claims)})")
    app = rules.apps.get(client) if rules.apps else client
    if app is None:
        raise invalid_token("the token's app is not one of those that this record store serves (AYUMI_OIDC__APPS)")
    if not is_app_name(app):
        raise invalid_token(f"the token's app has no name that is known here: {APP_RULE} (AYUMI_OIDC__APPS)")
    return client, app


def _scopes(claims: Mapping[str, Any], rules: TokenRules) -> tuple[Scope, ...]:
    said = claims.get(rules.scope_claim, "")
    words = said.split() if isinstance(said, str) else said if isinstance(said, list) else []
    scopes = tuple(scope for scope in Scope if f"{rules.scope_prefix}{scope}" in words)
    if not rules.scope_prefix:
        # OpenID Connect Core 5.4: every sign-in asks for `profile`, and means the person's name and picture.
        scopes = tuple(scope for scope in scopes if scope != Scope.PROFILE)
    if not scopes:
        rule = f"the token has no scope of this record store (claim {rules.scope_claim})"
        raise insufficient_scope(rule, f"{rules.scope_prefix}{Scope.STATEMENTS_WRITE}")
    return scopes


def _user(claims: Mapping[str, Any], client: str, rules: TokenRules) -> Account | None:
    """The person, unless the app speaks for itself: then the issuer writes the client there (RFC 9068 section 2.2)."""
    name = claims.get(rules.user_claim) if rules.user_claim else None
    if name is None or name == client:
        return None
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= _MAX_NAME:
        raise invalid_token(f"the claim {rules.user_claim} has 1 to {_MAX_NAME} printable characters")
    return Account(rules.issuer, name)
