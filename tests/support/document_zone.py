"""A zone with several apps, for tests of documents and agents over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from lrs.kernel.settings import BrokerSettings, GatewaySettings, Settings, ZoneSettings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.registry import open_registry
from tests.support.lrs_process import lrs_process
from tests.support.waiting import eventually

SCOPES: Mapping[str, tuple[str, ...]] = {
    "drill-a": (),
    "drill-b": (),
    "reader": ("all/read",),
    "owner": ("all",),
    "states": ("state",),
    "sender": ("statements/write",),
}


class Zone(NamedTuple):
    """Where it listens, and the key and the secret of each app."""

    url: str
    auth: Mapping[str, tuple[str, str]]
    folder: Path

    def client(self, app: str, version: str) -> httpx.AsyncClient:
        """A client of an app."""
        headers = {"X-Experience-API-Version": version}
        return httpx.AsyncClient(base_url=self.url, auth=self.auth[app], headers=headers, timeout=60)


@contextmanager
def document_zone(broker: BrokerSettings, name: str, folder: Path) -> Iterator[Zone]:
    """A running zone whose topics are made; killed at the end."""
    settings = Settings(
        zone=ZoneSettings(name=name, operator="osaka", host="127.0.0.1"),
        broker=broker,
        gateway=GatewaySettings(port=0, max_body_mb=1, read_wait_seconds=30, publish_seconds=30),
    )
    ZoneFolder(folder).prepare()
    registry = open_registry(settings, ZoneFolder(folder))
    auth = {app: registry.credentials.add(app, scopes=scopes) for app, scopes in SCOPES.items()}
    registry.close()
    with lrs_process(folder, settings) as (url, _):
        yield Zone(url, auth, folder)


async def ready(client: httpx.AsyncClient) -> None:
    """Wait until the zone takes and reads statements."""

    async def is_ready() -> bool:
        return (await client.get("/readyz")).status_code == 200

    await eventually(is_ready)
