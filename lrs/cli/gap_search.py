"""Looks for the exact place of a gap that the accountant found, as `ayumi reconcile` does: app, hour, offsets.

That reads the log, so it is done for a gap that stays, once, and again only when other sums are off.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from lrs.cli.reconciliation import Reconciliation
from lrs.cli.reconciling import Accountant
from lrs.kernel.errors import AyumiError
from lrs.kernel.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lrs.api.operations.observation import Verdict
    from lrs.cli.progress_bars import Advance
    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder
    from lrs.store.accounting import Gap

log = get_logger("observer")

_SETTLE_SECONDS = 30.0
_AGAIN_SECONDS = 60.0


class GapSearch:
    """Belongs to one event loop; searches beside it, one search at a time."""

    def __init__(self, settings: Settings, folder: ZoneFolder, addresses: Mapping[str, str]) -> None:
        self._settings = settings
        self._folder = folder
        self._addresses = addresses
        self._searching: asyncio.Task[None] | None = None
        self._sought: frozenset[tuple[str, int, str, int]] = frozenset()
        self._found: tuple[Gap, ...] = ()
        self._again_at = 0.0

    def explained(self, verdict: Verdict | None) -> Verdict | None:
        """The verdict with the gaps' places, as far as they are known. Begins a search where they are not."""
        missing = [] if verdict is None else [gap for gap in verdict.gaps if not gap.waiting]
        if verdict is None or not missing:
            self._sought, self._found = frozenset(), ()
            return verdict
        wanted = frozenset((gap.hop, gap.partition, gap.meaning, gap.statements) for gap in missing)
        running = self._searching is not None and not self._searching.done()
        if wanted != self._sought and not running and time.monotonic() >= self._again_at:
            self._sought = wanted
            self._searching, running = asyncio.create_task(self._search()), True
        return replace(verdict, exact=self._found, searching=running)

    async def stop(self) -> None:
        """End a search that runs."""
        if self._searching is not None:
            self._searching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._searching

    async def _search(self) -> None:
        try:
            async with Accountant(self._settings, self._folder, self._addresses) as accountant:
                run = Reconciliation(accountant, self._settings, _silently)
                report = await run.run(wait_seconds=_SETTLE_SECONDS)
            self._found = tuple(gap for gap in report.gaps if not gap.waiting)
        except AyumiError as error:
            log.warning("gap_search_failed", error=str(error))
            self._sought = frozenset()
        self._again_at = time.monotonic() + _AGAIN_SECONDS


@contextlib.contextmanager
def _silently(_title: str, _total: int) -> Iterator[Advance]:
    yield lambda _size: None
