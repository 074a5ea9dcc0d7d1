"""Acknowledged means durable: writes, kills a process at the very answer, and looks for all that was acknowledged."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import Callable, Iterable
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, NamedTuple

import httpx

from tests.conformance.parcels import MIXED, declaration, file_part, statements_part, written
from tests.conformance.statements import new_id, statement

_WRITERS = 4
_MOST_ANSWERS = 40  # the kill comes at one of the first so many
_FILE_BYTES = (10, 3_000, 400_000)
_SECONDS = 120
_VERSION = {"X-Experience-API-Version": "1.0.3"}


class Kept(NamedTuple):
    """A statement that was acknowledged, and the hashes of its files."""

    statement: dict[str, Any]
    files: frozenset[str] = frozenset()


class Fuse:
    """Kills at a chosen answer, before anybody can do anything else."""

    def __init__(self, answers: int, kill: Callable[[], None]) -> None:
        self._left = answers
        self._kill = kill
        self.blown = asyncio.Event()

    def burn(self) -> None:
        """One more answer was read."""
        self._left -= 1
        if self._left == 0:
            self._kill()
            self.blown.set()


def client(url: str, auth: tuple[str, str]) -> httpx.AsyncClient:
    """An app's client of a gateway."""
    return httpx.AsyncClient(base_url=f"{url}/xAPI", auth=auth, headers=_VERSION, timeout=60, trust_env=False)


async def write_until_killed(
    gateways: Iterable[httpx.AsyncClient], rng: random.Random, kill: Callable[[], None]
) -> list[Kept]:
    """Write until one of the next answers, at which `kill` is called: what was acknowledged."""
    fuse, kept = Fuse(rng.randrange(1, _MOST_ANSWERS), kill), list[Kept]()
    each = list(gateways)
    async with asyncio.timeout(_SECONDS), asyncio.TaskGroup() as group:
        for number in range(_WRITERS):
            group.create_task(_write(each[number % len(each)], random.Random(rng.random()), fuse, kept))
    return kept


async def _write(http: httpx.AsyncClient, rng: random.Random, fuse: Fuse, kept: list[Kept]) -> None:
    while not fuse.blown.is_set():
        sent, body, headers = _made(rng)
        try:
            answer = await http.post("/statements", content=body, headers=headers)
        except httpx.TransportError:
            continue
        if answer.status_code == 200:
            fuse.burn()
            kept += sent
        else:
            assert answer.status_code in {429, 503}, answer.text


def _made(rng: random.Random) -> tuple[list[Kept], bytes, dict[str, str]]:
    """A batch, or a statement with files, some of them large."""
    if rng.random() < 0.5:
        batch = [statement(id=new_id()) for _ in range(rng.randrange(1, 30))]
        return [Kept(one) for one in batch], json.dumps(batch).encode(), {"Content-Type": "application/json"}
    files = [rng.randbytes(rng.choice(_FILE_BYTES)) for _ in range(rng.randrange(1, 3))]
    one = statement(id=new_id(), attachments=[declaration(file) for file in files])
    hashes = frozenset(declared["sha2"] for declared in one["attachments"])
    return [Kept(one, hashes)], written(statements_part(one), *map(file_part, files)), MIXED


async def lost(http: httpx.AsyncClient, kept: Iterable[Kept]) -> list[str]:
    """The ids of what cannot be read again as it was sent, with what is wrong."""
    limit = asyncio.Semaphore(8)

    async def look(one: Kept) -> str:
        async with limit:
            return await _wrong(http, one)

    return [fault for fault in await asyncio.gather(*map(look, kept)) if fault]


async def _wrong(http: httpx.AsyncClient, one: Kept) -> str:
    name = one.statement["id"]
    parameters = {"statementId": name, "attachments": "true"}
    async with asyncio.timeout(_SECONDS):
        answer = await http.get("/statements", params=parameters)
        while answer.status_code == 503:
            await asyncio.sleep(0.2)
            answer = await http.get("/statements", params=parameters)
    if answer.status_code != 200:
        return f"{name}: {answer.status_code}"
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    first, *parts = BytesParser(policy=HTTP).parsebytes(head + answer.content).iter_parts()
    found = json.loads(first.get_payload(decode=True))  # type: ignore[arg-type]
    if any(found[key] != value for key, value in one.statement.items()):
        return f"{name}: other content"
    hashes = {hashlib.sha256(part.get_payload(decode=True)).hexdigest() for part in parts}  # type: ignore[arg-type]
    return "" if hashes == one.files else f"{name}: {len(one.files - hashes)} files are missing"
