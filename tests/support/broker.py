"""A real Apache Kafka for tests."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from lrs.cli.broker import Broker
from lrs.cli.settings_loading import cache_folder
from lrs.kernel.settings import BrokerSettings

T = TypeVar("T")


def complete(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine from a synchronous fixture, on a loop of its own, without touching the test's loop."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def new_broker(folder: Path, **settings: Any) -> Broker:  # noqa: ANN401 - fields of BrokerSettings
    """A broker on a free port whose data lies below `folder`; not started."""
    options = {"port": 0, **settings}
    return Broker(folder / "broker", folder / "logs", BrokerSettings(**options), cache=cache_folder())


def new_zone_name() -> str:
    """A zone name that no other test uses."""
    return f"t{secrets.token_hex(5)}"
