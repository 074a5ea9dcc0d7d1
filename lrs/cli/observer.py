"""The observer: looks every few seconds at log, tallies and processes, and hands what it saw to the operator's page.

Has no store and changes nothing: it asks gateway and board as the operator, and the broker. The stores never more than
a tenth of the time, and less often while nobody watches.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lrs.api.operations.history import History
from lrs.api.operations.observation import GROUPS, Observation
from lrs.cli.accountant_part import addresses
from lrs.cli.gap_looks import take_look
from lrs.cli.gap_search import GapSearch
from lrs.cli.gap_watch import GapWatch
from lrs.cli.reconciling import Accountant
from lrs.cli.surroundings_looks import SurroundingsLooks
from lrs.kernel.errors import AyumiError
from lrs.kernel.logs import get_logger
from lrs.kernel.reasons import Outcome
from lrs.kernel.topics import Noun
from lrs.store.flows import Flow
from processors.log_watch import LogWatch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lrs.api.operations.latest import Latest
    from lrs.cli.verdicts import Verdicts
    from lrs.kernel.parts import Check
    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder
    from lrs.store.accounting import LogSpan

log = get_logger("observer")

_WATCHED_SECONDS = 2.0
_UNWATCHED_SECONDS = 10.0
_REST_FACTOR = 9.0
_WAKE_SECONDS = 0.1
_AWAY_SECONDS = 2.0
# The recorder counts half a second and a batch behind its rows, and what it has not counted may be loaded by then.
_TALLY_SECONDS = 0.5
_TALLY_ASKS = 5
_PROCESSES_SECONDS = 5.0
_LOG_SECONDS = 30.0
_DISK_SECONDS = 60.0
_FOLDERS_SECONDS = 60.0
# What a slow look that goes well takes: then the page has it at once.
_BESIDE_SECONDS = 0.5
_FOLDERS = "folders"
_ACCOUNTS = "accounts"
# What costs more than a question: for how many times as long as it took it is left alone.
_RESTS = {_FOLDERS: _REST_FACTOR, _ACCOUNTS: 19.0}
_RECENT_HOURS = 24
_LATER = [noun for noun in GROUPS.values() if noun is not Noun.RECEIVED]


class ObserverPart:
    """The part `observer`, which runs beside every board."""

    name = "observer"

    def __init__(
        self, settings: Settings, folder: ZoneFolder, latest: Latest, verdicts: Verdicts, *, compares: bool
    ) -> None:
        """`verdicts` are those of the accountant in this process; `compares`: there is none, and the sums are ours."""
        self._settings = settings
        self._folder = folder
        self._latest = latest
        self._verdicts = verdicts
        self._addresses = addresses(settings)
        self._asking = Accountant(settings, folder, self._addresses)
        self._watch = GapWatch(settings.accountant.overdue_seconds) if compares else None
        self._search = GapSearch(settings, folder, self._addresses)
        self._history = History(settings.zone.name, settings.zone.operator, settings.broker.partitions)
        self._around = SurroundingsLooks(settings, folder, self._addresses)
        self._due: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._beside: dict[str, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop`. What is away is asked again, and the page says so."""
        looking = asyncio.ensure_future(self._look_on())
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({looking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                looking.result()
        finally:
            self._latest.close()
            tasks = (looking, stopping, *self._beside.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, self._search.stop(), return_exceptions=True)

    def checks(self) -> list[Check]:
        """None: a zone that nobody observes still takes statements."""
        return []

    async def _look_on(self) -> None:
        while True:
            try:
                async with LogWatch(self._settings.broker, self._settings.zone.name) as watch:
                    before = 0.0
                    while True:
                        began = time.monotonic()
                        waited = await self._look(watch)
                        took = time.monotonic() - began - waited
                        await self._show()
                        # One look that something held up says nothing of what looks cost: the next may come soon.
                        await self._rest(min(took, before))
                        before = took
            except AyumiError as error:
                log.warning("observing_failed", error=str(error))
                await self._tell(str(error))
            except Exception as error:
                # Loader and board run in the same process: a fault of the observer blinds it, and stops nothing else.
                log.exception("observing_failed")
                await self._tell(type(error).__name__)

    async def _tell(self, trouble: str) -> None:
        self._around.saw(trouble=trouble)
        with suppress(Exception):
            await self._show()
        await asyncio.sleep(_AWAY_SECONDS)

    async def _look(self, watch: LogWatch) -> float:
        """Returns for how many seconds it did nothing but wait."""
        since = int(time.time() // 3600 - _RECENT_HOURS + 1) * 3600
        # From the end of the way to its beginning; what a group committed before the end of what it reads.
        loader = Flow.from_json(await self._asking.ask("board", f"/operator/facts/flow?since={since}"))
        committed = await watch.committed(GROUPS)
        logs = await watch.spans(_LATER)
        recorder, waited = await self._recorded(since, loader)
        logs |= await watch.spans([Noun.RECEIVED])
        self._history.look(Observation(time.time(), logs, committed, recorder, loader))
        self._around.saw(trouble="")
        self._every(_LOG_SECONDS, "log", lambda: self._look_at_log(watch, logs, committed))
        if self._watch is not None:
            gaps = self._watch
            self._every(self._settings.accountant.every_seconds, _ACCOUNTS, lambda: self._look_at_accounts(watch, gaps))
        return waited

    async def _recorded(self, since: int, loader: Flow) -> tuple[Flow, float]:
        """What the recorder has counted, all that the loader has if that comes within seconds; and the time waited."""
        settled = loader.outcome(Outcome.PUBLISHED) + loader.outcome(Outcome.WITHHELD)
        for number in range(_TALLY_ASKS):
            recorder = Flow.from_json(await self._asking.ask("gateway", f"/operator/archive/flow?since={since}"))
            if recorder.outcome(Outcome.ARCHIVED) >= settled:
                break
            if number + 1 < _TALLY_ASKS:
                await asyncio.sleep(_TALLY_SECONDS)
        return recorder, number * _TALLY_SECONDS

    async def _show(self) -> None:
        """Everything that needs no broker, and then the page."""
        self._every(_PROCESSES_SECONDS, "processes", self._around.look_at_processes)
        self._every(_DISK_SECONDS, "disks", self._around.look_at_disks)
        self._every(_FOLDERS_SECONDS, _FOLDERS, self._around.look_at_folders)
        await asyncio.wait(self._beside.values(), timeout=_BESIDE_SECONDS)
        self._around.saw(verdict=self._search.explained(self._verdicts.newest))
        now = time.time()
        self._history.surroundings(now, self._around.now)
        snapshot = await asyncio.to_thread(self._history.snapshot, now)
        if snapshot is not None:
            self._latest.put(snapshot)

    def _every(self, seconds: float, name: str, look: Callable[[], Awaitable[None]]) -> None:
        """Begin a slow look beside the others if it is due: what hangs holds up itself alone."""
        task = self._beside.get(name)
        if (task is None or task.done()) and time.monotonic() >= self._due.get(name, 0.0):
            self._beside[name] = asyncio.create_task(self._aside(seconds, name, look))

    async def _aside(self, seconds: float, name: str, look: Callable[[], Awaitable[None]]) -> None:
        began = time.monotonic()
        try:
            await look()
        except AyumiError as error:
            log.warning("observing_failed", error=str(error))
        except Exception:
            log.exception("observing_failed")
        now = time.monotonic()
        took, before = now - began, self._took.get(name, 0.0)
        self._due[name] = now + max(seconds, _RESTS.get(name, 0.0) * min(took, before))
        self._took[name] = took

    async def _look_at_log(self, watch: LogWatch, logs: dict[str, Any], committed: dict[str, dict[int, int]]) -> None:
        nouns = list(dict.fromkeys(GROUPS.values()))
        kept, unread = {}, {}
        for noun in nouns:
            if (oldest := await watch.oldest(noun)) is not None:
                kept[noun.value] = oldest
        for group, noun in GROUPS.items():
            ends = logs[noun]
            places = {p: max(committed[group].get(p, 0), span.begin) for p, span in ends.items()}
            behind = {p: place for p, place in places.items() if place < ends[p].end}
            if behind and (written := await watch.written(noun, behind)) is not None:
                unread[group] = written
        retention = await watch.retention(nouns)
        self._around.saw(kept_since=kept, unread_since=unread, retention_seconds=retention)

    async def _look_at_accounts(self, watch: LogWatch, gaps: GapWatch) -> None:
        """As the accountant does, for the page alone: one in another process tells only its own metrics."""

        async def spans() -> Mapping[int, LogSpan]:
            return (await watch.spans([Noun.RECEIVED]))[Noun.RECEIVED]

        look = await take_look(self._asking, gaps, spans)
        gaps.take(look)
        self._verdicts.found(look, gaps)

    async def _rest(self, took: float) -> None:
        """Until the next look is due: at once when somebody waits for it, but for the share of time that is ours."""
        began = time.monotonic()
        while True:
            rested = time.monotonic() - began
            wished = _WATCHED_SECONDS if self._latest.watched else _UNWATCHED_SECONDS
            if rested >= _REST_FACTOR * took and (rested >= wished or self._latest.wanted):
                return
            await asyncio.sleep(_WAKE_SECONDS)
