"""The second opinion on one partition: reads what is still on the log, and names the offsets that did not come through.

Holds one bit for each offset, and reads the topics one after the other, some records at a time.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.kernel.codec import ContractError
from lrs.kernel.topics import Noun
from lrs.store.accounting import Gap
from lrs.store.holdings import LOADER, RECORDER
from lrs.store.hours import HourCounts
from processors.offset_set import OffsetSet, ranges
from processors.recounting import (
    UNKNOWN,
    ActivityRecount,
    Findings,
    LettersRecount,
    Place,
    ReceivedRecount,
    Suspect,
    accepted_offsets,
    not_loaded,
    not_passed,
    place_of,
    refused_offset,
)
from processors.settling import Rules

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lrs.cli.progress_bars import Track
    from lrs.cli.reconciling import Accountant
    from lrs.kernel.settings import Settings

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_NEVER = 1 << 62
_WINDOW = 1 << 22
_PLACES = 10_000
_IDS = 100


class Scope(NamedTuple):
    """What of a partition is looked at: from the hour `since_ms` on, None: all the log; `end`: what must be settled."""

    partition: int
    since_ms: int | None
    end: int


class _Refused(NamedTuple):
    """Offsets of `received` that have a letter on `refused`; `young`: one that people must still see."""

    letters: OffsetSet
    young: OffsetSet


@dataclass(frozen=True, slots=True)
class _Accounts:
    """What loader and recorder counted of the partition, asked in this order; `since`: the first hour seen whole."""

    loader: HourCounts
    recorder: HourCounts
    first: int
    since: int


class Audit:
    """Recounts partitions of a running zone."""

    def __init__(self, accountant: Accountant, settings: Settings, track: Track) -> None:
        """`track` shows how far a topic has been read."""
        self._accountant = accountant
        self._keep_ms = settings.letters.keep_days * _DAY_MS
        self._rules = Rules(settings.broker.partitions, settings.gateway.max_statement_kb * 1024)
        self._track = track

    async def gaps(self, scope: Scope) -> list[Gap]:
        """Every gap of one partition that the log shows. Raises `RetryError`."""
        accounts = await self._accounts(scope)
        partition, found = scope.partition, Findings(scope.partition)
        end = max(scope.end, accounts.recorder.ends.get(partition, 0))
        archived = await self._held("gateway", "archive", partition, accounts.first, end)
        refused = await self._refused(scope)
        received = await self._received(scope, accounts, archived, refused.letters, found)
        await self._letters(scope, refused.young, found)
        activity = await self._activity(scope, accounts, archived, found)
        return [
            *found.gaps(),
            *received.sums.compare(accounts.recorder.cells, found, RECORDER, partition, accounts.since),
            *activity.sums.compare(accounts.loader.cells, found, LOADER, partition, accounts.since),
        ]

    async def _accounts(self, scope: Scope) -> _Accounts:
        partition, log = scope.partition, self._accountant.log
        since = (scope.since_ms or 0) // _HOUR_MS * 3600
        query = f"counted?partition={partition}&since={since}"
        loader = HourCounts.from_json(await self._accountant.ask("board", f"/operator/facts/{query}"))
        recorder = HourCounts.from_json(await self._accountant.ask("gateway", f"/operator/archive/{query}"))
        first = await self._first(Noun.RECEIVED, scope)
        span = (await log.spans(Noun.RECEIVED))[partition]
        if scope.since_ms is None and span.begin > 0:
            # Retention took a part of the first hour; or everything, and then no hour is seen whole.
            since = _NEVER
            async for records in log.read(Noun.RECEIVED, partition, first, min(first + 1, span.end)):
                since = records[0].timestamp // _HOUR_MS * 3600 + 3600
        return _Accounts(loader, recorder, first, since)

    async def _first(self, noun: Noun, scope: Scope) -> int:
        span = (await self._accountant.log.spans(noun))[scope.partition]
        if scope.since_ms is None:
            return span.begin
        at = await self._accountant.log.offset_at(noun, scope.partition, scope.since_ms)
        return span.end if at is None else at

    async def _received(
        self, scope: Scope, accounts: _Accounts, archived: OffsetSet, refused: OffsetSet, found: Findings
    ) -> ReceivedRecount:
        end = accounts.recorder.ends.get(scope.partition, accounts.first)
        recount = ReceivedRecount(self._rules, found, archived=archived, refused=refused, end=end)
        suspects: list[Suspect] = []
        async for records in self._read(Noun.RECEIVED, scope.partition, accounts.first, max(end, scope.end)):
            suspects += [suspect for record in records if (suspect := recount.take(record)) is not None]
            while len(suspects) >= _IDS:
                await self._settle(recount, suspects[:_IDS])
                del suspects[:_IDS]
        await self._settle(recount, suspects)
        return recount

    async def _settle(self, recount: ReceivedRecount, suspects: list[Suspect]) -> None:
        if suspects:
            ids = ",".join(suspect.statement_id.hex() for suspect in suspects)
            answer = await self._accountant.ask("gateway", f"/operator/archive/ids?ids={ids}")
            firsts = {number: (offset, bytes.fromhex(digest)) for number, _, offset, digest in answer["ids"]}
            for suspect in suspects:
                recount.settle(suspect, firsts.get(suspect.statement_id.hex()))

    async def _refused(self, scope: Scope) -> _Refused:
        refused = _Refused(OffsetSet(), OffsetSet())
        # The hour is for clocks that disagree.
        oldest_ms = time.time_ns() // 1_000_000 - self._keep_ms + _HOUR_MS
        async for records in self._whole(Noun.REFUSED, scope):
            for record in records:
                if (offset := refused_offset(record.value or b"")) is not None:
                    refused.letters.add(offset)
                    if record.timestamp > oldest_ms:
                        refused.young.add(offset)
        return refused

    async def _letters(self, scope: Scope, young: OffsetSet, found: Findings) -> None:
        letters = young.between(0, scope.end)
        kept, position = OffsetSet(), 0
        for start in range(next(iter(letters), scope.end), scope.end, _WINDOW):
            window = f"partition={scope.partition}&first={start}&end={min(scope.end, start + _WINDOW)}"
            answer = await self._accountant.ask("gateway", f"/operator/archive/letter_offsets?{window}")
            position = answer["position"]
            for number, bits in answer["words"]:
                kept.add_word(number, bits)
        if missing := letters.without(kept):
            recount = LettersRecount(found, missing, position)
            async for records in self._whole(Noun.REFUSED, scope):
                for record in records:
                    recount.take(record)

    async def _activity(
        self, scope: Scope, accounts: _Accounts, archived: OffsetSet, found: Findings
    ) -> ActivityRecount:
        partition = scope.partition
        recount = ActivityRecount(accounts.loader.ends.get(partition, 0))
        begin = await self._first(Noun.ACTIVITY, scope)
        async for records in self._whole(Noun.ACTIVITY, scope):
            for record in records:
                with suppress(ContractError):  # a dead letter
                    recount.take(record.value)
        # Retention may have taken more of this topic than of `received`.
        first = accounts.first if begin == 0 or recount.first is None else max(accounts.first, recount.first)
        missing = archived.between(first, scope.end).without(recount.published, recount.withheld)
        if missing:
            accepted = OffsetSet()
            async for records in self._whole(Noun.ACCEPTED, scope):
                for record in records:
                    for offset in accepted_offsets(record.value):
                        accepted.add(offset)
            async for offset, place in self._placed(partition, missing):
                not_passed(found, offset, place, accepted=offset in accepted)
        loaded = await self._held("board", "facts", partition, accounts.first, scope.end)
        unloaded = recount.published.between(accounts.first, scope.end).without(loaded)
        async for offset, place in self._placed(partition, unloaded):
            not_loaded(found, offset, place)
        return recount

    async def _held(self, part: str, store: str, partition: int, first: int, end: int) -> OffsetSet:
        """Which offsets a store's tables hold."""
        held = OffsetSet()
        for start in range(first, end, _WINDOW):
            window = f"partition={partition}&first={start}&end={min(end, start + _WINDOW)}"
            for number, bits in (await self._accountant.ask(part, f"/operator/{store}/offsets?{window}"))["words"]:
                held.add_word(number, bits)
        return held

    async def _placed(self, partition: int, offsets: OffsetSet) -> AsyncIterator[tuple[int, Place]]:
        """Hour and app of each: as the archive has them, or the log, where the archive has lost them too."""
        for first, last in ranges(offsets):
            for start in range(first, last + 1, _PLACES):
                end = min(last + 1, start + _PLACES)
                window = f"partition={partition}&first={start}&end={end}"
                answer = await self._accountant.ask("gateway", f"/operator/archive/places?{window}")
                known = {offset: (hour, app) for offset, hour, app in answer["places"]}
                for offset in range(start, end):
                    yield offset, known.get(offset) or await self._place(partition, offset)

    async def _place(self, partition: int, offset: int) -> Place:
        log = self._accountant.log
        if offset >= (await log.spans(Noun.RECEIVED))[partition].begin:
            async for records in log.read(Noun.RECEIVED, partition, offset, offset + 1):
                return place_of(records[0])
        return UNKNOWN

    def _whole(self, noun: Noun, scope: Scope) -> AsyncIterator[list[Any]]:
        async def read() -> AsyncIterator[list[Any]]:
            end = (await self._accountant.log.spans(noun))[scope.partition].end
            first = await self._first(noun, scope)
            async for records in self._read(noun, scope.partition, first, end):
                yield records

        return read()

    async def _read(self, noun: Noun, partition: int, first: int, end: int) -> AsyncIterator[list[Any]]:
        with self._track(f"{noun} {partition}", end - first) as advance:
            async for records in self._accountant.log.read(noun, partition, first, end):
                yield records
                advance(len(records))
