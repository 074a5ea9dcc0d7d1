"""Runs a plan: builds the district, sends its stream into a zone, reports what was sent and what must come of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY

from producers.simulator.acknowledgements import Ledger
from producers.simulator.apps import APPS
from producers.simulator.district import District
from producers.simulator.emissions import Faults, Way
from producers.simulator.sending import Lane, Sender
from producers.simulator.ways import HttpWay, SdkWay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrs.kernel.settings import BrokerSettings
    from producers.simulator.truth import Truth


Progress = Callable[[int, int], None]
"""Is told the statements settled so far and those of the plan."""

_HTTP_BATCH = 100
_SDK_BATCH = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send. The first seven fields decide every byte of it, the others only how it is sent."""

    count: int = 20_000
    seed: int | str = 1
    schools: int = 9
    http_share: float = 0.3
    faults: Faults = field(default_factory=Faults)
    school_year: int = 2025
    days: int | None = None
    rate: float = 0.0
    http_batch: int = _HTTP_BATCH
    connections: int = 8
    patience_seconds: float = 60.0

    def district(self) -> District:
        """The district of this plan; `write_references` before the zone is fed."""
        return District(
            self.seed,
            schools=self.schools,
            http_share=self.http_share,
            faults=self.faults,
            school_year=self.school_year,
        )


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send: the gateway's xAPI base URL, each app's key and secret, the broker, the zone's name."""

    endpoint: str
    credentials: Mapping[str, tuple[str, str]]
    broker: BrokerSettings
    zone: str


@dataclass(frozen=True, slots=True)
class Report:
    """How sending went. `rejected` are the 4xx answers; `resent` bounds the duplicates that retries may have made."""

    sent: int
    rejected: int
    resent: int
    unsent: int
    surprises: list[str]
    surprised: int
    seconds: float
    truth: Truth

    @property
    def rate(self) -> float:
        """Statements a second."""
        return self.sent / self.seconds if self.seconds else 0.0


def app_names() -> list[str]:
    """The apps that need a credential."""
    return [app.name for app in APPS]


async def simulate(
    plan: Plan, target: Target, *, district: District | None = None, progress: Progress | None = None
) -> Report:
    """Send the plan's statements. `progress` is told the statements settled so far and those of the plan.

    Raises `StopError` on a refused credential, `RetryError` when the broker is away.
    """
    statements = (district or plan.district()).statements(plan.count, days=plan.days)
    ledger = Ledger((lambda settled: progress(settled, plan.count)) if progress else None)
    unconfirmed = _unconfirmed()
    async with AsyncExitStack() as stack:
        lanes = await _lanes(plan, target, ledger, stack)
        sender = Sender(lanes, ledger, batch={"http": plan.http_batch, "sdk": _SDK_BATCH}, flying=plan.connections)
        began = time.perf_counter()
        await sender.run(statements, plan.rate)
        seconds = time.perf_counter() - began
    return Report(
        sent=ledger.answered + ledger.confirmed,
        rejected=sum(count for status, count in ledger.statuses.items() if 400 <= status < 500),
        resent=ledger.resent + (_unconfirmed() - unconfirmed) * _SDK_BATCH,
        unsent=ledger.unsent,
        surprises=ledger.surprises,
        surprised=ledger.surprised,
        seconds=seconds,
        truth=statements.truth,
    )


async def _lanes(plan: Plan, target: Target, ledger: Ledger, stack: AsyncExitStack) -> dict[Way, Lane]:
    lanes: dict[Way, Lane] = {}
    if plan.http_share > 0:
        http = HttpWay(
            target.endpoint,
            target.credentials,
            APPS,
            ledger,
            patience_seconds=plan.patience_seconds,
        )
        lanes["http"] = await stack.enter_async_context(http)
    if plan.http_share < 1:
        sdk = SdkWay(target.broker, target.zone, APPS, ledger, patience_seconds=plan.patience_seconds)
        lanes["sdk"] = await stack.enter_async_context(sdk)
    return lanes


def _unconfirmed() -> int:
    """SDK calls of this process that the broker did not confirm; the SDK sent those statements again by itself."""
    return int(REGISTRY.get_sample_value("ayumi_broker_errors_total", {"operation": "publish"}) or 0)
