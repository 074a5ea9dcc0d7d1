"""The backlog: when the gateway takes nothing more, when it does again, and what it advises meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from lrs.api.gateway.backlog import Backlog
from lrs.kernel.errors import RetryError
from lrs.kernel.progress import ArchiveProgress
from lrs.kernel.publishing import Coordinates
from lrs.kernel.records import Received


class Log:
    """The log's ends, as a publisher tells them."""

    def __init__(self, *ends: int) -> None:
        self.ends: dict[int, int] | None = dict(enumerate(ends))

    async def publish(self, records: Sequence[Received]) -> list[Coordinates]:
        raise NotImplementedError

    async def log_ends(self) -> dict[int, int]:
        if self.ends is None:
            raise RetryError("broker", "away")
        return self.ends


class Archive:
    """A log of two partitions, an archive behind it, and a clock."""

    def __init__(self, *, statements: int = 100, seconds: float = 1000.0) -> None:
        self.now = 10_000.0
        self.log = Log(0, 0)
        self.progress = ArchiveProgress(2)
        self.backlog = Backlog(
            self.log, self.progress, max_statements=statements, max_seconds=seconds, clock=lambda: self.now
        )

    async def after(self, seconds: float, ends: tuple[int, int], archived: tuple[int, int]) -> None:
        """Time passes, the log grows, the archive follows: what it holds came at the last moment."""
        self.now += seconds
        self.log.ends = dict(enumerate(ends))
        for partition, offset in enumerate(archived):
            self.progress.advance(partition, offset, round(self.now * 1000))
        await self.backlog.measure()

    def advice(self) -> float | None:
        """Seconds to wait; None when statements are taken."""
        try:
            self.backlog.check()
        except RetryError as error:
            return error.after_seconds
        return None


async def test_a_backlog_within_the_limit_stops_nobody() -> None:
    archive = Archive()
    assert archive.advice() is None
    await archive.after(1, (60, 40), (0, 0))
    assert archive.backlog.statements == 100
    assert archive.advice() is None


async def test_above_the_limit_the_wait_is_how_long_the_archive_takes_for_the_rest() -> None:
    archive = Archive()
    await archive.after(1, (300, 300), (50, 50))
    await archive.after(1, (300, 300), (60, 60))
    assert archive.backlog.statements == 480
    # 405 above three quarters of the limit, at 20 a second.
    assert archive.advice() == 21


async def test_refusing_goes_on_until_a_quarter_of_the_limit_is_free() -> None:
    archive = Archive()
    await archive.after(1, (101, 0), (0, 0))
    assert archive.advice() is not None
    await archive.after(1, (101, 0), (20, 0))
    assert archive.advice() is not None
    await archive.after(1, (101, 0), (26, 0))
    assert archive.advice() is None


async def test_what_was_taken_since_the_last_measurement_counts() -> None:
    archive = Archive()
    await archive.after(1, (50, 0), (0, 0))
    archive.backlog.take(50)
    assert archive.advice() is None
    archive.backlog.take(1)
    assert archive.advice() is not None


async def test_an_archive_that_stands_still_is_no_promise() -> None:
    archive = Archive()
    await archive.after(1, (500, 0), (0, 0))
    await archive.after(1, (500, 0), (0, 0))
    assert archive.advice() == 30


async def test_age_alone_is_a_backlog_too() -> None:
    archive = Archive(seconds=60)
    await archive.after(1, (5, 0), (0, 0))
    for _ in range(61):
        archive.now += 1
        await archive.backlog.measure()
    assert archive.backlog.statements == 5
    assert archive.advice() == 30
    await archive.after(1, (5, 0), (5, 0))
    assert archive.backlog.seconds == 0.0
    assert archive.advice() is None


async def test_while_the_broker_is_away_the_last_measurement_stands() -> None:
    archive = Archive()
    await archive.after(1, (500, 0), (0, 0))
    archive.log.ends = None
    await archive.backlog.measure()
    assert archive.advice() is not None


async def test_a_partition_that_nobody_told_of_is_no_backlog() -> None:
    archive = Archive()
    archive.log.ends = {0: 500, 1: 500}
    await archive.backlog.measure()
    assert archive.backlog.statements == 0
    # The recorder hands it over, and has told how far it was.
    await archive.after(1, (10, 10), (10, 10))
    archive.progress.forget(0)
    archive.now += 1
    archive.log.ends = {0: 12, 1: 10}
    await archive.backlog.measure()
    assert archive.backlog.statements == 2
