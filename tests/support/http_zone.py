"""A zone as an app sees it over HTTP: gateway and recorder in a process of their own, on a real broker and archive."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from lrs.kernel.settings import BrokerSettings, GatewaySettings, Settings, ZoneSettings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.registry import Registry, open_registry
from tests.support.lrs_process import lrs_process

VERSIONS = ["1.0.3", "2.0.0"]
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
JSON = {"Content-Type": "application/json"}


class Zone(NamedTuple):
    """A running zone as an app sees it, and what the test needs to look behind it."""

    url: str
    auth: tuple[str, str]
    settings: Settings
    registry: Registry
    folder: ZoneFolder
    pid: int

    @property
    def place(self) -> tuple[str, int]:
        """Host and port of the gateway."""
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)


@contextmanager
def http_zone(folder: Path, settings: Settings) -> Iterator[Zone]:
    """The zone of `settings` in `folder`, with a credential of the app `drill-a`; killed at the end."""
    zone = ZoneFolder(folder)
    zone.prepare()
    registry = open_registry(settings, zone)
    auth = registry.credentials.add("drill-a")
    try:
        with lrs_process(folder, settings) as (url, process):
            yield Zone(url, auth, settings, registry, zone, process.pid)
    finally:
        registry.close()


SMALL = {"max_body_mb": 1, "max_statements": 50, "max_statement_kb": 64}


def zone_settings(broker: BrokerSettings, name: str, **limits: Any) -> Settings:  # noqa: ANN401 - GatewaySettings'
    """A zone with small limits, whose topics are made."""
    return patient_settings(broker, name, **SMALL, **limits)


def patient_settings(broker: BrokerSettings, name: str, **limits: Any) -> Settings:  # noqa: ANN401 - GatewaySettings'
    """A zone with the default limits, except for those given, that waits for a busy machine."""
    gateway = GatewaySettings(port=0, read_wait_seconds=30, publish_seconds=30, **limits)
    return Settings(
        zone=ZoneSettings(name=name, operator="osaka", host="127.0.0.1", public_url="https://lrs.example.jp/a"),
        broker=broker,
        gateway=gateway,
    )


def client_of(zone: Zone, **options: Any) -> httpx.AsyncClient:  # noqa: ANN401 - httpx's own
    """A client of the app `drill-a` that speaks 1.0.3."""
    headers = {"X-Experience-API-Version": "1.0.3"}
    return httpx.AsyncClient(base_url=zone.url, auth=zone.auth, headers=headers, timeout=60, **options)


async def ready(client: httpx.AsyncClient) -> bool:
    """Whether the zone takes and reads statements."""
    return (await client.get("/readyz")).status_code == 200


def statement(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
    """A valid one."""
    return {
        "actor": {"account": {"homePage": "https://board.example.jp", "name": "u1"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"ja": "解答した"}},
        "object": {"id": "https://drill.example.jp/items/1"},
        **changes,
    }


def new_id() -> str:
    """A statement id that nobody has."""
    return str(uuid.uuid4())


async def count(client: httpx.AsyncClient, outcome: str) -> float:
    """How many statements of `drill-a` had an outcome so far."""
    name = f'ayumi_gateway_statements_total{{app="drill-a",outcome="{outcome}"}}'
    lines = (await client.get("/metrics")).text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)), 0.0)
