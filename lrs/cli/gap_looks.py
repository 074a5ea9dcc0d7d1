"""Takes a look for a `GapWatch`: asks the stores from the end of the way to its beginning, and last the log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lrs.cli.gap_watch import Look
from lrs.kernel.reasons import Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lrs.cli.gap_watch import GapWatch
    from lrs.cli.reconciling import Accountant
    from lrs.store.accounting import LogSpan


async def take_look(
    accountant: Accountant,
    watch: GapWatch,
    spans: Callable[[], Awaitable[Mapping[int, LogSpan]]],
    *,
    thorough: bool = False,
) -> Look:
    """What there is now; `spans`: those of `received`. `watch` has still to take it. Raises `RetryError`."""
    old = watch.old(time.monotonic())
    loader, recorder, passed_by = await accountant.hops(thorough=thorough)
    kept = await accountant.kept(recorder.ends())
    old_letters: dict[int, tuple[int, int]] = {}
    # What is refused now may be on its way, and hides whether something older is missing: so that is asked for as well.
    if old is not None and any(kept.get(p, 0) < recorder.outcome(Outcome.REFUSED, p) for p in recorder.counts):
        found = await accountant.kept(old.counted)
        old_letters = {partition: (refused, found.get(partition, 0)) for partition, refused in old.refused.items()}
    log = await spans()
    return Look(time.monotonic(), log, recorder, loader, passed_by, kept, old_letters)
