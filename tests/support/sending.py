"""The simulator in the test's own process: what it has sent, and what was acknowledged, at any moment."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING

from lrs.cli.simulating import load_references, make_credentials
from lrs.cli.zone_state import running_zone, settings_of
from producers.simulator.emissions import Fate
from producers.simulator.run import Target, simulate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from producers.simulator.emissions import Expected
    from producers.simulator.run import Plan, Report

# The simulator hands out what is due in so many seconds at once.
_TICK_SECONDS = 0.02
_LOGGED = (Fate.REFUSED, Fate.DUPLICATE, Fate.WITHHELD, Fate.PUBLISHED)


class Sending:
    """One plan with a rate, sent once. Counts have the names of the truth's; times are Unix seconds."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._district = plan.district()
        fates = (Counter(_names(one.expect)) for one in self._district.statements(plan.count, days=plan.days))
        # What comes of the first n of the stream, for each n.
        self._first = list(accumulate(fates, lambda one, other: one + other, initial=Counter[str]()))
        self._began = time.time()
        self._settled: list[tuple[float, int]] = [(0.0, 0)]

    async def run(self, folder: Path) -> Report:
        """Send it into the zone that runs on `folder`."""
        state, settings = running_zone(folder), settings_of(folder)
        assert state is not None
        await load_references(self._district, settings, state["addresses"])
        credentials = make_credentials(settings, folder)
        target = Target(f"{state['addresses']['gateway']}/xAPI", credentials, settings.broker, settings.zone.name)
        self._began = time.time()
        return await simulate(self.plan, target, district=self._district, progress=self._told)

    def sent(self, at: float) -> Counter[str]:
        """The most that can have come of what was sent until then: it is sent at the plan's rate and not before."""
        due = (max(0.0, at - self._began) + _TICK_SECONDS) * self.plan.rate
        return self._first[min(self.plan.count, int(due) + 1)]

    def acknowledged(self, at: float) -> Counter[str]:
        """What must come of what was acknowledged then, but for what was overtaken: seconds later that is too."""
        return self._first[self._settled[bisect_right(self._settled, at, key=lambda mark: mark[0]) - 1][1]]

    def _told(self, settled: int, _planned: int) -> None:
        self._settled.append((time.time(), settled))


def _names(expect: Expected) -> Iterator[str]:
    yield expect.outcome.value
    if expect.outcome in _LOGGED:
        yield "received"
    if expect.outcome in {Fate.WITHHELD, Fate.PUBLISHED}:
        yield "archived"
    if expect.outcome is Fate.PUBLISHED:
        yield "loaded"
    if expect.retracted:
        yield "retracted"
