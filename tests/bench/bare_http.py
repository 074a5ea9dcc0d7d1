"""The limit of any LRS in this language on this machine: a framework and a Kafka client, and nothing between them.

Starlette on uvicorn parses the body and answers when the broker has confirmed it: one statement by aiokafka's
`send_and_wait`, many as one batch. No credentials, no validation, no id authority, nobody who reads it.

    python -m tests.bench.bare_http BOOTSTRAP_SERVERS TOPIC

Prints its port and serves until it is killed.
"""

from __future__ import annotations

import itertools
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import uvicorn
from aiokafka import AIOKafkaProducer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_BATCH_BYTES = 1 << 20


class BareServer:
    """Takes statements in and puts them on a topic."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self._options = {"bootstrap_servers": bootstrap_servers, "acks": "all", "enable_idempotence": True}
        self._topic = topic
        self._producer: Any = None
        self._partitions: Iterator[int] = iter(())

    @asynccontextmanager
    async def running(self, _: Starlette) -> AsyncIterator[None]:
        """The time in which the producer is connected."""
        self._producer = AIOKafkaProducer(**self._options, max_batch_size=_BATCH_BYTES)
        await self._producer.start()
        self._partitions = itertools.cycle(sorted(await self._producer.partitions_for(self._topic)))
        yield
        await self._producer.stop()

    async def post(self, request: Request) -> Response:
        """Answer with the ids once everything is confirmed."""
        body = await request.body()
        given = orjson.loads(body)
        if isinstance(given, list):
            await self._send_batch(given)
            return _ids(given)
        await self._producer.send_and_wait(self._topic, body, key=given["id"].encode())
        return _ids([given])

    async def _send_batch(self, statements: list[dict[str, Any]]) -> None:
        batch = self._producer.create_batch()
        for statement in statements:
            if batch.append(key=statement["id"].encode(), value=orjson.dumps(statement), timestamp=None) is None:
                msg = "the statements of one request must fit in one batch"
                raise ValueError(msg)
        await (await self._producer.send_batch(batch, self._topic, partition=next(self._partitions)))


def _ids(statements: list[dict[str, Any]]) -> Response:
    return Response(orjson.dumps([statement["id"] for statement in statements]), media_type="application/json")


def main(bootstrap_servers: str, topic: str) -> None:
    """Serve on a free port."""
    bare = BareServer(bootstrap_servers, topic)
    app = Starlette(routes=[Route("/xAPI/statements", bare.post, methods=["POST"])], lifespan=bare.running)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - how the benchmark learns the port
    config = uvicorn.Config(app, http="httptools", ws="none", log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
