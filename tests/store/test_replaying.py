"""Replays over the real table: what was put on the log is marked, what was not is not, and nothing is passed over."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from lrs.api.letters.replaying import Replaying, Report
from lrs.kernel.errors import RefusedError, RetryError
from lrs.kernel.publishing import Coordinates
from lrs.kernel.settings import Settings
from lrs.store.dead_letter_queries import LetterFilter, LetterQueries
from lrs.store.dead_letters import DeadLetter, DeadLetters
from lrs.store.ids import IdIndex
from processors.rejudging import Rejudging
from tests.support.letters import letter
from tests.support.log import received
from tests.support.rows import BASE_MS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lrs.kernel.records import Received
    from lrs.store.engine import Engine


class Log:
    """A broker that takes records, or is away, or finds some too large."""

    def __init__(self) -> None:
        self.records: list[Received] = []
        self.away = False
        self.too_large: set[bytes] = set()

    async def publish(self, records: Sequence[Received]) -> list[Coordinates]:
        if self.away:
            raise RetryError("the broker", "gone")
        if any(record["statement_id"] in self.too_large for record in records):
            raise RefusedError("too_large", "too large")
        self.records += records
        return [Coordinates(0, 0)] * len(records)

    async def log_ends(self) -> dict[int, int]:
        return {}


@pytest.fixture
def letters(archive_engine: Engine) -> DeadLetters:
    found = DeadLetters(archive_engine)
    found.keep(3650)
    return found


@pytest.fixture
def ids(tmp_path: Path) -> Iterator[IdIndex]:
    index = IdIndex.open(tmp_path / "ids")
    yield index
    index.close()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def replaying(archive_engine: Engine, letters: DeadLetters, ids: IdIndex, log: Log) -> Replaying:
    return Replaying(LetterQueries(archive_engine), letters, log, Rejudging(Settings(), ids))


def good(offset: int) -> tuple[bytes, DeadLetter]:
    one = os.urandom(16)
    return one, letter(offset, original=received(one)[1], reason="invalid")


async def test_a_replay_keeps_the_time_and_is_not_done_twice(
    letters: DeadLetters, replaying: Replaying, log: Log
) -> None:
    made = [good(offset) for offset in range(5)]
    letters.insert([one for _, one in made])
    report = await replaying.replay(LetterFilter(), 3, None)
    assert report[:4] == (3, 3, 0, {})
    report = await replaying.replay(LetterFilter(), 3, report.after)
    assert report[:4] == (2, 2, 0, {})
    assert [record["statement_id"] for record in log.records] == [one for one, _ in made]
    assert [record["stored_at_ms"] for record in log.records] == [BASE_MS + offset for offset in range(5)]
    assert await replaying.replay(LetterFilter(), 100, None) == Report(0, 0, 0, {}, None)


async def test_while_the_broker_is_away_nothing_is_marked_as_replayed(
    letters: DeadLetters, replaying: Replaying, log: Log
) -> None:
    letters.insert([good(offset)[1] for offset in range(3)])
    log.away = True
    with pytest.raises(RetryError):
        await replaying.replay(LetterFilter(), 100, None)
    log.away = False
    assert (await replaying.replay(LetterFilter(), 100, None)).replayed == 3


async def test_one_that_the_log_cannot_hold_stays_and_does_not_hold_up_the_others(
    letters: DeadLetters, replaying: Replaying, log: Log
) -> None:
    made = [good(offset) for offset in range(3)]
    letters.insert([one for _, one in made])
    log.too_large = {made[1][0]}
    assert (await replaying.replay(LetterFilter(), 100, None))[:4] == (3, 2, 0, {"too_large": 1})
    assert (await replaying.replay(LetterFilter(), 100, None))[:4] == (1, 0, 0, {"too_large": 1})


async def test_what_lay_on_another_topic_or_is_no_statement_stays(
    letters: DeadLetters, replaying: Replaying, log: Log
) -> None:
    strange = good(4)[1]._replace(source="accepted", reason="wrong_envelope")
    letters.insert([letter(1, original=b"no envelope"), strange, letter(2, original=received(b"\x01" * 16, b"{}")[1])])
    report = await replaying.replay(LetterFilter(), 100, None)
    assert report[:4] == (3, 0, 0, {"wrong_envelope": 2, "invalid": 1})
    assert log.records == []
