"""One real zone for all tests of the standard."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.conformance.lrs import Lrs, Zone
from tests.support.ayumi import ayumi, up
from tests.support.broker import complete


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zone]:
    """A whole zone, as `ayumi up` starts it, with two apps."""
    with up(tmp_path_factory.mktemp("conformance") / "zone") as running:
        complete(running.ready())
        apps = [
            json.loads(ayumi("credential", "add", name, "--dir", str(running.folder), "--json").stdout)
            for name in ("drill", "other")
        ]
        drill, other = ((app["key"], app["secret"]) for app in apps)
        addresses = running.state["addresses"]
        yield Zone(addresses["gateway"], drill, other, addresses["broker"], running.state["zone"])


@pytest.fixture(scope="session")
def http(place: Zone) -> Iterator[httpx.Client]:
    """A client with the credential of the app `drill`."""
    with httpx.Client(base_url=place.url, auth=place.drill, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def stranger(place: Zone) -> Iterator[httpx.Client]:
    """A client without a credential, that sets no header of its own."""
    with httpx.Client(base_url=place.url, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(params=["1.0.3", "2.0.0"])
def lrs(request: pytest.FixtureRequest, http: httpx.Client) -> Lrs:
    """The zone as an app of either version sees it."""
    return Lrs(http, request.param)


@pytest.fixture
def lrs1(http: httpx.Client) -> Lrs:
    """For what only xAPI 1.0.3 has."""
    return Lrs(http, "1.0.3")


@pytest.fixture
def lrs2(http: httpx.Client) -> Lrs:
    """For what only xAPI 2.0 has."""
    return Lrs(http, "2.0.0")
