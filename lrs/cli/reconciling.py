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
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.topics import Noun
from lrs.store.accounting import Balance, HopCounts, balance, unlike
from lrs.store.holdings import before

if TYPE_CHECKING:
    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder
    from processors.log_reader import LogReader

_ANSWER_SECONDS = 600.0
_AGAIN_SECONDS = 0.25
# Asking scans tables: no more than a tenth of the time, or the question slows what it asks about.
_REST_FACTOR = 9.0


class Accountant:
    """Reads the balance of a running zone; an async context manager that holds one connection to the broker."""

    def __init__(self, settings: Settings, folder: ZoneFolder, addresses: Mapping[str, str]) -> None:
        """`addresses`: the URLs of `gateway` and `board`; the operator's token is read from the folder."""
        self._settings = settings
        self._addresses = addresses
        try:
            self._token = folder.operator_token.read_text("ascii").strip()
        except OSError as error:
            problem = f"the operator's token cannot be read: {error.strerror or error}"
            raise StopError(
                problem, remedy="It is keys/operator.token in the folder of every part of a zone."
            ) from error
        self._exit = AsyncExitStack()
        self.log: LogReader

    async def __aenter__(self) -> Self:
        from processors.log_reader import LogReader  # noqa: PLC0415 - 200 ms; the help text needs no Kafka client

        self.log = await self._exit.enter_async_context(LogReader(self._settings.broker, self._settings.zone.name))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    async def read(self, *, thorough: bool = True) -> Balance:
        """The balance now. What is on its way shows as a gap that waits. Raises `RetryError` while a part is away.

        Not `thorough`: cheap enough to ask again and again, but blind to a row that was written twice.
        """
        loader, recorder, passed_by = await self.hops(thorough=thorough)
        kept = await self.kept(recorder.ends())
        return balance(await self.log.spans(Noun.RECEIVED), recorder, loader, passed_by, kept)

    async def hops(self, *, thorough: bool) -> tuple[HopCounts, HopCounts, dict[int, int] | None]:
        """What loader and recorder counted and hold, and how much of the archive the loader has passed, if asked."""
        asked = "" if thorough else "?thorough=0"
        # From the end of the way to its beginning, so that what moves meanwhile is only ever seen as not yet arrived.
        loader = HopCounts.from_json(await self.ask("board", f"/operator/tallies{asked}"))
        recorder = HopCounts.from_json(await self.ask("gateway", f"/operator/archive{asked}"))
        passed_by = None
        if unlike(recorder, loader):
            found = await self.ask("gateway", f"/operator/archive/passed?ends={listed(loader.ends())}")
            passed_by = dict(found["passed"])
        return loader, recorder, passed_by

    async def kept(self, ends: Mapping[int, int]) -> dict[int, int]:
        """How many dead letters were kept of the records before `ends`, which the recorder told a moment ago."""
        return dict((await self.ask("gateway", f"/operator/archive/letters?ends={listed(ends)}"))["letters"])

    async def ask(self, part: str, path: str) -> dict[str, Any]:
        """What an operator's endpoint answers. Raises `RetryError` when the part is away, `StopError` for the token."""
        try:
            status, body = await fetch(self._addresses[part] + path, _ANSWER_SECONDS, token=self._token)
        except (OSError, TimeoutError) as error:
            raise RetryError(f"the {part}", str(error) or type(error).__name__) from error
        where = path.partition("?")[0]
        if status == 401:
            problem = f"the {part} does not know the operator's token of this folder"
            raise StopError(problem, remedy="Give every part of the zone the same keys/operator.token.")
        if status != 200:
            raise RetryError(f"the {part}", f"{where} answered {status}")
        answer: dict[str, Any] = orjson.loads(body)
        return answer


def listed(ends: Mapping[int, int]) -> str:
    """Offsets as the operator's endpoints take them: one for each partition from 0."""
    return ",".join(map(str, before(ends)))


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
