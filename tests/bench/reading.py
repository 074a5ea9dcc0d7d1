"""GET of statements from a large archive over HTTP: by id, the latest 100 of an agent, and other filters.

The archive is made inside the engine (`archive_of`), then a whole zone serves it. One client, an app that sees only
what it sent, asks one thing after the other on one connection, as the aim is a time and not a rate. The same is done
with 100,000 statements: flat is the aim. What no index answers has to end in time too, with an answer or with a 503.
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
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
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
    FIRST_MS,
    HOME_PAGE,
    ITEM,
    ITEMS,
    NEVER,
    PRIVATE,
    RARE,
    RETIRED,
    STEP_MS,
    TEACHER,
    VERB,
    VERBS,
    BenchArchive,
    item,
    statement_id,
)
from tests.bench.measuring import Results, quantile

_SMALL = 100_000
_WARM_UP = 20
# In the first seconds of a zone by id takes 5.8 ms, after half a minute 3.9.
_WARM_UP_SECONDS = 15
_REQUESTS = 300
_OF_OTHERS = 100
_OF_HOPELESS = 3
_MOST_SECONDS = 60
"""How long one question is asked at most."""
_SETTLED_SECONDS = 5
_CLIENT_SECONDS = 60
_WINDOW = 9000
"""An hour, in statements."""
_FLAT = 2
# What is sent and read beside the query itself.
_GRACE_SECONDS = 1
_NOTHING = b'{"statements":[]'

Parameters = dict[str, str]
Question = Callable[[random.Random, BenchArchive], Parameters]
Times = dict[str, float]


def _plain(rng: random.Random, archive: BenchArchive) -> int:
    while not archive.is_plain(number := rng.randrange(archive.count)):
        pass
    return number


def _by_id(rng: random.Random, archive: BenchArchive) -> Parameters:
    return {"statementId": str(statement_id(_plain(rng, archive)))}


def _agent_of(learner: int) -> str:
    return json.dumps({"account": {"homePage": HOME_PAGE, "name": str(learner)}})


def _agent(rng: random.Random, archive: BenchArchive) -> Parameters:
    return {"agent": _agent_of(rng.randrange(archive.learners))}


def _teacher(rng: random.Random, archive: BenchArchive) -> Parameters:
    number = rng.randrange(max(1, archive.learners // CLASS))
    return {"agent": json.dumps({"mbox": f"{TEACHER}{number}{DOMAIN}"}), "related_agents": "true"}


def _registration(rng: random.Random, archive: BenchArchive) -> Parameters:
    return {"registration": str(archive.sitting(_plain(rng, archive)))}


def _verb(rng: random.Random, _: BenchArchive) -> Parameters:
    return {"verb": f"{VERB}{rng.randrange(VERBS)}"}


def _activity(rng: random.Random, _: BenchArchive) -> Parameters:
    return {"activity": f"{ITEM}{rng.randrange(ITEMS)}"}


def _book(rng: random.Random, _: BenchArchive) -> Parameters:
    return {"activity": f"{BOOK}{rng.randrange(BOOKS)}", "related_activities": "true"}


def _verb_in_an_hour(rng: random.Random, archive: BenchArchive) -> Parameters:
    start = rng.randrange(max(1, archive.count - _WINDOW))
    # Of the verbs that are used in every hour.
    verb = f"{VERB}{rng.randrange(2, VERBS)}"
    return {"verb": verb, "since": _moment(start), "until": _moment(start + _WINDOW)}


def _agent_activity_since(rng: random.Random, archive: BenchArchive) -> Parameters:
    number = _plain(rng, archive)
    agent = _agent_of(archive.learner(number))
    return {"agent": agent, "activity": f"{ITEM}{item(number)}", "since": _moment(number - 1)}


def _moment(number: int) -> str:
    return datetime.fromtimestamp((FIRST_MS + number * STEP_MS) / 1000, UTC).isoformat().replace("+00:00", "Z")


_AIMED: tuple[tuple[str, Question, int], ...] = (
    ("by id", _by_id, 5),
    ("latest 100 of an agent", _agent, 10),
)
_OTHERS: tuple[tuple[str, Question], ...] = (
    ("latest 100", lambda _, __: {}),
    ("registration", _registration),
    ("related agent", _teacher),
    ("verb", _verb),
    ("activity", _activity),
    ("related activity", _book),
    ("agent, verb", lambda rng, archive: _agent(rng, archive) | _verb(rng, archive)),
    ("activity, verb", lambda rng, archive: _activity(rng, archive) | _verb(rng, archive)),
    ("verb, since, until", _verb_in_an_hour),
    ("agent, activity, since", _agent_activity_since),
    ("rare verb, all of it old", lambda _, __: {"verb": f"{VERB}{RARE}"}),
)
_MAY_FIND_NOTHING = frozenset({"agent, verb", "activity, verb"})
# What meets the filter, or looks as if it did, is a large part of the archive, and none of it is in the answer.
_HOPELESS: tuple[tuple[str, Question], ...] = (
    (
        "retired verb, since",
        lambda _, archive: {"verb": f"{VERB}{RETIRED}", "since": _moment(archive.count // 2)},
    ),
    ("verb of another app", lambda _, __: {"verb": f"{VERB}{PRIVATE}"}),
    (
        "verb and activity, never together",
        lambda _, __: {"verb": NEVER[0], "activity": NEVER[1], "related_activities": "true"},
    ),
)


async def reading(results: Results, count: int) -> None:
    """Measure with 100,000 statements and with `count`, if that is more; then how flat that is."""
    times = {size: await _measured(results, size) for size in sorted({_SMALL, max(_SMALL, count)})}
    small, large = min(times), max(times)
    for name in times[small] if large > small else ():
        if name in times[large]:
            ratio = times[large][name] / times[small][name]
            results.add(f"flat: {name}, {large:,} to {small:,}", ratio, "x, of p95", aim=f"<= {_FLAT} x")


async def _measured(results: Results, size: int) -> Times:
    """The p95 of each question, in milliseconds."""
    with tempfile.TemporaryDirectory(prefix="ayumi-bench-") as name:
        folder = Path(name)
        seconds = await asyncio.to_thread(_fill, folder, size)
        results.add(f"archive of {size:,} statements, made in", seconds, "s")
        async with Zone(folder, load_settings(folder), free_ports=True) as zone:
            registry = open_registry(zone.settings, zone.folder)
            user = ":".join(registry.credentials.add(APP))
            registry.close()
            await asyncio.sleep(_SETTLED_SECONDS)
            client = _Client(zone.settings.gateway.port, user)
            session = _Session(results, client, BenchArchive(size), zone.settings.store.query_seconds)
            return await asyncio.to_thread(session.run)


def _fill(folder: Path, count: int) -> float:
    command = [sys.executable, "-m", "tests.bench.archive_of", str(folder), str(count)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


class _Answer(NamedTuple):
    status: int
    body: bytes
    retry_after: str | None
    ms: float


class _Client:
    """One app on one connection."""

    def __init__(self, port: int, user: str) -> None:
        self._headers = {
            "Authorization": "Basic " + base64.b64encode(user.encode()).decode(),
            "X-Experience-API-Version": "1.0.3",
        }
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_CLIENT_SECONDS)

    def get(self, parameters: Parameters) -> _Answer:
        """Ask for one statement, or for 100. After an error the next call connects anew."""
        one = "statementId" in parameters or "voidedStatementId" in parameters
        path = f"/xAPI/statements?{urlencode(parameters if one else parameters | {'limit': '100'})}"
        began = time.perf_counter()
        try:
            self._connection.request("GET", path, headers=self._headers)
            answer = self._connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        took = (time.perf_counter() - began) * 1000
        return _Answer(answer.status, body, answer.getheader("Retry-After"), took)


class _Session:
    """One client asks one archive; every question adds its rows to the results."""

    def __init__(self, results: Results, client: _Client, archive: BenchArchive, limit_seconds: float) -> None:
        self._results = results
        self._client = client
        self._archive = archive
        self._limit_seconds = limit_seconds
        self._times: Times = {}

    def run(self) -> Times:
        """Ask everything. The p95 of each question that was answered, in milliseconds."""
        self._check()
        self._warm_up()
        for name, question, aim in _AIMED:
            self._ask(name, question, _REQUESTS, aim=f"p95 <= {aim} ms")
        for name, question in _OTHERS:
            self._ask(name, question, _OF_OTHERS)
        for name, question in _HOPELESS:
            self._ask_hopeless(name, question)
        return self._times

    def _check(self) -> None:
        """Whether the archive is what it is meant to be: its voids, its references and its other app have effect."""
        archive, get, numbers = self._archive, self._client.get, range(self._archive.count)
        voided = next(number for number in numbers if archive.is_own(number) and archive.is_voided(number))
        commented = next(number for number in numbers if archive.is_own(number) and archive.is_commented(number))
        foreign = next(number for number in numbers if not archive.is_own(number))
        asked = (("statementId", voided), ("voidedStatementId", voided), ("statementId", foreign))
        statuses = [get({name: str(statement_id(number))}).status for name, number in asked]
        found = get({"registration": str(archive.sitting(commented))}).body
        if statuses != [404, 200, 404] or str(statement_id(archive.referring(commented))).encode() not in found:
            msg = f"this is not the archive that was meant: {statuses}, {found[:300]!r}"
            raise RuntimeError(msg)

    def _warm_up(self) -> None:
        rng, until = random.Random(self._archive.count + 1), time.monotonic() + _WARM_UP_SECONDS
        while time.monotonic() < until:
            for _, question, _ in _AIMED:
                self._client.get(question(rng, self._archive))

    def _ask(self, name: str, question: Question, count: int, *, aim: str = "") -> None:
        label = f"{name}, of {self._archive.count:,}"
        try:
            taken = list(self._answers(question, count, may_be_empty=name in _MAY_FIND_NOTHING))
        except (OSError, http.client.HTTPException, RuntimeError) as error:
            self._results.fail(f"{label}, p95", "ms", f"{type(error).__name__}: {error}")
            return
        self._times[name] = quantile(taken, 0.95)
        self._results.add(f"{label}, p50", quantile(taken, 0.5), "ms")
        self._results.add(f"{label}, p95", self._times[name], "ms", aim=aim)

    def _answers(self, question: Question, count: int, *, may_be_empty: bool) -> Iterator[float]:
        """Milliseconds of each answer. Raises `RuntimeError` for one that is not what it should be."""
        rng, until = random.Random(self._archive.count), time.monotonic() + _MOST_SECONDS
        for number in range(_WARM_UP + count):
            parameters = question(rng, self._archive)
            answer = self._client.get(parameters)
            if answer.status != 200 or (answer.body.startswith(_NOTHING) and not may_be_empty):
                msg = f"{parameters} answered {answer.status}: {answer.body[:300]!r}"
                raise RuntimeError(msg)
            if number >= _WARM_UP:
                yield answer.ms
            if time.monotonic() > until and number > _WARM_UP:
                return

    def _ask_hopeless(self, name: str, question: Question) -> None:
        label = f"hopeless: {name}, of {self._archive.count:,}"
        rng, aim = random.Random(self._archive.count), f"200 or 503 in {self._limit_seconds:g} s"
        try:
            answers = [self._client.get(question(rng, self._archive)) for _ in range(_OF_HOPELESS)]
        except (OSError, http.client.HTTPException) as error:
            self._results.fail(label, "ms", f"{type(error).__name__}: {error}")
            return
        worst = max(answer.ms for answer in answers)
        said = "/".join(str(answer.status) for answer in answers)
        wrong = any(one.status != 200 and not (one.status == 503 and one.retry_after) for one in answers)
        if wrong or worst > (self._limit_seconds + _GRACE_SECONDS) * 1000:
            self._results.fail(label, "ms", f"{said}, worst after {worst:,.0f} ms; {aim}")
        else:
            self._results.add(f"{label}: {said}", worst, "ms, worst", aim=aim)
