"""One zone for the tests of its HTTP interface: they keep apart by ids, activities and learners of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from lrs.kernel.settings import BrokerSettings
from processors.topic_admin import ensure_topics
from tests.support.broker import complete, new_zone_name
from tests.support.http_zone import Zone, client_of, http_zone, ready, zone_settings
from tests.support.waiting import eventually


@pytest.fixture(scope="session")
def running(broker: BrokerSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zone]:
    """A running zone with the limits of `zone_settings`."""
    name = new_zone_name()
    complete(ensure_topics(broker, name))
    with http_zone(tmp_path_factory.mktemp("zone"), zone_settings(broker, name)) as zone:
        yield zone


@pytest.fixture
async def app(running: Zone) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app `drill-a` that speaks 1.0.3; the gateway is ready."""
    async with client_of(running) as client:
        await eventually(lambda: ready(client))
        yield client
