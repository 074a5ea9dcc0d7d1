"""Three brokers on loopback that hold every record three times and confirm it when two of them have it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lrs.cli.broker import Broker, new_cluster_id
from lrs.cli.ports import free_port
from lrs.cli.settings_loading import cache_folder
from lrs.kernel.settings import BrokerSettings

NODES = (1, 2, 3)
_REPLICATED = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")
_READY_SECONDS = 120.0


@asynccontextmanager
async def cluster(folder: Path, *, heap_mb: int = 192) -> AsyncIterator[dict[int, Broker]]:
    """The brokers by their numbers, each with its data and logs below `folder`; ended afterwards."""
    ports = _ports(2 * len(NODES))
    voters = ",".join(f"{node}@127.0.0.1:{ports[2 * node - 1]}" for node in NODES)
    identity = new_cluster_id()
    brokers = {}
    for node in NODES:
        port, controller = ports[2 * node - 2], ports[2 * node - 1]
        properties = _properties(node, voters, port, controller)
        where = folder / f"node-{node}"
        settings = BrokerSettings(port=port, heap_mb=heap_mb)
        brokers[node] = Broker(
            where, where / "logs", settings, cache=cache_folder(), properties=properties, cluster=identity
        )
    try:
        for broker in brokers.values():
            await broker.start()
        await asyncio.gather(*(broker.ready(_READY_SECONDS) for broker in brokers.values()))
        yield brokers
    finally:
        await asyncio.gather(*(broker.stop() for broker in brokers.values()))


def addresses(brokers: dict[int, Broker]) -> str:
    """What a zone names as its bootstrap servers."""
    return ",".join(broker.address for broker in brokers.values())


def _properties(node: int, voters: str, port: int, controller: int) -> dict[str, str]:
    listeners = f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"
    return {
        "node.id": str(node),
        "controller.quorum.voters": voters,
        "listeners": listeners,
        "default.replication.factor": "3",
        "min.insync.replicas": "2",
        **{f"{topic}.replication.factor": "3" for topic in _REPLICATED},
        "transaction.state.log.min.isr": "2",
        "share.coordinator.state.topic.min.isr": "2",
        # Whoever is away is missed after seconds, not after half a minute.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "1000",
        "replica.lag.time.max.ms": "5000",
    }


def _ports(count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        found.append(free_port(taken=frozenset(found)))
    return found
