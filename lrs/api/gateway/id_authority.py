"""Decides at the door whether a statement's id is new, a repeat or a conflict.

It knows what the recorder's id index knows, what this gateway has under way, and what was acknowledged but not yet
recorded. What two gateways accept at the same moment the recorder settles.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lrs.kernel.errors import RefusedError, RetryError
from lrs.kernel.reasons import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lrs.kernel.publishing import Coordinates

_MOST_UNRECORDED = 500_000
_FORGET_EVERY = 64  # requests; remembering an id longer than the index needs it does no harm


class Claim(NamedTuple):
    """A statement that wants its id: 16 bytes of id, digest of the content, whether the id was minted just now."""

    statement_id: bytes
    digest: bytes
    minted: bool


class TakenId(Protocol):
    """What the index says of an id."""

    @property
    def digest(self) -> bytes:
        """Digest of the content that the id stands for."""
        ...


class Index(Protocol):
    """The recorder's id index, read only."""

    def get_many(self, ids: Sequence[bytes]) -> Sequence[TakenId | None]:
        """The entry of each id, None for one never taken."""
        ...


class Recorded(Protocol):
    """How far the recorder, and with it the index, has come."""

    def next_offset(self, partition: int) -> int:
        """The first offset of the partition that the index does not cover."""
        ...


class IdAuthority:
    """Belongs to one event loop."""

    def __init__(self, index: Index, recorded: Recorded) -> None:
        self._index = index
        self._recorded = recorded
        self._flying: dict[bytes, asyncio.Future[None]] = {}
        self._unrecorded: dict[bytes, bytes] = {}
        self._order: defaultdict[int, deque[tuple[int, bytes]]] = defaultdict(deque)
        self._acknowledged = 0

    async def claim(self, claims: Sequence[Claim], *, wait_seconds: float = 10.0) -> list[int]:
        """The places of those that are new, which are now this caller's; every other one repeats what is stored.

        Waits while another request has one of the ids under way; `TimeoutError` after `wait_seconds`. Claims all or
        nothing: raises `RefusedError` for an id that stands for other content, with `path` `$[place].id`. The caller
        must `acknowledge` or `release`.
        """
        if len(self._unrecorded) > _MOST_UNRECORDED:
            self._forget_recorded()
        if len(self._unrecorded) > _MOST_UNRECORDED:
            raise RetryError("recorder", f"it is {len(self._unrecorded)} statements behind")
        fresh, under_way = self._look(claims)
        if under_way:
            async with asyncio.timeout(wait_seconds):
                while under_way:
                    await asyncio.wait(under_way)
                    fresh, under_way = self._look(claims)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for place in fresh:
            self._flying[claims[place].statement_id] = done
        return fresh

    def acknowledge(self, claims: Sequence[Claim], fresh: Sequence[int], where: Sequence[Coordinates]) -> None:
        """The fresh ones are on the log, at `where`: remembered until the index has them."""
        self._acknowledged += 1
        if self._acknowledged % _FORGET_EVERY == 0:
            self._forget_recorded()
        for place, (partition, offset) in zip(fresh, where, strict=True):
            statement_id, digest, _ = claims[place]
            self._unrecorded[statement_id] = digest
            self._order[partition].append((offset, statement_id))
        self.release(claims, fresh)

    def release(self, claims: Sequence[Claim], fresh: Iterable[int]) -> None:
        """Whoever waits for one of these ids looks again."""
        for place in fresh:
            done = self._flying.pop(claims[place].statement_id)
            if not done.done():
                done.set_result(None)

    def _look(self, claims: Sequence[Claim]) -> tuple[list[int], set[asyncio.Future[None]]]:
        fresh: list[int] = []
        asked: list[int] = []
        here: dict[bytes, bytes] = {}
        under_way: set[asyncio.Future[None]] = set()
        for place, (statement_id, digest, minted) in enumerate(claims):
            taken = here.get(statement_id) or self._unrecorded.get(statement_id)
            if taken is not None:
                _check(taken, digest, place)
                continue
            here[statement_id] = digest
            done = self._flying.get(statement_id)
            if done is not None:
                under_way.add(done)
            elif minted:
                fresh.append(place)
            else:
                asked.append(place)
        if asked and not under_way:
            entries = self._index.get_many([claims[place].statement_id for place in asked])
            for place, entry in zip(asked, entries, strict=True):
                if entry is None:
                    fresh.append(place)
                else:
                    _check(entry.digest, claims[place].digest, place)
            fresh.sort()
        return fresh, under_way

    def _forget_recorded(self) -> None:
        """Drop what the index now knows: the recorder puts an id there before it moves on."""
        for partition, order in self._order.items():
            recorded = self._recorded.next_offset(partition)
            while order and order[0][0] < recorded:
                self._unrecorded.pop(order.popleft()[1], None)


def _check(taken: bytes, digest: bytes, place: int) -> None:
    if taken != digest:
        rule = "the id is taken by a statement with other content (xAPI Communication 2.1.2)"
        raise RefusedError(Refusal.CONFLICT, rule, path=f"$[{place}].id")
