"""HTTP Basic to a credential: from memory where it was verified before, else by argon2id beside the event loop."""

from __future__ import annotations

import asyncio
import base64
import binascii
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lrs.api.gateway.answers import unauthorized
from lrs.kernel import metrics

if TYPE_CHECKING:
    from lrs.store.registry import Credential, Credentials

_THREADS = 4
_cached = metrics.GATEWAY_CREDENTIAL_CHECKS.labels("cached")
_verified = metrics.GATEWAY_CREDENTIAL_CHECKS.labels("verified")
_failed = metrics.GATEWAY_CREDENTIAL_CHECKS.labels("failed")


class Authentication:
    """Belongs to one event loop."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="credentials")
        self._under_way: dict[tuple[str, str], asyncio.Task[Credential | None]] = {}

    async def authenticate(self, header: bytes | None) -> Credential:
        """The credential of an Authorization header. Raises a 401, or `RetryError` when too many checks wait."""
        key, secret = _pair(header)
        known = self._credentials.recall(key, secret)
        if known is not None:
            _cached.inc()
            return known
        # An app that opens many connections at once sends the same pair on each: one check answers all of them.
        check = self._under_way.get((key, secret))
        if check is None:
            check = asyncio.get_running_loop().create_task(self._verify(key, secret))
            self._under_way[key, secret] = check
            check.add_done_callback(lambda _: self._under_way.pop((key, secret), None))
        found = await asyncio.shield(check)
        if found is None:
            _failed.inc()
            raise unauthorized("no such credential, or it is revoked")
        _verified.inc()
        return found

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _verify(self, key: str, secret: str) -> Credential | None:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._credentials.verify, key, secret)


def _pair(header: bytes | None) -> tuple[str, str]:
    if header is None:
        raise unauthorized("send the app's key and secret by HTTP Basic")
    scheme, _, token = header.partition(b" ")
    if scheme.lower() != b"basic":
        raise unauthorized("the scheme is Basic")
    try:
        pair = base64.b64decode(token.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise unauthorized("Basic is followed by the base64 form of key:secret in UTF-8") from error
    key, colon, secret = pair.partition(":")
    if not colon:
        raise unauthorized("Basic is followed by the base64 form of key:secret")
    return key, secret
