"""Lets faults happen to a zone at their times, writes each into the log, and takes it back when its time is over."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

from tests.chaos.damage import damage
from tests.chaos.plan import SUPERVISOR, Fault, Kind
from tests.chaos.programs import run_program
from tests.chaos.world import World

_ALIVE_SECONDS = 60.0
_POLL_SECONDS = 0.02

Tell = Callable[[str], None]


class Injector:
    """Faults of one run. `killed` counts the zone's processes killed, by name; `happened` every fault, by kind."""

    def __init__(self, world: World, seed: str, tell: Tell) -> None:
        self._world = world
        self._seed = seed
        self._tell = tell
        self.killed: Counter[str] = Counter()
        self.happened: Counter[Kind] = Counter()

    async def under_load(self, faults: Iterable[Fault]) -> None:
        """Every fault at its time, counted from now; returns when all are over and taken back."""
        began = time.monotonic()
        tasks = [asyncio.create_task(self._at(fault, began)) for fault in faults]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def while_stopped(self, fault: Fault) -> None:
        """What happens to the files of a zone that does not run."""
        world = self._world
        if fault.kind is Kind.DAMAGED_INDEX:
            random = Random(f"damage {self._seed} {fault}")
            self._note(fault, ", ".join(damage(world.folder.ids, random, fault.amount)))
            return
        (store,) = fault.targets
        root = str(world.folder.root)
        ran = await run_program(sys.executable, "-m", "tests.chaos.migrating", root, store, str(fault.amount))
        self._note(fault)
        if ran.code != -signal.SIGKILL:
            raise AssertionError(f"the migration of the {store} was not killed but ended with {ran.code}: {ran.said}")

    async def _at(self, fault: Fault, began: float) -> None:
        await asyncio.sleep(began + fault.at - time.monotonic())
        act = {
            Kind.KILL: self._kill,
            Kind.STALL: self._stall,
            Kind.DISK_FULL: self._fill,
            Kind.CLOCK_STEP: self._step,
        }.get(fault.kind, self._disconnect)
        await act(fault)

    async def _kill(self, fault: Fault) -> None:
        numbers = [await self._alive(name) for name in fault.targets]
        for number in numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.killed.update(fault.targets)
        self._note(fault, f"pid {', '.join(map(str, numbers))}")

    async def _stall(self, fault: Fault) -> None:
        (name,) = fault.targets
        number = await self._alive(name)
        os.kill(number, signal.SIGSTOP)
        self._note(fault, f"pid {number}")
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            if self._world.processes().get(name) == number:
                os.kill(number, signal.SIGCONT)

    async def _fill(self, fault: Fault) -> None:
        disk = self._world.disks[fault.targets[0]]
        disk.fill(fault.amount * 1024)
        self._note(fault, f"{disk.used >> 20} MiB used")
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            disk.free()

    async def _step(self, fault: Fault) -> None:
        self._world.clock.step(fault.amount)
        self._note(fault, f"now {self._world.clock.offset_seconds:+d} s from real time")

    async def _disconnect(self, fault: Fault) -> None:
        proxy, (client,) = self._world.proxy, fault.targets
        done: int | None = None
        if fault.kind is Kind.CUT:
            done = proxy.cut(client)
        elif fault.kind is Kind.LOST_ANSWERS:
            done = proxy.deafen(client)
        elif fault.kind is Kind.HALF_OPEN:
            done = proxy.silence(client)
        else:
            proxy.slow(client, fault.amount / 1000)
        self._note(fault, "" if done is None else f"{done} connections")
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            if fault.seconds:
                proxy.mend(client)

    async def _alive(self, name: str) -> int:
        """The process id, as soon as it has one: it may just be starting again."""
        deadline = time.monotonic() + _ALIVE_SECONDS
        while (number := self._number(name)) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} was not started again within {_ALIVE_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)
        return number

    def _number(self, name: str) -> int | None:
        if name == SUPERVISOR:
            return self._world.zone.pid if self._world.zone else None
        return self._world.processes().get(name)

    def _note(self, fault: Fault, detail: str = "") -> None:
        self.happened[fault.kind] += 1
        self._tell(f"{fault}{f': {detail}' if detail else ''}")
