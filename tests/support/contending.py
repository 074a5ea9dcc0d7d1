"""Many writers over one id, at several gateways, while processes are killed: is each id stored once, and as what."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from tests.conformance.statements import iri, new_id, statement

Statement = dict[str, Any]
Content = tuple[str, str]
"""A statement's id, and its response, in which the contents of an id differ."""
_TRIES = 200
_PAUSE_SECONDS = 0.2


class Contest:
    """Statements about one activity, so that a list of that activity is everything that was stored of them."""

    def __init__(self, https: Sequence[httpx.AsyncClient]) -> None:
        self._https = https
        self._activity = iri("contest")
        self.taken: dict[str, list[Statement]] = {}
        """By id, each content that was answered with a success."""
        self.unclear: dict[str, list[Statement]] = {}
        """By id, each content that was sent once without an answer, or with a 503: it may be stored all the same."""
        self.open = 0
        """How many single statements wait for their answer now."""

    def made(self, statement_id: str, number: int) -> Statement:
        """One content of an id."""
        response = {"response": str(number)}
        return {**statement(id=statement_id, object={"id": self._activity}, result=response), "actor": _ACTOR}

    async def fight(
        self, ids: int, writers: int, rng: random.Random, *, answered: Callable[[], None] = lambda: None
    ) -> None:
        """Send `writers` contents under each id at once, until each is answered with a success or a conflict.

        `answered` is called at each of these answers.
        """
        sent = [self.made(one, number) for one in [new_id() for _ in range(ids)] for number in range(writers)]
        rng.shuffle(sent)
        self.open += len(sent)

        async def one(statement: Statement) -> None:
            await self.send(statement, rng)
            self.open -= 1
            answered()

        await asyncio.gather(*map(one, sent))

    async def repeat(self, statements: int, retries: int, rng: random.Random, *, at_once: int = 16) -> None:
        """Send some statements, and then again and again in any order, in batches of any size, at any gateway."""
        all_of = [self.made(new_id(), 0) for _ in range(statements)]
        batches = [all_of[start : start + 100] for start in range(0, statements, 100)]
        left = retries
        while left > 0:
            batches.append(rng.sample(all_of, min(rng.randrange(1, 50), left)))
            left -= len(batches[-1])
        limit = asyncio.Semaphore(at_once)

        async def one(batch: list[Statement]) -> None:
            async with limit:
                await self._post(batch, rng)

        await asyncio.gather(*map(one, batches))
        self.taken |= {each["id"]: [each] for each in all_of}

    async def send(self, sent: Statement, rng: random.Random) -> None:
        """Send one, to any gateway, until it is answered."""
        if (await self._post(sent, rng)).status_code == 200:
            self.taken.setdefault(sent["id"], []).append(sent)

    async def stored(self) -> list[Statement]:
        """Everything that any gateway gives out of it, page by page."""
        http = self._https[0]
        found: list[Statement] = []
        target = httpx.URL("/statements", params={"activity": self._activity, "limit": "500"})
        while True:
            answer = await http.get(target)
            while answer.status_code == 503:
                await asyncio.sleep(_PAUSE_SECONDS)
                answer = await http.get(target)
            page = answer.json()
            found += page["statements"]
            if not page["more"]:
                return found
            target = http.base_url.join(page["more"])

    async def losers(self) -> set[Content]:
        """What was answered with a success and is not what is stored."""
        kept = {content_of(one) for one in await self.stored()}
        return {content_of(one) for sent in self.taken.values() for one in sent} - kept

    async def conflicts(self, vendor: httpx.AsyncClient) -> set[Content]:
        """What the app is told was refused, for another content has its id; of any of its statements."""
        found: set[Content] = set()
        asked = {"reason": "conflict", "limit": "1000"}
        after: str | None = ""
        while after is not None:
            answer = await vendor.get("/vendor/refused", params={**asked, "after": after})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            after = page["after"]
            for one in page["letters"]:
                place = f"{one['source']}/{one['partition']}/{one['offset']}"
                told = (await vendor.get(f"/vendor/refused/{place}")).json()
                found.add(content_of(json.loads(told["statement"])))
        return found

    async def wrong(self) -> list[str]:
        """What is not as it should be: each id with a success is stored once, as one of the contents that had it."""
        stored = await self.stored()
        counts = Counter(one["id"] for one in stored)
        found = [f"{name} is stored {count} times" for name, count in counts.items() if count != 1]
        found += [f"{name} is not stored" for name in self.taken.keys() - counts.keys()]
        found += [f"{name} was not acknowledged" for name in counts.keys() - self.taken.keys()]
        for one in stored:
            sent = [*self.taken.get(one["id"], ()), *self.unclear.get(one["id"], ())]
            contents = [each["result"] for each in sent]
            if contents and one["result"] not in contents:
                found.append(f"{one['id']} is stored as a content that was refused")
        return found

    async def _post(self, sent: Statement | list[Statement], rng: random.Random) -> httpx.Response:
        for _ in range(_TRIES):
            try:
                answer = await rng.choice(self._https).post("/statements", json=sent)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code in {200, 409}:
                return answer
            assert answer is None or answer.status_code in {429, 503}, answer.text
            for one in sent if isinstance(sent, list) else [sent]:
                self.unclear.setdefault(one["id"], []).append(one)
            await asyncio.sleep(_PAUSE_SECONDS)
        msg = "a statement was never answered"
        raise TimeoutError(msg)


def content_of(statement: Statement) -> Content:
    """What tells it from every other."""
    return statement["id"], statement["result"]["response"]


_ACTOR = {"account": {"homePage": "https://board.example.jp", "name": "contender"}}
