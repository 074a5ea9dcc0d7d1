"""The issuer's signing keys over time: fetched, kept, fetched again when they age or a token names an unknown one.

The last good keys stay in use while the issuer is away, for a bounded time. Strangers can name any key: however many
tokens ask for unknown ones, the issuer is asked no more often than the settings say.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from lrs.api.gateway.key_set import KeySet, SigningKey, read_key_set
from lrs.kernel import metrics
from lrs.kernel.errors import RetryError
from lrs.kernel.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrs.api.gateway.key_sources import KeySource

_log = get_logger("gateway")
_fetched = metrics.GATEWAY_KEY_FETCHES.labels("fetched")
_failed = metrics.GATEWAY_KEY_FETCHES.labels("failed")


class IssuerKeys:
    """Belongs to one event loop. Times in seconds."""

    def __init__(
        self,
        source: KeySource,
        *,
        refresh_seconds: float,
        refetch_seconds: float,
        kept_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._refresh_seconds = refresh_seconds
        self._refetch_seconds = refetch_seconds
        self._kept_seconds = kept_seconds
        self._clock = clock
        self._keys = KeySet()
        self._fetched_at = float("-inf")
        self._next_fetch_at = float("-inf")
        self._away = False
        self._under_way: asyncio.Task[None] | None = None
        self.generation = 0
        """Moves whenever other keys are published: what was verified with the former ones is to be verified again."""

    def tend(self) -> None:
        """Fetch in the background once the keys have aged. Raises `RetryError` when they are too old to be used."""
        age = self._clock() - self._fetched_at
        if age > self._refresh_seconds:
            self._begin_fetch()
            if age > self._kept_seconds:
                raise self._unavailable()

    async def find(self, kid: str | None, algorithm: str) -> list[SigningKey]:
        """The published keys that fit a token's header; empty when the issuer publishes none.

        Raises `RetryError` when that cannot be known because the issuer is away.
        """
        found = await self._look(kid, algorithm)
        if not found:
            await self._fetch()
            found = await self._look(kid, algorithm)
        if not found and self._away:
            raise self._unavailable()
        return found

    def close(self) -> None:
        """Wait for nothing any more."""
        if self._under_way is not None:
            self._under_way.cancel()

    async def _look(self, kid: str | None, algorithm: str) -> list[SigningKey]:
        if self._clock() - self._fetched_at > self._kept_seconds:
            await self._fetch()
        self.tend()
        return self._keys.fitting(kid, algorithm)

    async def _fetch(self) -> None:
        """Wait for the fetch that is under way, or for one begun now if it is time for one."""
        self._begin_fetch()
        if self._under_way is not None:
            await asyncio.shield(self._under_way)

    def _begin_fetch(self) -> None:
        if self._under_way is None and self._clock() >= self._next_fetch_at:
            self._next_fetch_at = self._clock() + self._refetch_seconds
            self._under_way = asyncio.get_running_loop().create_task(self._replace())

    async def _replace(self) -> None:
        began = time.perf_counter()
        try:
            keys = await asyncio.to_thread(lambda: read_key_set(self._source.fetch()))
        except (OSError, ValueError) as error:
            self._away = True
            _failed.inc()
            _log.warning("issuer_keys_unavailable", error=str(error) or type(error).__name__)
        else:
            self._away = False
            self._fetched_at = self._clock()
            if {key.thumb for key in keys} != {key.thumb for key in self._keys}:
                self.generation += 1
            self._keys = keys
            _fetched.inc()
            metrics.EXPIRY_SECONDS.labels("issuer_keys").set(time.time() + self._kept_seconds)
            _log.info("issuer_keys_fetched", keys=len(keys), seconds=round(time.perf_counter() - began, 4))
        finally:
            self._under_way = None

    def _unavailable(self) -> RetryError:
        # What went wrong may name places inside the zone: that is for the log.
        detail = "the issuer does not give them" if self._away else "they are being fetched"
        return RetryError("the token issuer's signing keys", detail, after_seconds=self._refetch_seconds)
