"""Bearer tokens to access: by signature once, from memory until the token expires or the issuer's keys change."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from lrs.api.gateway.challenges import invalid_token
from lrs.api.gateway.issuer_keys import IssuerKeys
from lrs.api.gateway.key_sources import FileSource, KeySource, UrlSource, check_url
from lrs.api.gateway.tokens import TokenRules, read_head, read_token
from lrs.kernel.errors import StopError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrs.api.gateway.access import Access
    from lrs.kernel.settings import OidcSettings

_CACHED = 10_000


class _Known(NamedTuple):
    access: Access
    expires_at: float
    generation: int


class Bearer:
    """Belongs to one event loop."""

    def __init__(self, rules: TokenRules, keys: IssuerKeys, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix time in seconds."""
        self._rules = rules
        self._keys = keys
        self._clock = clock
        # Memory holds no token, only what nobody can turn back into one, or find one by.
        self._process_key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    def recall(self, token: bytes) -> Access | None:
        """The access of a token that was verified before and is still good: microseconds. None says nothing about it.

        Raises `RetryError` when the issuer has been away for too long.
        """
        digest = self._digest(token)
        known = self._known.get(digest)
        if known is None:
            return None
        self._keys.tend()
        if known.generation != self._keys.generation or known.expires_at <= self._clock():
            del self._known[digest]
            return None
        self._known.move_to_end(digest)
        return known.access

    async def verify(self, token: bytes) -> Access:
        """The access that a token gives. Raises a 401 or 403, or `RetryError` when the issuer's keys are not there."""
        head = read_head(token)
        keys = await self._keys.find(head.kid, head.algorithm)
        if len(keys) != 1:
            rule = "the token names a key that its issuer does not publish" if head.kid else "the token names no key"
            raise invalid_token(f"{rule} (kid)")
        verified = read_token(token, head, keys[0], self._rules)
        self._known[self._digest(token)] = _Known(*verified, self._keys.generation)
        if len(self._known) > _CACHED:
            self._known.popitem(last=False)
        return verified.access

    def close(self) -> None:
        """Fetch no more keys."""
        self._keys.close()

    def _digest(self, token: bytes) -> bytes:
        return blake2b(token, key=self._process_key, digest_size=32).digest()


def open_bearer(settings: OidcSettings) -> Bearer | None:
    """What the settings say; None without an issuer. Raises `StopError` when they contradict each other."""
    if not settings.issuer:
        return None
    check_url(settings.issuer, "AYUMI_OIDC__ISSUER")
    if not settings.audience:
        problem = "AYUMI_OIDC__AUDIENCE is empty: tokens that the issuer made for others would be taken"
        raise StopError(problem, remedy="Set it to what the issuer writes into `aud` for this record store.")
    keys = IssuerKeys(
        _source(settings),
        refresh_seconds=settings.refresh_seconds,
        refetch_seconds=settings.refetch_seconds,
        kept_seconds=settings.kept_seconds,
    )
    return Bearer(TokenRules.of(settings), keys)


def _source(settings: OidcSettings) -> KeySource:
    if settings.jwks_file is not None and not settings.jwks_url:
        return FileSource(settings.jwks_file)
    if settings.jwks_url and settings.jwks_file is None:
        return UrlSource(settings.jwks_url, settings.ca_file)
    problem = "an issuer needs either AYUMI_OIDC__JWKS_URL or AYUMI_OIDC__JWKS_FILE"
    raise StopError(problem, remedy="Set the one from which its signing keys are to be read.")
