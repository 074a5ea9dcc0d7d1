"""Rounds of faults against one zone; after every round it has to come back, whole and exact, without help."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from lrs.cli.demo import prepare
from lrs.cli.probing import fetch
from lrs.cli.reconciling import Accountant, until
from lrs.kernel.errors import AyumiError
from producers.simulator.emissions import Faults
from producers.simulator.run import Plan, simulate
from tests.chaos import verdict
from tests.chaos.injector import Injector
from tests.chaos.plan import SUPERVISOR
from tests.chaos.supervised import SupervisorError
from tests.chaos.verdict import Sent

if TYPE_CHECKING:
    from producers.simulator.run import Target
    from tests.chaos.plan import Round
    from tests.chaos.supervised import SupervisedZone
    from tests.chaos.world import World

# Everything that can go wrong with statements, more often than in a real district.
MALFORMATIONS = Faults(
    late=0.05, duplicated=0.05, conflicting=0.02, voided=0.03, malformed=0.04, groups=0.01, references=0.01
)
_HTTP_SHARE = 0.4
_START_SECONDS = 180.0
_PATIENCE_SECONDS = 180.0
_LOAD_SECONDS = 300.0
_READY_SECONDS = 120.0
_SETTLE_SECONDS = 180.0
_POLL_SECONDS = 0.1


T = TypeVar("T")


class Failure(Exception):  # noqa: N818 - of a round, not of this program
    """A round that did not come out: every difference, as sentences."""

    def __init__(self, differences: list[str]) -> None:
        super().__init__("\n".join(differences))
        self.differences = differences


class Chaos:
    """One run: a seed's rounds against the zone of `world`."""

    def __init__(self, world: World, seed: str, *, seconds: float, rate: float, tell: Callable[[str], None]) -> None:
        self._world = world
        self._tell = tell
        self._count = int(seconds * rate)
        self._rate = rate
        self._plan = Plan(seed=seed, http_share=_HTTP_SHARE, faults=MALFORMATIONS, patience_seconds=_PATIENCE_SECONDS)
        self._district = self._plan.district()
        self._target: Target | None = None
        self.injector = Injector(world, seed, tell)
        self.sent = Sent()
        self.died: Counter[str] = Counter()

    async def round(self, one: Round) -> None:
        """Raises `Failure`."""
        for fault in one.before:
            await self.injector.while_stopped(fault)
        killed = self.injector.killed.copy()
        with self._world.false_time():
            async with self._zone(one) as zone:
                await _unless_it_gives_up(zone, self._under_load(zone, one))
                await _unless_it_gives_up(zone, self._come_back(zone))
                self._tell_of_deaths(zone, killed)
        _refuse(verdict.left_behind(self._world.folder.root))
        _refuse(await verdict.unlike_the_truth(self._world.folder.root, self.sent.truth))

    @contextlib.asynccontextmanager
    async def _zone(self, one: Round) -> AsyncIterator[SupervisedZone]:
        zone = self._world.new_zone()
        early = asyncio.create_task(self.injector.under_load(one.early))
        try:
            await _within(zone.start(), _START_SECONDS, lambda: _states(zone))
            await early
            yield zone
        except (AyumiError, SupervisorError) as error:
            raise Failure([str(error), *await self._outstanding(zone)]) from error
        finally:
            early.cancel()
            await asyncio.gather(early, return_exceptions=True)
            await zone.stop()

    async def _under_load(self, zone: SupervisedZone, one: Round) -> None:
        if self._target is None:
            self._target = await prepare(zone.plan, self._district)
        # The count also chooses the stream: no two rounds send the same statements.
        plan = replace(self._plan, count=self._count + one.number, rate=self._rate)
        flowing = asyncio.Event()

        async def injure() -> None:
            await flowing.wait()
            await self.injector.under_load(one.faults)

        faults = asyncio.create_task(injure())
        try:
            load = simulate(plan, self._target, district=self._district, progress=lambda *_: flowing.set())
            report = await _within(load, _LOAD_SECONDS, lambda: ["the load was not all sent", *_states(zone)])
            await faults
        finally:
            faults.cancel()
            await asyncio.gather(faults, return_exceptions=True)
        self.sent.add(report)
        self._tell(f"{report.sent} statements sent in {report.seconds:.1f} s, up to {report.resent} of them again")

    async def _come_back(self, zone: SupervisedZone) -> None:
        began = time.monotonic()
        await self._all_ready(zone)
        async with Accountant(zone.plan.settings, zone.plan.folder, zone.plan.addresses) as accountant:
            found = await until(accountant.read, lambda now: not self.sent.differences(now), _SETTLE_SECONDS)
            differences = self.sent.differences(found) if found else ["no part answered"]
            if differences or found is None:
                raise Failure([*differences, *await self._outstanding(zone)])
            settled = time.monotonic() - began
            _refuse(await verdict.doubled(accountant))
        _refuse(await verdict.reconciled(zone.plan.folder.root))
        self._tell(
            f"settled in {settled:.1f} s: {found.received} received = {found.archived} archived + "
            f"{sum(found.refused.values())} refused + {found.duplicate} duplicate; {found.loaded} loaded, "
            f"{found.retracted} of them retracted; all accounted for"
        )

    async def _all_ready(self, zone: SupervisedZone) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not zone.is_ready:
            if time.monotonic() > deadline:
                raise Failure([f"not ready within {_READY_SECONDS:.0f} s", *await self._outstanding(zone)])
            await asyncio.sleep(_POLL_SECONDS)

    def _tell_of_deaths(self, zone: SupervisedZone, killed: Counter[str]) -> None:
        """Processes that ended by themselves came back, but a person will want to know why."""
        restarts = {SUPERVISOR: zone.starts - 1} | {child.name: child.restarts for child in zone.children}
        for name, count in restarts.items():
            own = count - (self.injector.killed[name] - killed[name])
            if own > 0:
                self.died[name] += own
                self._tell(f"{name} ended by itself {own} times, and was started again")

    async def _outstanding(self, zone: SupervisedZone) -> list[str]:
        """How each process is, in its own words."""
        said = _states(zone)
        for child in zone.children:
            if child.name in zone.plan.addresses and child.name != "broker":
                try:
                    status, body = await fetch(f"{zone.plan.addresses[child.name]}/readyz")
                except (OSError, TimeoutError) as error:
                    said.append(f"{child.name} does not answer: {error!r}")
                else:
                    said.append(f"{child.name} says {status} {body.decode('utf-8', 'replace')}")
        return said


async def _unless_it_gives_up(zone: SupervisedZone, work: Coroutine[Any, Any, None]) -> None:
    """Do `work`; raises what keeps the zone from going on, as soon as something does."""
    tasks = [asyncio.create_task(work), asyncio.create_task(zone.failure())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _within(work: Coroutine[Any, Any, T], seconds: float, outstanding: Callable[[], list[str]]) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise Failure([f"not within {seconds:.0f} s", *outstanding()]) from None


def _states(zone: SupervisedZone) -> list[str]:
    said = [f"{child.name} is {child.state}, restarted {child.restarts} times" for child in zone.children]
    return said or ["nothing runs under a supervisor"]


def _refuse(differences: list[str]) -> None:
    if differences:
        raise Failure(differences)
