"""Fills a running zone with statements before something is tried on it: sent by the SDK, waited for to the last hop."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from lrs.cli.zone_state import settings_of
from producers.sdk import StatementPublisher
from tests.support.ayumi import ayumi

_LEARNERS = 10_000
_ITEMS = 2_000
_REFERENCES = 0.002
_SETTLING_SECONDS = 1800.0
_ACTOR = '{"account":{"homePage":"https://board.example.jp","name":"learner-%d"}}'
_ANSWER = (
    '{"id":"%s","actor":%s,"verb":{"id":"http://adlnet.gov/expapi/verbs/answered","display":{"en":"answered"}},'
    '"object":{"id":"https://drill.example.jp/items/%d","definition":{"name":{"ja":"分数 %d"}}},'
    '"result":{"success":%s,"duration":"PT%dS"},"timestamp":"2026-04-08T09:%02d:%02d.000Z"}'
)
_REFERENCE = (
    '{"id":"%s","actor":%s,"verb":{"id":"http://adlnet.gov/expapi/verbs/commented"},'
    '"object":{"objectType":"StatementRef","id":"%s"}}'
)


def preload(folder: Path, app: str, count: int) -> None:
    """Send `count` statements of `app` and wait until each is where it ends, so that nothing is busy any more."""
    began = time.monotonic()
    asyncio.run(_send(folder, app, count))
    sent = time.monotonic()
    wait = ["--wait", str(_SETTLING_SECONDS)]
    settled = ayumi("reconcile", str(folder), *wait, seconds=_SETTLING_SECONDS + 60)
    assert settled.returncode == 0, settled.stdout + settled.stderr
    rest = time.monotonic() - sent
    print(f"preloaded {count:,} statements in {sent - began:.0f} s, settled {rest:.0f} s later", flush=True)  # noqa: T201 - a program's output


async def _send(folder: Path, app: str, count: int) -> None:
    settings = settings_of(folder)
    async with StatementPublisher(settings.broker, zone=settings.zone.name, app=app) as publisher:
        await publisher.send_many(_statements(count))


def _statements(count: int) -> Iterator[str]:
    """Answers of learners to items, and here and there a reference to one of them; always the same but for the ids."""
    chance = random.Random(count)
    last = ""
    for _ in range(count):
        statement_id, actor = str(uuid.uuid4()), _ACTOR % chance.randrange(_LEARNERS)
        if last and chance.random() < _REFERENCES:
            yield _REFERENCE % (statement_id, actor, last)
            continue
        item, seconds = chance.randrange(_ITEMS), chance.randrange(3600)
        success = "true" if chance.random() < 0.7 else "false"
        yield _ANSWER % (statement_id, actor, item, item, success, seconds % 90, seconds // 60, seconds % 60)
        last = statement_id
