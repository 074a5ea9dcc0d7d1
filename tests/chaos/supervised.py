"""A zone under a supervisor that can be killed: then its children end with it, and the supervisor is started again.

What a service manager does for `ayumi up`, and what `run/zone.json` says of the children.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from lrs.cli.child import ChildState
from lrs.cli.children import exited, spawn
from lrs.cli.settings_loading import environment_of
from lrs.cli.zone import Zone
from lrs.cli.zone_state import running_zone
from tests.chaos.plan import PROCESSES

_ROOT = Path(__file__).resolve().parents[2]
_POLL_SECONDS = 0.1
_STOP_SECONDS = 20.0
# SIGKILL is sent by the kernel at once; to end, a process has to give its memory back.
_TETHER_SECONDS = 10.0
_AGAIN = (1, -signal.SIGKILL)


class SupervisorError(Exception):
    """It cannot go on, or did not do its duty: as a sentence."""


class ChildSeen(NamedTuple):
    """One process as its supervisor tells; `restarts` since the zone was first started."""

    name: str
    pid: int | None
    state: str
    restarts: int


class SupervisedZone:
    """The zone that `plan` describes, which is itself never started. Belongs to one event loop."""

    def __init__(self, plan: Zone, proxy_port: int, survivors: Callable[[], list[str]]) -> None:
        """`survivors` names the processes of the zone that run although nobody supervises them."""
        self.plan = plan
        self.starts = 0
        self._port = proxy_port
        self._survivors = survivors
        self._restarts: Counter[str] = Counter()
        self._keeping: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self.pid: int | None = None
        """The supervisor's, while it runs."""

    @property
    def children(self) -> list[ChildSeen]:
        """Those that the supervisor knows, in the order of their start; nothing while it does not run."""
        state = running_zone(self.plan.folder.root)
        if state is None or state["pid"] != self.pid:
            return []
        return [
            ChildSeen(
                one["name"],
                one["pid"] if _lives(one["pid"], self.pid) else None,
                one["state"],
                self._restarts[one["name"]] + one["restarts"],
            )
            for one in state["children"]
        ]

    @property
    def is_ready(self) -> bool:
        """Whether all are there and say so."""
        found = self.children
        ready = {one.name for one in found if one.pid is not None and one.state == ChildState.READY}
        return ready == {*PROCESSES}

    async def start(self) -> None:
        """Return when everything is ready. Raises `SupervisorError`."""
        self._keeping = asyncio.create_task(self._keep())
        while not self.is_ready:
            if self._keeping.done():
                self._keeping.result()
            await asyncio.sleep(_POLL_SECONDS)

    async def failure(self) -> None:
        """Return never, but raise what keeps the zone from going on."""
        assert self._keeping is not None
        await asyncio.shield(self._keeping)

    async def stop(self) -> None:
        """As a service manager: ask, and after a while kill. Raises `SupervisorError` when that was needed."""
        self._stopping.set()
        if self._keeping is not None:
            self._tell(signal.SIGTERM)
            _, late = await asyncio.wait([self._keeping], timeout=_STOP_SECONDS)
            if late:
                self._tell(signal.SIGKILL)
                await asyncio.wait(late)
                raise SupervisorError(f"the zone did not stop within {_STOP_SECONDS:.0f} s")

    def _tell(self, number: signal.Signals) -> None:
        if self.pid is not None:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(self.pid).send_signal(number)

    async def _keep(self) -> None:
        """Start the supervisor, and again whenever it ends."""
        while not self._stopping.is_set():
            code = await self._run()
            if self._stopping.is_set():
                return
            if code not in _AGAIN:
                raise SupervisorError(f"the supervisor ended with {code}: {self._last_words()}")
            deadline = time.monotonic() + _TETHER_SECONDS
            while left := self._survivors():
                if time.monotonic() > deadline:
                    raise SupervisorError("\n".join(left))
                await asyncio.sleep(_POLL_SECONDS)

    async def _run(self) -> int:
        plan = self.plan
        command = [sys.executable, "-m", "tests.chaos.supervisor", str(plan.folder.root), str(self._port)]
        environment = {**environment_of(plan.settings, plan.folder.root), "PYTHONPATH": str(_ROOT)}
        process = spawn(command, output=self._log, environment=environment, append=True)
        self.starts += 1
        self.pid = process.pid
        known: list[ChildSeen] = []
        while not await exited(process, _POLL_SECONDS):
            known = self.children or known
        self.pid = None
        self._restarts.update({one.name: one.restarts - self._restarts[one.name] for one in known})
        return process.returncode

    @property
    def _log(self) -> Path:
        return self.plan.folder.logs / "supervisor.log"

    def _last_words(self) -> str:
        return self._log.read_text("utf-8", "replace")[-1000:]


def _lives(pid: int | None, parent: int | None) -> bool:
    try:
        process = psutil.Process(pid) if pid else None
        return process is not None and process.ppid() == parent and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
