"""The processor: `accepted` to `activity`, in Faust."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import psutil

from lrs.kernel.codec import codec
from lrs.kernel.parts import Part
from lrs.kernel.topics import Noun
from processors.processor import ProcessorPart
from processors.slice_step import SliceStep
from tests.stream.steps.step import FIRST, PARTITIONS, Frozen, Letter, Step
from tests.support.learning import ROOT_KEY, slice_bytes, statement
from tests.support.log import Pair
from tests.support.processing import PER_SLICE, opened, read
from tests.support.processing import offsets as offsets_of
from tests.support.stream_part import command
from tests.support.waiting import eventually


class ProcessorStep(Step):
    """Items are slices."""

    name = "processor"
    source = Noun.ACCEPTED
    lot = 48
    points = (("taken", 3), ("produced", 5), ("commit", 1))
    gate = SliceStep, "_write"
    writes_to = Noun.ACTIVITY
    room: ClassVar[dict[str, Any]] = {}

    async def prepare(self) -> None:
        """Catalogue, roster and consent."""
        async with opened(self.broker, self.zone) as stream:
            await stream.put_references()

    def record(self, item: int) -> Pair:
        """A slice of which every third source offset is missing, as if it had been refused."""
        number = item // PARTITIONS
        bodies = [(offset, statement(offset + 1)) for offset in offsets_of(range(number, number + 1))]
        return None, slice_bytes(item % PARTITIONS, bodies)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """It has no store."""
        yield

    def part(self, member: str = FIRST) -> Part:
        """On the test's event loop."""
        return ProcessorPart(self.settings(member), root_key=ROOT_KEY)

    async def outputs(self) -> dict[str, Any]:
        """For each partition the source offsets, less those that the loader skips."""
        found: dict[str, Any] = {}
        for partition, values in (await self.values(Noun.ACTIVITY)).items():
            kept: list[int] = []
            for value in values:
                offset = read(value)["offset"]
                if not kept or offset > kept[-1]:
                    kept.append(offset)
            found[str(partition)] = kept
        return found

    def expected(self, items: Iterable[int]) -> dict[str, Any]:
        """All of every slice, in order."""
        found: dict[str, list[int]] = {str(partition): [] for partition in range(PARTITIONS)}
        for item in sorted(items):
            number = item // PARTITIONS
            found[str(item % PARTITIONS)] += offsets_of(range(number, number + 1))
        assert all(len(some) % PER_SLICE == 0 for some in found.values())
        return found

    async def letters(self) -> list[Letter]:
        """On the topic `refused`."""
        found = [
            codec("refused").decode(value) for some in (await self.values(Noun.REFUSED)).values() for value in some
        ]
        return [Letter(one["source"], one["partition"], one["offset"], one["original"]) for one in found]

    @contextmanager
    def frozen(self) -> Iterator[Frozen]:
        """A process, because Faust's consumer has a thread of its own: it stops itself when it has taken a slice."""
        words = command(self.name, self.folder, self.settings(), "taken", "3", str(int(signal.SIGSTOP)))
        with subprocess.Popen(words, env={**os.environ}) as process:
            try:
                yield _FrozenProcess(process)
            finally:
                process.kill()


class _FrozenProcess(Frozen):
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    async def stands(self) -> None:
        await eventually(lambda: psutil.Process(self._process.pid).status() == psutil.STATUS_STOPPED)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    async def ended(self, seconds: float) -> None:
        self._process.terminate()
        await asyncio.to_thread(self._process.wait, seconds)
