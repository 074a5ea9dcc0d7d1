"""A moment's memory: equal questions share an answer, failures and departures do no harm."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from lrs.api.board.cache import BriefCache


@pytest.fixture
async def cache() -> AsyncIterator[BriefCache]:
    cache = BriefCache(threads=2, seconds=60, entries=3)
    yield cache
    cache.close()


async def test_equal_questions_at_once_are_computed_once(cache: BriefCache) -> None:
    calls, go = [], threading.Event()

    def compute() -> int:
        calls.append(threading.current_thread().name)
        go.wait(10)
        return 7

    asked = [asyncio.create_task(cache.get("key", compute)) for _ in range(5)]
    asyncio.get_running_loop().call_later(0, go.set)
    assert await asyncio.gather(*asked) == [7] * 5
    assert await cache.get("key", compute) == 7
    assert len(calls) == 1
    assert calls[0].startswith("board")


async def test_an_answer_is_forgotten_in_time() -> None:
    cache, numbers = BriefCache(threads=1, seconds=0), iter(range(9))
    assert [await cache.get("key", lambda: next(numbers)) for _ in range(3)] == [0, 1, 2]
    cache.close()


async def test_a_failure_is_told_to_all_who_wait_and_not_remembered(cache: BriefCache) -> None:
    def fail() -> int:
        raise ValueError

    results = await asyncio.gather(*(cache.get("key", fail) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError] * 3
    assert await cache.get("key", lambda: 1) == 1


async def test_one_who_leaves_does_not_take_the_answer_from_others(cache: BriefCache) -> None:
    go = threading.Event()
    first = asyncio.create_task(cache.get("key", lambda: go.wait(10)))
    second = asyncio.create_task(cache.get("key", lambda: False))
    await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert await second is True


async def test_memory_is_bounded(cache: BriefCache) -> None:
    numbers = iter(range(99))
    for key in "abcd":
        await cache.get(key, lambda: next(numbers))
    assert await cache.get("b", lambda: next(numbers)) == 1
    assert await cache.get("a", lambda: next(numbers)) == 4
