"""A board that serves made-up facts: the real part on the real engine, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrs.api.board import BoardPart
from lrs.kernel.settings import BoardSettings, Settings, ZoneSettings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.engine import facts_engine
from lrs.store.facts import Facts
from lrs.store.migrate import migrate
from lrs.store.tallies import Tallies

from tests.support.activities import PARTITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lrs.kernel.records import Activity
    from lrs.store.engine import Engine

OPERATOR = "みどり市教育委員会"
_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class ServedBoard:
    """Where a board is reached, and what stands behind it."""

    url: str
    root: Path
    token: str
    part: BoardPart
    engine: Engine
    facts: Facts
    tallies: Tallies

    def load(self, rows: Sequence[Activity]) -> None:
        """Put facts behind the board."""
        for partition in range(PARTITIONS):
            self.facts.insert([row for row in rows if row["partition"] == partition])


@contextmanager
def served_board(root: Path, rows: Sequence[Activity], *, min_learners: int = 10) -> Iterator[ServedBoard]:
    """A board over `rows`, listening on a free port of loopback."""
    folder = ZoneFolder(root)
    folder.prepare()
    settings = Settings(zone=ZoneSettings(operator=OPERATOR), board=BoardSettings(port=0, min_learners=min_learners))
    engine = facts_engine(settings, folder)
    try:
        migrate(engine, "facts")
        facts, tallies = Facts(engine), Tallies(engine, OPERATOR)
        part = BoardPart(settings, folder, facts=facts, tallies=tallies, engine=engine)
        with _running(part):
            token = folder.operator_token.read_text("ascii")
            board = ServedBoard(f"http://127.0.0.1:{part.port}", root, token, part, engine, facts, tallies)
            board.load(rows)
            yield board
    finally:
        engine.close()


@contextmanager
def _running(part: BoardPart) -> Iterator[None]:
    loop, stop, failed = asyncio.new_event_loop(), asyncio.Event(), list[BaseException]()

    def serve() -> None:
        try:
            loop.run_until_complete(part.run(stop))
        except BaseException as error:  # noqa: BLE001 - told to the test below
            failed.append(error)
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    thread = threading.Thread(target=serve, name="board")
    thread.start()
    deadline = time.monotonic() + _SECONDS
    try:
        while not (part.checks()[0].ok or failed):
            assert time.monotonic() < deadline, "the board does not listen"
            thread.join(0.01)
        if failed:
            raise failed[0]
        yield
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join(_SECONDS)
    assert not thread.is_alive(), "the board does not stop"
    assert not failed
