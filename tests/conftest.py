"""Services that tests ask for by name. A service that is missing is a failure, never a skip."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from lrs.kernel.settings import BrokerSettings
from processors.topic_admin import ensure_topics
from tests.support.broker import complete, new_broker, new_zone_name

# A slow machine is no failure.
settings.register_profile("ayumi", deadline=None)
settings.load_profile("ayumi")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that may take longest come first: two processes that share all files then end together."""

    def most_seconds(item: pytest.Item) -> float:
        module = item.getparent(pytest.Module)
        found = module.get_closest_marker("timeout") if module else None
        return float(found.args[0]) if found else 0.0

    items.sort(key=most_seconds, reverse=True)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerSettings]:
    """A real broker of this test session, on free ports of loopback. Tests keep apart by their zone's prefix."""
    node = new_broker(tmp_path_factory.mktemp("broker"))
    complete(node.start())
    try:
        complete(node.ready())
        yield node.settings
    finally:
        complete(node.stop())


@pytest.fixture
def zone(broker: BrokerSettings) -> str:
    """A fresh zone on the session's broker: its name, all its topics made."""
    name = new_zone_name()
    complete(ensure_topics(broker, name))
    return name
