"""The real engine, embedded and behind HTTP: every test that asks for `dsn` or an engine runs over both."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lrs.store.engine import Engine
from lrs.store.migrate import Store, migrate

ROOT = Path(__file__).resolve().parents[2]

OpenStore = Callable[[Store], Engine]


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an HTTP front. A process of its own, since one process owns one embedded folder."""
    command = [sys.executable, "-m", "tests.support.http_front", str(tmp_path_factory.mktemp("front"))]
    environment = {**os.environ, "TZ": "UTC"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, "the HTTP front did not start"
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of this process's one embedded folder, whose engine stays up between tests."""
    dsn = f"chdb://{tmp_path_factory.mktemp('embedded')}"
    anchor = Engine.open(dsn, "anchor", readers=1, max_memory_mb=1500, query_seconds=20)
    yield dsn
    anchor.close()


@pytest.fixture(params=["chdb", "http"])
def dsn(request: pytest.FixtureRequest) -> str:
    """Where the store is: in this process, or behind HTTP."""
    found: str = request.getfixturevalue("embedded" if request.param == "chdb" else "front")
    return found


@pytest.fixture
def open_database(dsn: str) -> Iterator[Callable[[str], Engine]]:
    """Open a database by its prefix: the same prefix is the same database within a test, a new one in the next."""
    suffix = uuid.uuid4().hex[:8]
    opened: list[Engine] = []

    def open_one(prefix: str) -> Engine:
        engine = Engine.open(dsn, f"{prefix}_{suffix}", readers=3, max_memory_mb=1500, query_seconds=20)
        opened.append(engine)
        return engine

    yield open_one
    for engine in opened:
        engine.close()


@pytest.fixture
def engine(open_database: Callable[[str], Engine]) -> Engine:
    """An empty database."""
    return open_database("empty")


@pytest.fixture
def archive_engine(open_database: Callable[[str], Engine]) -> Engine:
    """A migrated archive."""
    engine = open_database("archive")
    migrate(engine, "archive")
    return engine


@pytest.fixture
def facts_engine(open_database: Callable[[str], Engine]) -> Engine:
    """Migrated facts."""
    engine = open_database("facts")
    migrate(engine, "facts")
    return engine
