"""The accountant: asks every few seconds whether everything is accounted for, and says so in metrics.

It has no store of its own: it asks both stores over HTTP, as the operator, and the broker for the log's ends.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from lrs.cli.gap_looks import take_look
from lrs.cli.gap_watch import GapWatch
from lrs.cli.reconciling import Accountant
from lrs.kernel import metrics
from lrs.kernel.errors import RetryError
from lrs.kernel.logs import get_logger
from lrs.kernel.topics import Noun

if TYPE_CHECKING:
    from lrs.cli.verdicts import Verdicts
    from lrs.kernel.parts import Check
    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder

log = get_logger("accountant")

_UNSURE_SECONDS = 3.0
_AWAY_SECONDS = 5.0
# A look scans tables while something is on its way: never more than a twentieth of the time.
_REST_FACTOR = 19.0


class AccountantPart:
    """The part `accountant`."""

    name = "accountant"

    def __init__(self, settings: Settings, folder: ZoneFolder, verdicts: Verdicts | None = None) -> None:
        """`verdicts` are told what each look found, for the operator's page in the same process."""
        self._settings = settings
        self._verdicts = verdicts
        self._folder = folder
        self._watch = GapWatch(settings.accountant.overdue_seconds)
        self._thorough_at = time.monotonic() + settings.accountant.thorough_seconds
        self._deep = False

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop`. A part that is away is asked again."""
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                try:
                    async with Accountant(self._settings, self._folder, addresses(self._settings)) as accountant:
                        await self._look_on(accountant, stopping)
                except RetryError as error:
                    metrics.ACCOUNTANT_FAILED_CHECKS.inc()
                    log.warning("accounting_failed", error=str(error))
                    await _first(stopping, _AWAY_SECONDS)
        finally:
            stopping.cancel()

    def checks(self) -> list[Check]:
        """None: a zone with a gap, or whose accountant cannot ask, still takes statements."""
        return []

    async def _look_on(self, accountant: Accountant, stopping: asyncio.Future[Literal[True]]) -> None:
        before = 0.0
        while not stopping.done():
            began = time.monotonic()
            looking: asyncio.Future[Any] = asyncio.ensure_future(self._look(accountant))
            waiting: set[asyncio.Future[Any]] = {looking, stopping}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not looking.done():
                looking.cancel()
                with suppress(asyncio.CancelledError):
                    await looking
                return
            looking.result()
            every = _UNSURE_SECONDS if self._watch.unsure else self._settings.accountant.every_seconds
            took = time.monotonic() - began
            # One look that something held up says nothing of what looks cost.
            await _first(stopping, max(every, _REST_FACTOR * min(took, before)))
            before = took

    async def _look(self, accountant: Accountant) -> None:
        thorough = self._deep or time.monotonic() >= self._thorough_at
        with metrics.ACCOUNTANT_CHECK_SECONDS.time():
            spans = partial(accountant.log.spans, Noun.RECEIVED)
            look = await take_look(accountant, self._watch, spans, thorough=thorough)
        if thorough:
            self._thorough_at = time.monotonic() + self._settings.accountant.thorough_seconds
        missing = self._watch.take(look)
        if self._verdicts is not None:
            self._verdicts.found(look, self._watch)
        # What only the thorough look sees stays seen.
        self._deep = thorough and bool(self._watch.gaps or self._watch.unsure)
        for hop, count in missing.items():
            metrics.ACCOUNTANT_GAP.labels(hop).set(count)
        metrics.ACCOUNTANT_CHECKED_SECONDS.set_to_current_time()
        for gap in self._watch.gaps:
            log.error("gap_found", hop=gap.hop, partition=gap.partition, statements=gap.statements, sum=gap.meaning)
        if not (self._watch.gaps or self._watch.unsure):
            metrics.ACCOUNTANT_BALANCED_SECONDS.set_to_current_time()


def addresses(settings: Settings) -> dict[str, str]:
    """Where gateway and board are reached from here: as the settings say, or on this machine."""
    host = settings.zone.host
    host = f"[{host}]" if ":" in host else {"0.0.0.0": "127.0.0.1"}.get(host, host)  # noqa: S104 - only asked there
    wishes = settings.accountant
    return {
        "gateway": wishes.archive_url or f"http://{host}:{settings.gateway.port}",
        "board": wishes.facts_url or f"http://{host}:{settings.board.port}",
    }


async def _first(stopping: asyncio.Future[Literal[True]], seconds: float) -> None:
    await asyncio.wait({stopping}, timeout=seconds)
