"""Watches the Faust consumer. Others saw it stop in silence (aiokafka issue 1037): silence is shown here, and ended.

Reads Faust's state and changes none of it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from lrs.kernel.errors import RetryError
from lrs.kernel.metrics import STREAM_LAG, STREAM_LAST_POLL_SECONDS
from lrs.kernel.parts import Check
from lrs.kernel.topics import Noun

if TYPE_CHECKING:
    from processors.log_order import LogOrder
    from processors.slice_step import SliceStep

_EVERY_SECONDS = 0.25
_SILENT_SECONDS = 30.0
# Without a slice for so long, the log itself is asked whether there is one.
_IDLE_SECONDS = 60.0


class StreamWatch:
    """Metrics and checks of one Faust app's consumer. `checks` from any thread."""

    def __init__(self, app: Any, order: LogOrder, step: SliceStep) -> None:  # noqa: ANN401 - faust ships no types
        self._app = app
        self._order = order
        self._step = step
        self._assigned = False
        self._polled_at = time.time()
        self._asked_at = time.monotonic()
        app.on_partitions_assigned.connect(self._on_assigned, weak=False)
        app.on_partitions_revoked.connect(self._on_revoked, weak=False)

    async def run(self) -> None:
        """Until cancelled. Raises `RetryError` when slices lie on the log and none is taken, or when Faust crashed."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            if self._app.crashed:
                reason = self._app.crash_reason
                raise RetryError("the stream", f"{type(reason).__name__}: {reason}") from reason
            if self._assigned:
                self._observe()
                await self._ask_when_idle()

    def checks(self) -> list[Check]:
        """Assigned, and not silent."""
        silent = time.time() - self._polled_at
        polling = not self._assigned or silent < _SILENT_SECONDS
        return [
            Check("accepted assigned", self._assigned, "" if self._assigned else "waiting for the group"),
            Check("accepted polled", polling, "" if polling else f"the broker was silent for {silent:.0f} s"),
        ]

    def _observe(self) -> None:
        # Faust tells when it got a record, not when it polled in vain; only the consumer below it knows.
        below = self._app.consumer._thread._consumer  # noqa: SLF001
        for tp in self._app.consumer.assignment():
            if tp not in below.assignment():
                continue  # Faust has not yet heard of a rebalance
            # None until the first answer after an assignment.
            self._polled_at = max(self._polled_at, (below.last_poll_timestamp(tp) or 0) / 1000)
            end, done = self._app.consumer.highwater(tp), self._order.next_offset(tp.partition)
            if end is not None and done is not None:
                STREAM_LAG.labels(Noun.ACCEPTED.value, str(tp.partition)).set(max(0, end - done))
        STREAM_LAST_POLL_SECONDS.labels(Noun.ACCEPTED.value).set(self._polled_at)

    async def _ask_when_idle(self) -> None:
        idle_since = max(self._step.last_done_at, self._asked_at)
        if self._step.is_writing or time.monotonic() - idle_since < _IDLE_SECONDS:
            return
        partitions = {tp.partition for tp in self._app.consumer.assignment()}
        done_at = self._step.last_done_at
        try:
            behind = await self._order.behind(partitions)
        except RetryError:
            behind = False  # the broker is away: not the consumer's fault
        self._asked_at = time.monotonic()
        if behind and done_at == self._step.last_done_at and not self._step.is_writing:
            raise RetryError("the stream", f"it took no slice for {_IDLE_SECONDS:.0f} s although there are some")

    async def _on_assigned(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - a signal's
        self._asked_at = time.monotonic()
        self._assigned = True

    async def _on_revoked(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - a signal's
        self._assigned = False
