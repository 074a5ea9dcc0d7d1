"""Each app's counts, rate, quota, and when it was last heard of. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from lrs.api.operations.measuring import rate
from lrs.api.operations.snapshot import AppRow
from lrs.kernel.reasons import Outcome

if TYPE_CHECKING:
    from lrs.api.operations.observation import Observation, Surroundings
    from lrs.store.flows import Flow


class AppHistory:
    """Remembers when an app's count last grew: tallies tell the hour only."""

    def __init__(self) -> None:
        self._counts: dict[str, int] | None = None
        self._grown_at: dict[str, float] = {}

    def look(self, at: float, recorder: Flow) -> None:
        """Take the counts of one look."""
        counts = _counts(recorder)
        if self._counts is not None:
            for app, count in counts.items():
                if count > self._counts.get(app, 0):
                    self._grown_at[app] = at
        self._counts = counts

    def rows(self, now: Observation, before: Observation, around: Surroundings) -> tuple[AppRow, ...]:
        """The apps, those first that sent most in the last 24 hours."""
        earlier, seconds = _counts(before.recorder), now.at - before.at
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        hours: dict[str, int] = {}
        for app in now.recorder.apps:
            row = sums[app.app]
            row[0] += app.count
            row[1] += app.recent
            if app.outcome == Outcome.REFUSED:
                row[2] += app.count
                row[3] += app.recent
            hours[app.app] = max(hours.get(app.app, 0), app.last_hour)
        rows = []
        for name, row in sums.items():
            per_second = rate(earlier.get(name, 0), row[0], seconds)
            quota = now.recorder.quotas.get(name) or around.default_quota or None
            seen = max(self._grown_at.get(name, 0.0), around.last_seen.get(name, 0.0))
            used = per_second / quota if quota else None
            received, recent, refused, refused_recent = row
            rows.append(
                AppRow(
                    name,
                    received,
                    recent,
                    refused,
                    refused_recent,
                    per_second,
                    last_seen=seen or hours[name],
                    seen_exactly=bool(seen),
                    quota=quota,
                    quota_used=used,
                )
            )
        return tuple(sorted(rows, key=lambda row: (-row.recent, -row.received, row.app)))


def _counts(recorder: Flow) -> dict[str, int]:
    counts: dict[str, int] = {}
    for app in recorder.apps:
        counts[app.app] = counts.get(app.app, 0) + app.count
    return counts
