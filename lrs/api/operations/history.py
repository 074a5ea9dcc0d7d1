"""Remembers the last minutes of looks, and makes of them what the page shows. Pure: whoever looks tells the time."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from lrs.api.operations.accounts import accounts_view
from lrs.api.operations.apps import AppHistory
from lrs.api.operations.findings import findings
from lrs.api.operations.lags import Looks, group_lags
from lrs.api.operations.measuring import days_left, freshness, rate
from lrs.api.operations.observation import Surroundings
from lrs.api.operations.snapshot import DiskSpace, Process, RefusedReason, Snapshot, Stream
from lrs.kernel.reasons import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrs.api.operations.observation import Observation
    from lrs.api.operations.snapshot import Freshness

RATE_SECONDS = 10.0
PACE_SECONDS = 60.0
_TREND_SECONDS = 300.0
_TREND_STEP = 5.0
_FRESH_SECONDS = 300.0
_DISK_STEP = 60.0
_DISK_SECONDS = 86_400.0


class _Mark(NamedTuple):
    at: float
    totals: dict[str, int]


class History:
    """`look` takes what was seen, `snapshot` tells what it means. Belongs to one thread."""

    def __init__(self, zone: str, operator: str, partitions: int) -> None:
        self._whose = zone, operator, partitions
        self._looks: deque[Observation] = deque()
        self._trend: deque[_Mark] = deque()
        self._fresh: deque[tuple[float, Mapping[float, float]]] = deque()
        self._disks: dict[str, deque[tuple[float, int]]] = {}
        self._apps = AppHistory()
        self._around = Surroundings()

    def look(self, seen: Observation) -> None:
        """Take one look at log and tallies."""
        self._looks.append(seen)
        # One older than the longest window stays, to measure it whole.
        while len(self._looks) > 2 and self._looks[1].at <= seen.at - PACE_SECONDS:
            self._looks.popleft()
        if not self._trend or seen.at - self._trend[-1].at >= _TREND_STEP:
            self._trend.append(_Mark(seen.at, totals(seen)))
            while len(self._trend) > 2 and self._trend[1].at <= seen.at - _TREND_SECONDS:
                self._trend.popleft()
        self._apps.look(seen.at, seen.recorder)

    def surroundings(self, at: float, around: Surroundings) -> None:
        """Take what changes slowly."""
        self._around = around
        if around.freshness and (not self._fresh or at - self._fresh[-1][0] >= _TREND_STEP):
            self._fresh.append((at, dict(around.freshness)))
            while len(self._fresh) > 2 and self._fresh[1][0] <= at - _FRESH_SECONDS:
                self._fresh.popleft()
        for disk in around.file_systems:
            marks = self._disks.setdefault(disk.name, deque())
            if not marks or at - marks[-1][0] >= _DISK_STEP:
                marks.append((at, disk.free))
            while marks[0][0] < at - _DISK_SECONDS:
                marks.popleft()

    def snapshot(self, at: float) -> Snapshot | None:
        """What is known now; None before the first look."""
        if not self._looks:
            return None
        now, around = self._looks[-1], self._around
        zone, operator, partitions = self._whose
        made = Snapshot(
            at=now.at,
            zone=zone,
            operator=operator,
            partitions=partitions,
            streams=self._streams(now),
            door=dict(around.door),
            freshness=self._freshness(),
            groups=group_lags(Looks(self._before(PACE_SECONDS), self._before(RATE_SECONDS), now, around, at)),
            refused=self._refused(now),
            withheld={reason: n for (outcome, reason), n in now.loader.reasons.items() if outcome == Outcome.WITHHELD},
            accounts=accounts_view(around.verdict),
            apps=self._apps.rows(now, self._before(RATE_SECONDS), around),
            disks=self._disk_space(at),
            folders=dict(around.folders),
            processes=tuple(Process(*each) for each in around.processes),
            trouble=around.trouble,
        )
        return replace(made, findings=findings(made, at))

    def _streams(self, now: Observation) -> dict[str, Stream]:
        before, sums = self._before(RATE_SECONDS), totals(now)
        earlier, seconds = totals(before), now.at - before.at
        return {
            name: Stream(total, rate(earlier[name], total, seconds), self._trend_of(name))
            for name, total in sums.items()
        }

    def _trend_of(self, name: str) -> tuple[float, ...]:
        return tuple(
            round(rate(one.totals[name], two.totals[name], two.at - one.at), 1) for one, two in pairwise(self._trend)
        )

    def _before(self, seconds: float) -> Observation:
        """The newest look that is at least so old, or the oldest there is."""
        now = self._looks[-1].at
        return next((look for look in reversed(self._looks) if look.at <= now - seconds), self._looks[0])

    def _freshness(self) -> Freshness | None:
        if not self._fresh:
            return None
        (first, before), (last, now) = self._fresh[0], self._fresh[-1]
        return freshness(before, now, last - first)

    def _refused(self, now: Observation) -> tuple[RefusedReason, ...]:
        before = self._before(RATE_SECONDS)
        recent: dict[str, int] = {}
        for app in now.recorder.apps:
            if app.outcome == Outcome.REFUSED:
                recent[app.reason] = recent.get(app.reason, 0) + app.recent
        rows = [
            RefusedReason(
                reason,
                total,
                recent.get(reason, 0),
                rate(before.recorder.reasons.get((outcome, reason), 0), total, now.at - before.at),
            )
            for (outcome, reason), total in now.recorder.reasons.items()
            if outcome == Outcome.REFUSED
        ]
        return tuple(sorted(rows, key=lambda row: (-row.recent, -row.total, row.reason)))

    def _disk_space(self, at: float) -> tuple[DiskSpace, ...]:
        return tuple(
            DiskSpace(disk.name, disk.free, disk.size, *days_left(tuple(self._disks[disk.name]), (at, disk.free)))
            for disk in self._around.file_systems
        )


def totals(seen: Observation) -> dict[str, int]:
    """What each hop has counted of all time, in the order of the way."""
    recorder, loader = seen.recorder, seen.loader
    return {
        "received": seen.received,
        "archived": recorder.outcome(Outcome.ARCHIVED),
        "refused": recorder.outcome(Outcome.REFUSED),
        "duplicate": recorder.outcome(Outcome.DUPLICATE),
        "written": seen.written,
        "published": loader.outcome(Outcome.PUBLISHED),
        "withheld": loader.outcome(Outcome.WITHHELD),
        "loaded": loader.outcome(Outcome.PUBLISHED),
        "retracted": loader.retracted,
    }
