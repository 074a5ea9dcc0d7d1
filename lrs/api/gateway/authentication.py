"""The Authorization header to access: HTTP Basic of an app's key and secret, or a bearer token of the issuer.

Both are answered from memory where they were verified before. A secret is checked by argon2id beside the event loop.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lrs.api.gateway.access import Access
from lrs.api.gateway.answers import HttpError
from lrs.api.gateway.challenges import challenge
from lrs.kernel import metrics

if TYPE_CHECKING:
    from lrs.api.gateway.bearer import Bearer
    from lrs.store.registry import Credential, Credentials

_THREADS = 4
_KEPT = 10_000
_cached = metrics.GATEWAY_CREDENTIAL_CHECKS.labels("cached")
_verified = metrics.GATEWAY_CREDENTIAL_CHECKS.labels("verified")
_failed = metrics.GATEWAY_CREDENTIAL_CHECKS.labels("failed")


class Authentication:
    """Belongs to one event loop."""

    def __init__(self, credentials: Credentials, bearer: Bearer | None = None) -> None:
        """Without `bearer` no token is taken."""
        self._credentials = credentials
        self._bearer = bearer
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="credentials")
        self._under_way: dict[tuple[str, str], asyncio.Task[Credential | None]] = {}
        self._access: dict[Credential, Access] = {}

    async def authenticate(self, header: bytes | None) -> Access:
        """Who sends an Authorization header. Raises a 401 or 403, or `RetryError` when it cannot be checked now."""
        if header is None:
            raise self._challenge("send the app's key and secret by HTTP Basic")
        scheme, _, value = header.partition(b" ")
        if scheme.lower() == b"basic":
            return await self._by_secret(*self._pair(value))
        if scheme.lower() == b"bearer" and self._bearer is not None:
            return await self._by_token(self._bearer, value.strip())
        raise self._challenge("the scheme is Basic" if self._bearer is None else "the scheme is Basic or Bearer")

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._bearer is not None:
            self._bearer.close()

    async def _by_secret(self, key: str, secret: str) -> Access:
        known = self._credentials.recall(key, secret)
        if known is not None:
            _cached.inc()
            return self._access_of(known)
        # An app that opens many connections at once sends the same pair on each: one check answers all of them.
        check = self._under_way.get((key, secret))
        if check is None:
            check = asyncio.get_running_loop().create_task(self._verify(key, secret))
            self._under_way[key, secret] = check
            check.add_done_callback(lambda _: self._under_way.pop((key, secret), None))
        found = await asyncio.shield(check)
        if found is None:
            _failed.inc()
            raise self._challenge("no such credential, or it is revoked")
        _verified.inc()
        return self._access_of(found)

    async def _by_token(self, bearer: Bearer, token: bytes) -> Access:
        known = bearer.recall(token)
        if known is not None:
            _cached.inc()
            return known
        try:
            access = await bearer.verify(token)
        except HttpError:
            _failed.inc()
            raise
        _verified.inc()
        return access

    async def _verify(self, key: str, secret: str) -> Credential | None:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._credentials.verify, key, secret)

    def _access_of(self, credential: Credential) -> Access:
        known = self._access.get(credential)
        if known is None:
            if len(self._access) >= _KEPT:
                self._access.clear()
            known = self._access[credential] = Access(credential)
        return known

    def _pair(self, value: bytes) -> tuple[str, str]:
        try:
            pair = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise self._challenge("Basic is followed by the base64 form of key:secret in UTF-8") from error
        key, colon, secret = pair.partition(":")
        if not colon:
            raise self._challenge("Basic is followed by the base64 form of key:secret")
        return key, secret

    def _challenge(self, rule: str) -> HttpError:
        return challenge(rule, tokens=self._bearer is not None)
