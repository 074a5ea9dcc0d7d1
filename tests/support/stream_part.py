"""One stream step as a process of its own, with its embedded store: something to kill, or to freeze.

`python -m tests.support.stream_part recorder FOLDER SETTINGS.json [POINT N [SIGNAL]]`: with a point it sends itself
SIGKILL, or the signal of that number, right after the N-th call of that method has done its work, which is where a real
kill hurts most.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer

from lrs.kernel.parts import Part
from lrs.kernel.progress import ArchiveProgress
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.archive import Archive
from lrs.store.dead_letters import DeadLetters
from lrs.store.engine import Engine, archive_engine, facts_engine
from lrs.store.facts import Facts
from lrs.store.ids import IdIndex
from lrs.store.migrate import migrate
from lrs.store.tallies import Tallies
from processors.batch_producer import BatchProducer
from processors.letters import LettersPart
from processors.loader import LoaderPart
from processors.log_order import LogOrder
from processors.processor import ProcessorPart
from processors.recorder import RecorderPart
from tests.support.learning import ROOT_KEY

POINTS: dict[str, tuple[type, str]] = {
    "ids": (IdIndex, "put_many"),
    "archive": (Archive, "insert"),
    "taken": (LogOrder, "taken"),
    "produced": (BatchProducer, "publish"),
    "facts": (Facts, "insert"),
    "retractions": (Facts, "insert_retractions"),
    "letters": (DeadLetters, "insert"),
    "tallies": (Tallies, "insert"),
    "commit": (AIOKafkaConsumer, "commit"),
}


@dataclass
class Stores:
    """The migrated engine of the archive or of the facts, and the archive's id index."""

    engine: Engine
    ids: IdIndex | None
    settings: Settings
    which: str = ""

    def tallies(self) -> Tallies:
        """A writer of its own to the tallies."""
        return Tallies(self.engine, self.settings.zone.operator)

    def part(self, progress: ArchiveProgress | None = None, settings: Settings | None = None) -> Part:
        """A recorder, loader or keeper of letters over these stores; several may share them."""
        settings = settings or self.settings
        if self.which == "letters":
            return LettersPart(settings, letters=DeadLetters(self.engine), tallies=self.tallies())
        if self.ids is None:
            return LoaderPart(settings, facts=Facts(self.engine), tallies=self.tallies())
        archive = Archive(self.engine)
        progress = progress or ArchiveProgress(settings.broker.partitions)
        return RecorderPart(settings, archive=archive, tallies=self.tallies(), ids=self.ids, progress=progress)


def open_store(which: str, folder: ZoneFolder, settings: Settings, closing: ExitStack) -> Engine:
    """The migrated engine of the archive ("recorder", "letters") or the facts ("loader"), closed with `closing`."""
    engine = facts_engine(settings, folder) if which == "loader" else archive_engine(settings, folder)
    closing.callback(engine.close)
    migrate(engine, "facts" if which == "loader" else "archive")
    return engine


def open_stores(which: str, folder: ZoneFolder, settings: Settings, closing: ExitStack) -> Stores:
    """The stores in `folder` for a "recorder", a "loader" or "letters", closed with `closing`."""
    folder.prepare()
    engine = open_store(which, folder, settings, closing)
    if which != "recorder":
        return Stores(engine, None, settings, which)
    ids = IdIndex.open(folder.ids)
    closing.callback(ids.close)
    return Stores(engine, ids, settings)


def signal_after(point: str, times: int, number: int) -> None:
    """Replace a method by one that does its work and, the N-th time, sends this process a signal."""
    owner, name = POINTS[point]
    work: Callable[..., Any] = getattr(owner, name)
    left = times

    def count_down() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), number)

    async def later(*given: Any, **named: Any) -> Any:  # noqa: ANN401
        result = await work(*given, **named)
        count_down()
        return result

    def now(*given: Any, **named: Any) -> Any:  # noqa: ANN401
        result = work(*given, **named)
        count_down()
        return result

    setattr(owner, name, later if asyncio.iscoroutinefunction(work) else now)


def command(which: str, folder: ZoneFolder, settings: Settings, *more: str) -> list[str]:
    """What starts the step as a process."""
    return [sys.executable, "-m", __name__, which, str(folder.root), settings.model_dump_json(), *more]


def run_and_be_killed(which: str, folder: ZoneFolder, settings: Settings, point: str, times: int) -> None:
    """Start a process that kills itself at a point, and wait until it did."""
    words = command(which, folder, settings, point, str(times))
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr[-3000:]


async def _run(part: Part) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await part.run(stop)


def main(which: str, folder: str, given: str, point: str = "", *more: str) -> None:
    """Run until SIGTERM, or until the point."""
    settings = Settings.model_validate_json(given)
    if point:
        times, number = [*map(int, more), signal.SIGKILL][:2]
        signal_after(point, times, number)
    with ExitStack() as closing:
        if which == "processor":
            asyncio.run(_run(ProcessorPart(settings, root_key=ROOT_KEY)))
        else:
            asyncio.run(_run(open_stores(which, ZoneFolder(Path(folder)), settings, closing).part()))


if __name__ == "__main__":
    main(*sys.argv[1:])
