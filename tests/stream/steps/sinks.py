"""What recorder, loader and letters have in common: an embedded store, and one thread that a freeze can stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar
from unittest.mock import patch

from lrs.kernel.codec import codec
from lrs.kernel.parts import Part
from lrs.kernel.topics import Noun
from tests.stream.steps.step import FIRST, PARTITIONS, Frozen, Letter, Step
from tests.support.stream_part import Stores, open_stores

Rows = list[tuple[int, int]]


class SinkStep(Step):
    """A step that writes to a store of its own."""

    dsn: ClassVar[str]
    """The setting that names the store."""
    stores: Stores

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Its store, and the recorder's id index."""
        with ExitStack() as closing:
            self.stores = open_stores(self.name, self.folder, self.settings(), closing)
            yield

    def part(self, member: str = FIRST) -> Part:
        """Several may share the stores."""
        return self.stores.part(settings=self.settings(member))

    def places(self, *selects: str) -> Rows:
        """(partition, offset) of the rows that the SELECTs find, sorted."""
        found: Rows = []
        for select in selects:
            found += [(int(partition), int(offset)) for partition, offset in self.stores.engine.query(select)]
        return sorted(found)

    def counted(self, hop: str, *outcomes: str) -> int:
        """How many records a hop has counted, those that ended so."""
        totals = self.stores.tallies().totals(hop)
        return sum(count for (outcome, _), count in totals.items() if outcome in outcomes)

    async def letters(self) -> list[Letter]:
        """On the topic `refused`."""
        found = [
            codec("refused").decode(value) for some in (await self.values(Noun.REFUSED)).values() for value in some
        ]
        return [Letter(one["source"], one["partition"], one["offset"], one["original"]) for one in found]

    @contextmanager
    def frozen(self) -> Iterator[Frozen]:
        """A part on a thread of its own, whose event loop stands still in the midst of `read`."""
        sink, _ = self.gate
        gate = _Gate()
        with patch.object(sink, "read", gate.around(sink.read)):  # type: ignore[attr-defined]
            frozen = _FrozenThread(self.part(), gate)
            frozen.start()
            try:
                yield frozen
            finally:
                frozen.thaw()


def place_of(item: int) -> tuple[int, int]:
    """Where an item lies."""
    return item % PARTITIONS, item // PARTITIONS


def places_of(items: Iterable[int]) -> Rows:
    """Where items lie, sorted."""
    return sorted(map(place_of, items))


class _Gate:
    """Stops the thread of the first caller."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def wait(*given: Any, **named: Any) -> Any:  # noqa: ANN401
            if not self.reached.is_set():
                self.reached.set()
                self.open.wait(60)
            return work(*given, **named)

        return wait


class _FrozenThread(Frozen):
    def __init__(self, part: Part, gate: _Gate) -> None:
        self._part = part
        self._gate = gate
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.start = self._thread.start

    async def stands(self) -> None:
        assert await asyncio.to_thread(self._gate.reached.wait, 30)

    def thaw(self) -> None:
        self._gate.open.set()

    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    async def ended(self, seconds: float) -> None:
        assert self._loop is not None
        assert self._stop is not None
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        await asyncio.to_thread(self._thread.join, seconds)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await self._part.run(self._stop)
