"""`ayumi reconcile`: the balance of all time, hour by hour, and of every gap hop, app, hour, partition and offsets.

First the sums, which are cheap; where one does not come out, or when asked to, the log itself (`auditing`).
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lrs.cli.auditing import Audit, Scope
from lrs.cli.reconciling import listed
from lrs.kernel.reasons import Outcome
from lrs.kernel.topics import Noun
from lrs.store.accounting import Balance, Gap
from lrs.store.holdings import LOADER, RECORDER, Doubled
from lrs.store.hours import HourBalance, HourCounts, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lrs.cli.progress_bars import Track
    from lrs.cli.reconciling import Accountant
    from lrs.kernel.settings import Settings
    from lrs.store.accounting import HopCounts

_AGAIN_SECONDS = 0.25
_REST_FACTOR = 9.0
_CELLS_AT_ONCE = 20_000
_SHOWN_HOURS = 10_000
_END_OF_TIME = 4_102_448_400
_HOUR_MS = 3_600_000
_STORES = {RECORDER: ("gateway", "archive"), LOADER: ("board", "facts")}


@dataclass(slots=True)
class Report:
    """What reconciling found. `hours` has the newest; `hours_left_out` tells how many older ones came out as well."""

    balance: Balance
    gaps: list[Gap]
    hours: list[HourBalance] = field(default_factory=list)
    hours_left_out: int = 0

    @property
    def balanced(self) -> bool:
        """Whether everything is accounted for."""
        return not self.gaps


class Reconciliation:
    """One run. Raises `RetryError` while a part is away."""

    def __init__(self, accountant: Accountant, settings: Settings, track: Track) -> None:
        self._accountant = accountant
        self._settings = settings
        self._track = track

    async def run(self, *, wait_seconds: float, since: int = 0, from_log: bool = False) -> Report:
        """Wait for what is on the log now to arrive, but not for ever; then reconcile the hours from `since` on."""
        ends, settled = await self._settle(wait_seconds)
        balance = await self._accountant.read()
        # What came after the question is on its way, and no gap.
        sums = [gap for gap in balance.gaps if not (settled and gap.waiting)]
        report = Report(balance, [])
        cells = [gap for gap in await self._hours(since, report) if not (settled and gap.waiting)]
        doubled = await self._doubled() if balance.gaps else []
        suspects = [*sums, *cells, *doubled]
        exact = [*doubled, *await self._audit(suspects, ends, since, from_log=from_log)]
        report.gaps = merged(exact, [*cells, *sums])
        return report

    async def _settle(self, wait_seconds: float) -> tuple[dict[int, int], bool]:
        """The log's ends now, and whether every hop has gone through all of it in time."""
        spans = await self._accountant.log.spans(Noun.RECEIVED)
        deadline = time.monotonic() + wait_seconds
        there: HopCounts | None = None
        while True:
            asked = time.monotonic()
            _, recorder, passed_by = await self._accountant.hops(thorough=False)
            reached = recorder.ends()
            if there is None and all(reached.get(p, span.begin) >= span.end for p, span in spans.items()):
                there = recorder
            settled = there is not None and await self._has_arrived(there, passed_by)
            if settled or time.monotonic() > deadline:
                return {partition: span.end for partition, span in spans.items()}, settled
            await asyncio.sleep(max(_AGAIN_SECONDS, _REST_FACTOR * (time.monotonic() - asked)))

    async def _has_arrived(self, there: HopCounts, passed_by: Mapping[int, int] | None) -> bool:
        """Whether what the recorder had archived and refused then has been passed on, and kept."""
        if passed_by is not None and any(passed_by.get(p, 0) < there.held("statements", p) for p in there.counts):
            return False
        kept = await self._accountant.kept(there.ends())
        return all(kept.get(p, 0) >= there.outcome(Outcome.REFUSED, p) for p in there.counts)

    async def _hours(self, since: int, report: Report) -> list[Gap]:
        """Every sum of a partition, hour and app that does not come out; the hours' balances go into the report."""
        windows = _windows(await self._cells_by_hour(since), since)
        gaps: list[Gap] = []
        with self._track("hours", len(windows)) as advance:
            for first, end in windows:
                query = f"cells?since={first}&until={end}"
                loader = HourCounts.from_json(await self._accountant.ask("board", f"/operator/facts/{query}"))
                told = await self._accountant.ask("gateway", f"/operator/archive/letter_{query}")
                letters = HourCounts.from_json(told)
                query = f"{query}&passed={listed(loader.ends)}"
                recorder = HourCounts.from_json(await self._accountant.ask("gateway", f"/operator/archive/{query}"))
                found, balances = compare(recorder, loader, letters)
                gaps += found
                report.hours += balances
                report.hours_left_out += len(report.hours[:-_SHOWN_HOURS])
                del report.hours[:-_SHOWN_HOURS]
                advance(1)
        return gaps

    async def _cells_by_hour(self, since: int) -> dict[int, int]:
        cells: dict[int, int] = defaultdict(int)
        for part, store in _STORES.values():
            for hour, count in (await self._accountant.ask(part, f"/operator/{store}/hours?since={since}"))["hours"]:
                cells[hour] = max(cells[hour], count)
        return cells

    async def _doubled(self) -> list[Gap]:
        gaps: list[Gap] = []
        for hop, (part, store) in _STORES.items():
            for row in (await self._accountant.ask(part, f"/operator/{store}/doubled"))["doubled"]:
                one = Doubled(*row)
                meaning = f"one row, and rows of {one.table}"
                place = ((one.offset, one.offset),)
                gaps.append(Gap(hop, one.partition, 1, one.rows, meaning, one.app, one.hour, place, exact=True))
        return gaps

    async def _audit(self, gaps: Sequence[Gap], ends: dict[int, int], since: int, *, from_log: bool) -> list[Gap]:
        audit = Audit(self._accountant, self._settings, self._track)
        found: list[Gap] = []
        for partition in sorted(ends if from_log else {gap.partition for gap in gaps}):
            hours = [gap.hour for gap in gaps if gap.partition == partition]
            begin = _begin(hours, since, from_log=from_log)
            found += await audit.gaps(Scope(partition, begin, ends.get(partition, 0)))
        return found


def merged(exact: Sequence[Gap], sums: Iterable[Gap]) -> list[Gap]:
    """The gaps that are known by their offsets, and of the sums those that these do not explain."""
    gaps = list(exact)
    for gap in sums:
        explained = sum(
            known.statements
            for known in gaps
            if known.partition == gap.partition and (gap.hour is None or (known.hour, known.app) == (gap.hour, gap.app))
        )
        if explained < gap.statements:
            gaps.append(gap)
    return gaps


def _begin(hours: Sequence[int | None], since: int, *, from_log: bool) -> int | None:
    """From when on the log has to be read, in milliseconds; None: from its beginning."""
    known = [hour for hour in hours if hour is not None]
    if from_log or not known or len(known) < len(hours):
        return since * 1000 if since else None
    # An hour early, for clocks that disagree.
    return max(0, min(known) * 1000 - _HOUR_MS)


def _windows(cells: dict[int, int], since: int) -> list[tuple[int, int]]:
    """Stretches of hours from `since` to the end of time, each with a bounded number of cells."""
    found: list[tuple[int, int]] = []
    first, count = since, 0
    for hour in sorted(cells):
        if count and count + cells[hour] > _CELLS_AT_ONCE:
            found.append((first, hour))
            first, count = hour, 0
        count += cells[hour]
    return [*found, (first, _END_OF_TIME)]
