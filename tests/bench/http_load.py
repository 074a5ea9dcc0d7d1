"""HTTP load from a process of its own: posts statements to an LRS on loopback and prints one JSON line of what it saw.

Bounded in time and in requests. The bodies are made before the clock starts, so that what is measured is the server.
Without a rate the loop is closed: each connection posts as soon as it has its answer, which finds the highest rate.
With a rate the loop is open: requests fall due at chance moments, as those of clients who know nothing of each other,
and each is timed from when it was due, so that a stall counts for everyone who had to wait for its end.

    python -m tests.bench.http_load --port 8080 --user key:secret --batch 1 --connections 16 --seconds 10 [--rate 500]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_REQUESTS = 200_000
BROKEN = 0  # the "status" of a request whose connection broke


# The sizes of the simulator's district: learners and items come again, as they do in a school.
_LEARNERS, _ITEMS, _SITTINGS = 3_000, 7_400, 8


def drill_statement(rng: random.Random) -> dict[str, object]:
    """A drill answer of about 1.2 kB, of the shape that both record stores accept."""
    scaled = round(rng.random(), 4)
    item, learner = rng.randrange(_ITEMS), rng.randrange(_LEARNERS)
    sitting = uuid.UUID(int=learner << 64 | rng.randrange(_SITTINGS) + 1, version=4)
    return {
        "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "actor": {
            "objectType": "Agent",
            "account": {
                "homePage": "https://portal.example.jp",
                "name": str(uuid.UUID(int=learner + 1, version=4)),
            },
        },
        "verb": {
            "id": "http://adlnet.gov/expapi/verbs/answered",
            "display": {"en-US": "answered", "ja-JP": "解答した"},
        },
        "object": {
            "objectType": "Activity",
            "id": f"https://drill.example.jp/items/{item:05d}",
            "definition": {
                "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
                "name": {"ja-JP": f"分数のかけ算 {item:05d}"},
                "description": {"ja-JP": "つぎの計算をしましょう。答えは約分して書きましょう。"},
                "interactionType": "fill-in",
                "correctResponsesPattern": ["2/3"],
                "extensions": {
                    "https://w3id.org/xapi-japan-profiles/assessment/extensions/course-of-study-code": [
                        "8250263111200000"
                    ]
                },
            },
        },
        "result": {
            "score": {"scaled": scaled, "raw": round(scaled * 100, 2), "min": 0, "max": 100},
            "success": scaled > 0.5,
            "completion": True,
            "response": "2/3",
            "duration": f"PT{rng.randrange(5, 90)}S",
        },
        "context": {
            "registration": str(sitting),
            "platform": "Drill",
            "language": "ja-JP",
            "contextActivities": {
                "grouping": [{"id": f"https://drill.example.jp/sittings/{sitting}", "objectType": "Activity"}]
            },
        },
        "timestamp": "2026-06-15T01:23:45.678Z",
    }


@dataclass
class Seen:
    """What the load saw: times in seconds, counts by status."""

    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    statements: int = 0

    def note(self, seconds: float, status: int, statements: int) -> None:
        """One answer; only a good one counts for its statements."""
        self.times.append(seconds)
        self.statuses[status] += 1
        self.statements += statements if status == 200 else 0

    def report(self, took: float, *, used_up: bool) -> dict[str, object]:
        """Rates of the good answers alone, times of all of them."""
        times = sorted(self.times)
        return {
            "requests": len(times),
            "requests_per_second": self.statuses[200] / took,
            "statements": self.statements,
            "statements_per_second": self.statements / took,
            "statuses": dict(self.statuses),
            "p50_ms": 1000 * times[len(times) // 2] if times else None,
            "p99_ms": 1000 * times[int(len(times) * 0.99)] if times else None,
            "seconds": took,
            "used_up": used_up,
        }


@dataclass
class Load:
    """What to post where: prepared bodies of `batch` statements each, and the moments when they are due."""

    port: int
    head: bytes
    batch: int
    bodies: list[bytes]
    due: Iterator[float]
    seen: Seen = field(default_factory=Seen)

    async def connection(self, until: float) -> None:
        """Post on one connection until the time or the bodies are used up. A broken connection is opened again."""
        while self.bodies and time.perf_counter() < until:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                self.seen.note(0.0, BROKEN, 0)
                await asyncio.sleep(0.1)
                continue
            while self.bodies and (due := next(self.due)) < until:
                body = self.bodies.pop()
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                status = await _request(reader, writer, self.head, body)
                self.seen.note(time.perf_counter() - due, status, self.batch)
                if status == BROKEN:
                    break
            else:
                until = 0.0
            writer.close()


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, body: bytes) -> int:
    writer.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)
    try:
        response = await reader.readuntil(b"\r\n\r\n")
        status = int(response[9:12])
        lines = response.lower().split(b"\r\n")
        length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), None)
        if length is None:
            raise ValueError(response.decode("latin-1"))
        await reader.readexactly(length)
    except (OSError, asyncio.IncompleteReadError):
        return BROKEN
    return status


def _at_once() -> Iterator[float]:
    while True:
        yield time.perf_counter()


def _at_rate(start: float, rate: float, rng: random.Random) -> Iterator[float]:
    """Moments with exponential gaps: `rate` a second, each independent of the others."""
    while True:
        start += rng.expovariate(rate)
        yield start


def _bodies(rng: random.Random, batch: int, most: int) -> list[bytes]:
    made = []
    for _ in range(min(most, MOST_REQUESTS)):
        statements = [drill_statement(rng) for _ in range(batch)]
        made.append(json.dumps(statements[0] if batch == 1 else statements, ensure_ascii=False).encode())
    return made


async def load(options: argparse.Namespace) -> dict[str, object]:
    """Post for `seconds`, or until `most` prepared requests are used up."""
    rng = random.Random(options.seed)
    bodies = _bodies(rng, options.batch, options.most)
    basic = base64.b64encode(options.user.encode()).decode()
    head = (
        "POST /xAPI/statements HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Experience-API-Version: 1.0.3\r\nAuthorization: Basic {basic}\r\nContent-Length: "
    ).encode()
    start = time.perf_counter()
    due = _at_rate(start, options.rate, rng) if options.rate else _at_once()
    made = Load(options.port, head, options.batch, bodies, due)
    await asyncio.gather(*(made.connection(start + options.seconds) for _ in range(options.connections)))
    return made.seen.report(time.perf_counter() - start, used_up=not bodies)


def main() -> None:
    """Parse, load, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--most", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0, help="requests a second; 0: as fast as the answers come")
    sys.stdout.write(json.dumps(asyncio.run(load(parser.parse_args()))) + "\n")


if __name__ == "__main__":
    main()
