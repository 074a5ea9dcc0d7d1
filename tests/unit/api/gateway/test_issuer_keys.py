"""The issuer's keys over time, from a file that changes and vanishes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lrs.api.gateway.issuer_keys import IssuerKeys
from lrs.api.gateway.key_sources import FileSource
from lrs.kernel.errors import RetryError
from tests.support.issuer import Signer, key_set, signer
from tests.support.waiting import eventually

ONE, TWO = signer("ES256", "one"), signer("ES256", "two")


class Shelf:
    """Keys of a file, by a clock that the test turns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1000.0
        self.keys = IssuerKeys(
            FileSource(path), refresh_seconds=300, refetch_seconds=10, kept_seconds=3600, clock=lambda: self.now
        )

    def publish(self, *signers: Signer) -> None:
        self.path.write_bytes(key_set(*(one.jwk() for one in signers)))

    async def knows(self, kid: str) -> bool:
        return len(await self.keys.find(kid, "ES256")) == 1


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    made = Shelf(tmp_path / "keys.json")
    made.publish(ONE)
    yield made
    made.keys.close()


async def test_keys_are_fetched_when_they_are_first_asked_for(shelf: Shelf) -> None:
    assert await shelf.knows("one")
    assert not await shelf.knows("two")


async def test_an_unknown_name_fetches_the_keys_again(shelf: Shelf) -> None:
    assert await shelf.knows("one")
    shelf.publish(ONE, TWO)
    shelf.now += 11
    assert await shelf.knows("two")


async def test_unknown_names_fetch_no_more_often_than_allowed(shelf: Shelf) -> None:
    assert await shelf.knows("one")
    shelf.publish(ONE, TWO)
    shelf.now += 9
    assert not await shelf.knows("two")
    shelf.now += 2
    assert await shelf.knows("two")


async def test_many_at_once_wait_for_one_fetch(shelf: Shelf) -> None:
    assert await asyncio.gather(*(shelf.knows("one") for _ in range(50))) == [True] * 50


async def test_aged_keys_are_fetched_again_without_anybody_waiting(shelf: Shelf) -> None:
    assert await shelf.knows("one")
    shelf.publish(TWO)
    shelf.now += 301
    assert await shelf.knows("one")  # the former keys answer meanwhile
    generation = shelf.keys.generation
    await eventually(lambda: shelf.keys.generation > generation)
    assert not await shelf.knows("one")
    assert await shelf.knows("two")


async def test_the_generation_moves_only_when_other_keys_are_published(shelf: Shelf) -> None:
    assert await shelf.knows("one")
    generation = shelf.keys.generation
    shelf.now += 11
    assert not await shelf.knows("two")
    assert shelf.keys.generation == generation
    shelf.publish(Signer("ES256", "one"))  # another key of the same name
    shelf.now += 11
    assert not await shelf.knows("two")
    assert shelf.keys.generation == generation + 1


async def test_the_last_keys_are_used_while_the_issuer_is_away_for_a_bounded_time(shelf: Shelf) -> None:
    assert await shelf.knows("one")
    shelf.path.unlink()
    shelf.now += 3599
    assert await shelf.knows("one")
    shelf.now += 11
    with pytest.raises(RetryError, match="signing keys"):
        await shelf.knows("one")
    with pytest.raises(RetryError, match="signing keys"):
        shelf.keys.tend()
    shelf.publish(ONE)
    shelf.now += 11
    assert await shelf.knows("one")


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"keys":[]}'])
async def test_what_is_no_key_set_replaces_nothing(shelf: Shelf, body: bytes) -> None:
    assert await shelf.knows("one")
    shelf.path.write_bytes(body)
    shelf.now += 11
    with pytest.raises(RetryError):
        await shelf.knows("two")
    assert await shelf.knows("one")


async def test_an_unknown_name_cannot_be_judged_while_the_issuer_is_away(shelf: Shelf) -> None:
    assert await shelf.knows("one")
    shelf.path.unlink()
    shelf.now += 11
    with pytest.raises(RetryError):
        await shelf.knows("two")


async def test_an_issuer_that_never_answered_is_a_reason_to_try_again_and_its_place_is_not_told(shelf: Shelf) -> None:
    shelf.path.unlink()
    with pytest.raises(RetryError) as caught:
        await shelf.knows("one")
    assert caught.value.after_seconds == 10
    assert str(shelf.path) not in str(caught.value)


async def test_a_fetch_that_nobody_waits_for_any_more_is_ended_at_close(shelf: Shelf) -> None:
    looking = asyncio.create_task(shelf.knows("one"))
    await asyncio.sleep(0)
    looking.cancel()
    shelf.keys.close()
    with pytest.raises(asyncio.CancelledError):
        await looking
