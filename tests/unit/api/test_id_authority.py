"""Who gets an id: against the real index, with requests that overlap."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from lrs.api.gateway.id_authority import Claim, IdAuthority
from lrs.kernel.errors import RefusedError
from lrs.kernel.progress import ArchiveProgress
from lrs.kernel.publishing import Coordinates
from lrs.store.ids import IdEntry, IdIndex

ONE, TWO = b"1" * 16, b"2" * 16
A, B = b"a" * 16, b"b" * 16


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IdIndex]:
    opened = IdIndex.open(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def progress() -> ArchiveProgress:
    return ArchiveProgress(4)


@pytest.fixture
def ids(index: IdIndex, progress: ArchiveProgress) -> IdAuthority:
    return IdAuthority(index, progress)


def _claim(statement_id: bytes, digest: bytes) -> Claim:
    return Claim(statement_id, digest, minted=False)


def _recorded(index: IdIndex, progress: ArchiveProgress, statement_id: bytes, digest: bytes, offset: int) -> None:
    """What the recorder does, in its order."""
    index.put_many([(statement_id, IdEntry(0, offset, digest))])
    progress.advance(0, offset + 1, 0)


async def test_an_id_never_seen_is_new(ids: IdAuthority) -> None:
    assert await ids.claim([_claim(ONE, A), _claim(TWO, B)]) == [0, 1]


async def test_an_indexed_id_with_the_same_content_is_a_repeat(
    ids: IdAuthority, index: IdIndex, progress: ArchiveProgress
) -> None:
    _recorded(index, progress, ONE, A, 5)
    assert await ids.claim([_claim(TWO, A), _claim(ONE, A)]) == [0]


async def test_an_indexed_id_with_other_content_is_a_conflict_naming_its_place(
    ids: IdAuthority, index: IdIndex, progress: ArchiveProgress
) -> None:
    _recorded(index, progress, ONE, A, 5)
    with pytest.raises(RefusedError, match="taken by a statement with other content") as caught:
        await ids.claim([_claim(TWO, A), _claim(ONE, B)])
    assert (caught.value.reason, caught.value.path) == ("conflict", "$[1].id")


async def test_a_conflict_in_a_batch_leaves_the_ids_of_its_neighbours_free(
    ids: IdAuthority, index: IdIndex, progress: ArchiveProgress
) -> None:
    _recorded(index, progress, ONE, A, 5)
    with pytest.raises(RefusedError):
        await ids.claim([_claim(TWO, A), _claim(ONE, B)])
    assert await ids.claim([_claim(TWO, B)]) == [0]


async def test_the_same_statement_twice_in_a_batch_is_new_once(ids: IdAuthority) -> None:
    assert await ids.claim([_claim(ONE, A), _claim(ONE, A)]) == [0]


async def test_two_contents_under_one_id_in_a_batch_are_a_conflict(ids: IdAuthority) -> None:
    with pytest.raises(RefusedError, match="other content"):
        await ids.claim([_claim(ONE, A), _claim(ONE, B)])


async def test_an_identical_claim_waits_for_the_first_and_repeats_it(ids: IdAuthority) -> None:
    first = [_claim(ONE, A)]
    assert await ids.claim(first) == [0]
    second = asyncio.ensure_future(ids.claim([_claim(ONE, A)]))
    await asyncio.sleep(0)
    assert not second.done()
    ids.acknowledge(first, [0], [Coordinates(0, 9)])
    assert await second == []


async def test_a_different_claim_waits_for_the_first_and_conflicts(ids: IdAuthority) -> None:
    first = [_claim(ONE, A)]
    await ids.claim(first)
    second = asyncio.ensure_future(ids.claim([_claim(ONE, B)]))
    await asyncio.sleep(0)
    assert not second.done()
    ids.acknowledge(first, [0], [Coordinates(0, 9)])
    with pytest.raises(RefusedError, match="other content"):
        await second


async def test_a_claim_takes_over_when_the_first_failed(ids: IdAuthority) -> None:
    first = [_claim(ONE, A)]
    await ids.claim(first)
    second = asyncio.ensure_future(ids.claim([_claim(ONE, B)]))
    await asyncio.sleep(0)
    ids.release(first, [0])
    assert await second == [0]


async def test_batches_that_share_ids_in_opposite_order_do_not_wait_for_each_other_for_ever(ids: IdAuthority) -> None:
    async def send(claims: list[Claim], offset: int) -> int:
        fresh = await ids.claim(claims)
        await asyncio.sleep(0)
        ids.acknowledge(claims, fresh, [Coordinates(0, offset + place) for place in fresh])
        return len(fresh)

    there, back = [_claim(ONE, A), _claim(TWO, B)], [_claim(TWO, B), _claim(ONE, A)]
    async with asyncio.timeout(5):
        counts = await asyncio.gather(send(there, 0), send(back, 10), send(there, 20))
    assert sorted(counts) == [0, 0, 2]


async def test_an_acknowledged_id_is_known_before_and_after_the_recorder_has_it(
    ids: IdAuthority, index: IdIndex, progress: ArchiveProgress
) -> None:
    claims = [_claim(ONE, A)]
    ids.acknowledge(claims, await ids.claim(claims), [Coordinates(0, 7)])
    assert await ids.claim(claims) == []
    _recorded(index, progress, ONE, A, 7)
    others = [_claim(TWO, A)]
    ids.acknowledge(others, await ids.claim(others), [Coordinates(0, 8)])  # lets go of what is recorded
    assert await ids.claim(claims) == []
    with pytest.raises(RefusedError):
        await ids.claim([_claim(ONE, B)])


async def test_a_minted_id_is_new_and_then_known(ids: IdAuthority) -> None:
    claims = [Claim(ONE, A, minted=True)]
    assert await ids.claim(claims) == [0]
    ids.acknowledge(claims, [0], [Coordinates(0, 1)])
    assert await ids.claim([_claim(ONE, A)]) == []
