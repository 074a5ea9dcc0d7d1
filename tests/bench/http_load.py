"""HTTP load from a process of its own: posts statements to an LRS on loopback and prints one JSON line of what it saw.

Bounded in time and in requests. The bodies are made before the clock starts, so that what is measured is the server.

    python -m tests.bench.http_load --port 8080 --user key:secret --mode single --connections 16 --seconds 10
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
from dataclasses import dataclass, field

MOST_REQUESTS = 200_000


def drill_statement(rng: random.Random) -> dict[str, object]:
    """A drill answer of about 1.2 kB, of the shape that both record stores accept."""
    scaled = round(rng.random(), 4)
    item = rng.randrange(20_000)
    return {
        "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "actor": {
            "objectType": "Agent",
            "account": {
                "homePage": "https://portal.example.jp",
                "name": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
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
            "registration": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "platform": "Drill",
            "language": "ja-JP",
            "contextActivities": {
                "grouping": [{"id": f"https://drill.example.jp/sittings/{item}", "objectType": "Activity"}]
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


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, body: bytes) -> int:
    writer.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)
    response = await reader.readuntil(b"\r\n\r\n")
    status = int(response[9:12])
    lines = response.lower().split(b"\r\n")
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), None)
    if length is None:
        raise ValueError(response.decode("latin-1"))
    await reader.readexactly(length)
    return status


async def _connection(port: int, head: bytes, bodies: list[tuple[bytes, int]], until: float, seen: Seen) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while bodies and (start := time.perf_counter()) < until:
        body, count = bodies.pop()
        status = await _request(reader, writer, head, body)
        seen.times.append(time.perf_counter() - start)
        seen.statuses[status] += 1
        seen.statements += count if status == 200 else 0
    writer.close()


async def load(
    port: int, user: str, *, batch: int, connections: int, seconds: float, seed: int, most: int
) -> dict[str, object]:
    """Post for `seconds`, or until `most` prepared requests are used up."""
    rng = random.Random(seed)
    bodies = []
    for _ in range(min(most, MOST_REQUESTS)):
        statements = [drill_statement(rng) for _ in range(batch)]
        body = json.dumps(statements[0] if batch == 1 else statements, ensure_ascii=False)
        bodies.append((body.encode(), batch))
    basic = base64.b64encode(user.encode()).decode()
    head = (
        "POST /xAPI/statements HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Experience-API-Version: 1.0.3\r\nAuthorization: Basic {basic}\r\nContent-Length: "
    ).encode()
    seen = Seen()
    start = time.perf_counter()
    await asyncio.gather(*(_connection(port, head, bodies, start + seconds, seen) for _ in range(connections)))
    took = time.perf_counter() - start
    times = sorted(seen.times)
    return {
        "requests": len(times),
        "requests_per_second": len(times) / took,
        "statements_per_second": seen.statements / took,
        "statuses": dict(seen.statuses),
        "p50_ms": 1000 * times[len(times) // 2] if times else None,
        "p99_ms": 1000 * times[int(len(times) * 0.99)] if times else None,
        "seconds": took,
        "used_up": not bodies,
    }


def main() -> None:
    """Parse, load, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--most", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    result = asyncio.run(
        load(
            arguments.port,
            arguments.user,
            batch=arguments.batch,
            connections=arguments.connections,
            seconds=arguments.seconds,
            seed=arguments.seed,
            most=arguments.most,
        )
    )
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
