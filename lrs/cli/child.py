"""One supervised process: started, watched, started again with back-off when it ends by itself."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum

from lrs.cli.children import exited
from lrs.kernel.errors import StopError
from lrs.kernel.logs import get_logger

log = get_logger("supervisor")

# How `ayumi run` says that a person has to act: starting it again would end the same way.
REFUSED = 2
_BACK_OFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_WELL_SECONDS = 30.0
_READY_POLL_SECONDS = 0.1
_FOREVER = 10.0**9


class ChildState(StrEnum):
    """What a child is doing."""

    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting"  # it ended, and is started again after the back-off
    STOPPED = "stopped"


def exits_in_a_row(before: int, lived_seconds: float) -> int:
    """How often it has now ended soon after its start; an end after a long life is the first of its row."""
    return 1 if lived_seconds > _WELL_SECONDS else before + 1


def back_off_seconds(in_a_row: int) -> float:
    """How long to wait before the next start."""
    return _BACK_OFF_SECONDS[min(in_a_row, len(_BACK_OFF_SECONDS)) - 1]


class Child:
    """A process under supervision.

    `launch` starts it and may raise `StopError`; `is_ready` asks it, without raising; `last_words` reads what it said
    before it ended by itself.
    """

    def __init__(
        self,
        name: str,
        launch: Callable[[], Awaitable[subprocess.Popen[bytes]]],
        is_ready: Callable[[], Awaitable[bool]],
        *,
        last_words: Callable[[], str] = str,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.state = ChildState.STOPPED
        self.restarts = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._launch = launch
        self._is_ready = is_ready
        self._last_words = last_words
        self._changed = changed
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self.process.pid if self.process and self.process.poll() is None else None

    async def supervise(self) -> None:
        """Keep it running until `let_go`. Raises `StopError` when it refuses to go on."""
        in_a_row = 0
        while True:
            began = time.monotonic()
            self.process = await self._launch()
            self._enter(ChildState.STARTING)
            await self._watch(self.process, began)
            # What went wrong in flight may be what a new start puts right (a damaged index is rebuilt); one that
            # refuses before it is ready would do so again.
            was_ready = self.state is ChildState.READY
            if self._stopping:
                self._enter(ChildState.STOPPED)
                return
            code = self.process.returncode
            lived = time.monotonic() - began
            said = self._last_words() if code > 0 else ""  # by a signal it ends without a word
            log.warning(
                "child_exited", child=self.name, pid=self.process.pid, code=code, seconds=round(lived, 2), said=said
            )
            if code == REFUSED and not was_ready:
                raise StopError(f"{self.name} refused to go on", remedy=said or "Read its log.")
            in_a_row = exits_in_a_row(in_a_row, lived)
            self.restarts += 1
            self._enter(ChildState.WAITING)
            await asyncio.sleep(back_off_seconds(in_a_row))

    def let_go(self) -> None:
        """It may end now: it is not started again."""
        self._stopping = True

    async def _watch(self, process: subprocess.Popen[bytes], began: float) -> None:
        asking = asyncio.create_task(self._ask(began))
        try:
            await exited(process, _FOREVER)
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking

    async def _ask(self, began: float) -> None:
        while not await self._is_ready():  # noqa: ASYNC110 - another process cannot set an event
            await asyncio.sleep(_READY_POLL_SECONDS)
        log.info("child_ready", child=self.name, pid=self.pid, seconds=round(time.monotonic() - began, 2))
        self._enter(ChildState.READY)

    def _enter(self, state: ChildState) -> None:
        self.state = state
        self._changed()
