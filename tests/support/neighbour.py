"""A good client in a process of its own, and what it notices of what others do to the same record store.

`python -m tests.support.neighbour PORT KEY:SECRET`: for each line COUNT it posts so many statements, one after the
other, and prints how long each took, in seconds, and how many went wrong. Ends with its input.
"""

from __future__ import annotations

import asyncio
import base64
import json
import statistics
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.support.http_zone import Zone

ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 60
_PAUSE_SECONDS = 0.005
# Here, so that the process need not load the record store.
_STATEMENT = {
    "actor": {"account": {"homePage": "https://portal.example.jp", "name": "learner-1"}},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
    "object": {"id": "https://drill.example.jp/items/1"},
}


class Noticed(NamedTuple):
    """What the client noticed in a while: the seconds that each request took, and how many went wrong."""

    seconds: tuple[float, ...] = ()
    errors: int = 0

    def and_then(self, other: Noticed) -> Noticed:
        """Both whiles together."""
        return Noticed(self.seconds + other.seconds, self.errors + other.errors)

    @property
    def median(self) -> float:
        """In seconds."""
        return statistics.median(self.seconds)

    @property
    def p99(self) -> float:
        """In seconds."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]


class Neighbour:
    """The good client, as the test sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def notice(self, count: int) -> Noticed:
        """What its next so many requests are like."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"%d\n" % count)
        seconds, errors = json.loads(await self._process.stdout.readline())
        return Noticed(tuple(seconds), errors)


@asynccontextmanager
async def neighbour(zone: Zone) -> AsyncIterator[Neighbour]:
    """A good client of the zone."""
    command = [sys.executable, "-m", "tests.support.neighbour", str(zone.place[1]), ":".join(zone.auth)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe, limit=2**20)
    try:
        yield Neighbour(process)
    finally:
        process.kill()
        await process.wait()


def _post(connection: HTTPConnection, headers: dict[str, str]) -> bool:
    """Whether a statement was taken."""
    body = json.dumps({**_STATEMENT, "id": str(uuid.uuid4())})
    try:
        connection.request("POST", "/xAPI/statements", body, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, HTTPException):
        connection.close()
        return False
    return answer.status == 200


def main(port: str, user: str) -> None:
    """Post as often as the input says."""
    connection = HTTPConnection("127.0.0.1", int(port), timeout=_SECONDS)
    headers = {
        "Authorization": f"Basic {base64.b64encode(user.encode()).decode()}",
        "Content-Type": "application/json",
        "X-Experience-API-Version": "1.0.3",
    }
    for line in sys.stdin:
        # One that was left open while others came would be closed for them, as the one that waits longest.
        connection.close()
        seconds, errors = list[float](), 0
        for _ in range(int(line)):
            began = time.perf_counter()
            errors += not _post(connection, headers)
            seconds.append(time.perf_counter() - began)
            time.sleep(_PAUSE_SECONDS)
        sys.stdout.write(json.dumps([seconds, errors]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
