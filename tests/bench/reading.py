"""GET of statements from a large archive over HTTP: by id, the latest 100 of an agent, and other filters.

The archive is made inside the engine (`archive_of`), then a whole zone serves it. One client asks one thing after the
other on one connection, as the aim is a time and not a rate. The same is done with 100,000 statements: flat is the aim.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

from lrs.cli.settings_loading import load_settings
from lrs.cli.zone import Zone
from lrs.store.registry import open_registry
from tests.bench.archive_of import (
    APP,
    BOOK,
    BOOKS,
    CLASS,
    DOMAIN,
    HOME_PAGE,
    ITEM,
    ITEMS,
    TEACHER,
    VERB,
    VERBS,
    learners_of,
    statement_id,
)
from tests.bench.measuring import Results, quantile

_SMALL = 100_000
_WARM_UP = 20
_REQUESTS = 300
_OF_OTHERS = 30
_SETTLED_SECONDS = 5

Parameters = dict[str, str]
Question = Callable[[random.Random, int], Parameters]


def _agent(rng: random.Random, count: int) -> Parameters:
    account = {"homePage": HOME_PAGE, "name": str(rng.randrange(learners_of(count)))}
    return {"agent": json.dumps({"account": account}), "limit": "100"}


def _teacher(rng: random.Random, count: int) -> Parameters:
    number = rng.randrange(max(1, learners_of(count) // CLASS))
    agent = json.dumps({"mbox": f"{TEACHER}{number}{DOMAIN}"})
    return {"agent": agent, "related_agents": "true", "limit": "100"}


def _verb(rng: random.Random, _: int) -> Parameters:
    return {"verb": f"{VERB}{rng.randrange(VERBS)}", "limit": "100"}


def _activity(rng: random.Random, _: int) -> Parameters:
    return {"activity": f"{ITEM}{rng.randrange(ITEMS)}", "limit": "100"}


def _book(rng: random.Random, _: int) -> Parameters:
    return {"activity": f"{BOOK}{rng.randrange(BOOKS)}", "related_activities": "true", "limit": "100"}


_AIMED: tuple[tuple[str, Question, int], ...] = (
    ("by id", lambda rng, count: {"statementId": str(statement_id(rng.randrange(count)))}, 5),
    ("latest 100 of an agent", _agent, 10),
)
_OTHERS: tuple[tuple[str, Question], ...] = (
    ("latest 100", lambda _, __: {"limit": "100"}),
    ("latest 100 related to an agent", _teacher),
    ("latest 100 with a verb", _verb),
    ("latest 100 about an activity", _activity),
    ("latest 100 related to an activity", _book),
    ("latest 100 of an agent with a verb", lambda rng, count: _agent(rng, count) | _verb(rng, count)),
    ("latest 100 about an activity with a verb", lambda rng, count: _activity(rng, count) | _verb(rng, count)),
)


async def reading(results: Results, count: int) -> None:
    """Measure with 100,000 statements and with `count`."""
    for size in sorted({min(_SMALL, count), count}):
        with tempfile.TemporaryDirectory(prefix="ayumi-bench-") as name:
            folder = Path(name)
            seconds = await asyncio.to_thread(_fill, folder, size)
            results.add(f"archive of {size:,} statements, made in", seconds, "s")
            async with Zone(folder, load_settings(folder), free_ports=True) as zone:
                registry = open_registry(zone.settings, zone.folder)
                user = ":".join(registry.credentials.add(APP))
                registry.close()
                await asyncio.sleep(_SETTLED_SECONDS)
                await asyncio.to_thread(_measure, results, zone.settings.gateway.port, user, size)


def _fill(folder: Path, count: int) -> float:
    command = [sys.executable, "-m", "tests.bench.archive_of", str(folder), str(count)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _measure(results: Results, port: int, user: str, size: int) -> None:
    for name, question, aim in _AIMED:
        _ask(results, f"{name}, of {size:,}", _answers(port, user, question, size, _REQUESTS), f"p95 <= {aim} ms")
    for name, question in _OTHERS:
        _ask(results, f"{name}, of {size:,}", _answers(port, user, question, size, _OF_OTHERS), "")


def _ask(results: Results, name: str, answers: Iterator[float], aim: str) -> None:
    times = list(answers)[_WARM_UP:]
    results.add(f"{name}, p50", quantile(times, 0.5), "ms")
    results.add(f"{name}, p95", quantile(times, 0.95), "ms", aim=aim)


def _answers(port: int, user: str, question: Question, size: int, count: int) -> Iterator[float]:
    """Milliseconds of each answer."""
    rng = random.Random(size)
    headers = {
        "Authorization": "Basic " + base64.b64encode(user.encode()).decode(),
        "X-Experience-API-Version": "1.0.3",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(_WARM_UP + count):
        path = f"/xAPI/statements?{urlencode(question(rng, size))}"
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            msg = f"{path} answered {answer.status}: {body[:500]!r}"
            raise RuntimeError(msg)
        yield took
    connection.close()
