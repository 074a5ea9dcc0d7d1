"""Where is every statement? Asks the log and both stores of a running zone, until the sums come out or time is up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import orjson

from lrs.cli.probing import fetch
from lrs.kernel.errors import RetryError
from lrs.store.accounting import Balance, HopCounts, balance

if TYPE_CHECKING:
    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder

_ANSWER_SECONDS = 60.0
_AGAIN_SECONDS = 0.25
# Asking scans tables: no more than a tenth of the time, or the question slows what it asks about.
_REST_FACTOR = 9.0


class Accountant:
    """Reads the balance of a running zone; an async context manager that holds one connection to the broker."""

    def __init__(self, settings: Settings, folder: ZoneFolder, addresses: Mapping[str, str]) -> None:
        """`addresses` as in `run/zone.json`; the operator's token is read from the folder."""
        self._settings = settings
        self._addresses = addresses
        self._token = folder.operator_token.read_text("ascii").strip()
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        from producers.publisher import KafkaPublisher  # noqa: PLC0415 - 200 ms; the help text needs no Kafka client

        self._publisher = await self._exit.enter_async_context(
            KafkaPublisher(self._settings.broker, self._settings.zone.name)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    async def read(self, *, thorough: bool = True) -> Balance:
        """The balance now. What is on its way shows as a gap. Raises `RetryError` while a part is away.

        Not `thorough`: cheap enough to ask again and again, but blind to a row that was written twice.
        """
        asked = "" if thorough else "?thorough=0"
        # From the end of the way to its beginning, so that what moves meanwhile is only ever seen as not yet arrived.
        loader = HopCounts.from_json(await self._ask("board", f"/operator/tallies{asked}"))
        recorder = HopCounts.from_json(await self._ask("gateway", f"/operator/archive{asked}"))
        return balance(await self._publisher.log_ends(), recorder, loader)

    async def _ask(self, part: str, path: str) -> dict[str, Any]:
        try:
            status, body = await fetch(self._addresses[part] + path, _ANSWER_SECONDS, token=self._token)
        except (OSError, TimeoutError) as error:
            raise RetryError(f"the {part}", str(error) or type(error).__name__) from error
        if status != 200:
            raise RetryError(f"the {part}", f"{path} answered {status}")
        answer: dict[str, Any] = orjson.loads(body)
        return answer


class Read(Protocol):
    """`Accountant.read`."""

    def __call__(self, *, thorough: bool = True) -> Awaitable[Balance]:
        """The balance now."""
        ...


async def until(read: Read, done: Callable[[Balance], bool], wait_seconds: float) -> Balance | None:
    """Read cheaply until `done`, at most `wait_seconds`, then thoroughly; None if no part ever answered."""
    deadline = time.monotonic() + wait_seconds
    found: Balance | None = None
    while True:
        asked = time.monotonic()
        try:
            found = await read(thorough=False)
            if done(found) or time.monotonic() > deadline:
                return await read()
        except RetryError:
            if time.monotonic() > deadline:
                if found is None:
                    raise
                return found
        await asyncio.sleep(max(_AGAIN_SECONDS, _REST_FACTOR * (time.monotonic() - asked)))


def totals(found: Balance) -> dict[str, int]:
    """The balance in one number a name."""
    return {
        "received": found.received,
        "archived": found.archived,
        "refused": sum(found.refused.values()),
        "duplicate": found.duplicate,
        "published": found.published,
        "withheld": sum(found.withheld.values()),
        "loaded": found.loaded,
        "retracted": found.retracted,
    }
