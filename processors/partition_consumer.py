"""The loop of every sink: what one poll brought is written, accounted for, and only then committed.

What is done with a batch is a `Sink`'s duty. Nothing is skipped: a failure that may pass is tried again in place, with
back-off; any other ends the part, and the same records come again after its restart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.kernel.errors import RetryError
from lrs.kernel.logs import get_logger
from lrs.kernel.metrics import STREAM_LAG, STREAM_LAST_COMMIT_SECONDS, STREAM_LAST_POLL_SECONDS, STREAM_RECORDS
from lrs.kernel.parts import Check
from processors.group_consumer import GroupConsumer, NotOursError
from processors.sink import Sink, lost_records, start_offset

if TYPE_CHECKING:
    from processors.group_consumer import Position

_log = get_logger(__name__)

_JOINING_SECONDS = 0.05
_SILENT_SECONDS = 30.0
_BACK_OFF_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_ACCOUNT_SECONDS = 0.5
# A write of so many records is a load, and the next one waits for its whole time; fewer, for their share of it. Each
# write costs 40 ms before its first row: 500 requests a second, each written at once, would take a core.
_LOAD_RECORDS = 100
# The client fetches a partition again only once it was emptied: what came meanwhile takes a poll or two more.
_GATHER_POLLS = 3
_GATHER_POLL_SECONDS = 0.05


class _NoTimeError(Exception):
    """Told to stop or to hand over while something did not work yet: what is not written stays for the next owner."""


@dataclass(slots=True)
class _Owned:
    """A partition that was taken over: the next offset to commit, the committed one, and the log's end at the start."""

    next_offset: int
    committed: int
    end_at_start: int


class _Read(NamedTuple):
    """Records of one partition as the sink has read them, and the offset behind them."""

    next_offset: int
    batch: list[Any]


_Reads = dict[int, _Read]


class PartitionConsumer:
    """Feeds a `Sink` from a topic. `run` on one event loop; `checks` may be asked from any thread."""

    def __init__(self, sink: Sink, consumer: GroupConsumer, *, gather_seconds: float) -> None:
        """`gather_seconds`: from one write to the next under load, in which what all partitions bring is gathered."""
        self._sink = sink
        self._consumer = consumer
        self._gather_seconds = gather_seconds
        self._gather_until = 0.0
        self._noun = consumer.topic.split(".")[-2]
        STREAM_LAST_POLL_SECONDS.labels(self._noun)  # at 0: one that never gets to poll is to be seen as well
        self._owned: dict[int, _Owned] = {}
        self._assigned: frozenset[int] | None = None
        self._epoch = 0
        self._unaccounted_since: float | None = None
        self._ahead: _Reads = {}
        self._failure: BaseException | None = None
        self._caught_up = False
        self._answered_at_ms = 0
        self._trouble = ""

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then finish the batch in flight, account and commit."""
        self._stop = stop
        self._busy = asyncio.Lock()
        self._hurry = asyncio.Event()
        self._stopped = asyncio.ensure_future(stop.wait())
        self._stopped.add_done_callback(lambda _: self._hurry.set())
        connect = partial(self._consumer.connect, self._stopped, revoked=self._revoked, assigned=self._given)
        try:
            with suppress(NotOursError, _NoTimeError):
                await self._until_done(connect)
                while not stop.is_set():
                    await self._turn()
            async with self._busy:
                await self._release()
        finally:
            self._stopped.cancel()
            await self._consumer.disconnect()
        self._raise_failure()

    def checks(self) -> list[Check]:
        """Assigned and read back, caught up with the log's end as of the start, polling, and writing."""
        waiting = self._assigned is None or not self._assigned <= set(self._owned)
        silent = time.time() - self._answered_at_ms / 1000 if self._owned and self._answered_at_ms else 0.0
        return [
            Check(f"{self._noun} assigned", not waiting, self._trouble or "waiting for the group" if waiting else ""),
            Check(f"{self._noun} caught up", self._caught_up, "" if self._caught_up else "reading what is on the log"),
            Check(
                f"{self._noun} polled",
                silent < _SILENT_SECONDS,
                "" if silent < _SILENT_SECONDS else f"no answer from the broker for {silent:.0f} s",
            ),
            Check(f"{self._noun} written", not self._trouble, self._trouble),
        ]

    async def _turn(self) -> None:
        """Poll, and work off what came; what was fetched before a rebalance is no longer ours to write."""
        polled, self._ahead = self._ahead, {}
        epoch = self._epoch
        try:
            polled = await self._gathered(polled)
        except RetryError as error:
            self._trouble = str(error)
            _log.warning("poll_failed", topic=self._noun, error=str(error))
            with suppress(_NoTimeError):
                await self._pause(1)
        async with self._busy:
            self._raise_failure()
            try:
                await self._step(polled if epoch == self._epoch else {})
            except NotOursError:
                self._forget()
            except _NoTimeError:
                _log.info("batch_left", topic=self._noun)

    async def _gathered(self, reads: _Reads) -> _Reads:
        """What there is; under load, what there is when it is time for the next write."""
        if self._gather_until <= time.monotonic():
            return reads or await self._poll(reads, self._poll_seconds())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), self._gather_until - time.monotonic())
        for _ in range(_GATHER_POLLS):
            before = _size(reads)
            if self._hurry.is_set() or before >= self._consumer.max_records or self._consumer.is_full:
                break
            reads = await self._poll(reads, _GATHER_POLL_SECONDS)
            if _size(reads) == before:
                break
        return reads

    async def _poll(self, reads: _Reads, seconds: float, until: asyncio.Future[Any] | None = None) -> _Reads:
        """`reads`, and what the log has beyond them."""
        polled = await self._consumer.poll(seconds, until or self._stopped)
        grown = dict(reads)
        for partition, records in polled.items():
            # What came before its partition was taken over is dropped: taking over seeks back to it.
            if partition in self._owned:
                batch = self._sink.read(partition, records)
                before = grown[partition].batch if partition in grown else []
                grown[partition] = _Read(records[-1].offset + 1, before + batch)
        return grown

    def _poll_seconds(self) -> float:
        wait = self._consumer.max_wait_seconds if self._owned else _JOINING_SECONDS
        if self._unaccounted_since is None:
            return wait
        return min(wait, max(0.001, self._unaccounted_since + _ACCOUNT_SECONDS - time.monotonic()))

    async def _step(self, polled: _Reads) -> None:
        if polled:
            await self._write(polled)
        for partition in sorted((self._assigned or frozenset()) - set(self._owned)):
            await self._until_done(partial(self._take_over, partition))
        since = self._unaccounted_since
        if since is not None and time.monotonic() - since >= _ACCOUNT_SECONDS:
            await self._until_done(self._sink.account, fence=True)
            await self._commit()
        await self._observe()

    async def _write(self, polled: _Reads) -> None:
        if self._hurry.is_set():
            raise _NoTimeError
        # A process that was frozen, or whose name another one has taken, must not write what the other has written: its
        # store would hold it twice. Only the group can tell; it takes less than a millisecond.
        await self._until_done(self._fence)
        self._gather_until = time.monotonic() + self._gather_seconds * min(1, _size(polled) / _LOAD_RECORDS)
        step = partial(self._sink.write, {partition: read.batch for partition, read in polled.items()})
        writing = asyncio.ensure_future(self._until_done(step, fence=True))
        try:
            await self._read_ahead()
        finally:
            await writing
        for partition, read in polled.items():
            self._owned[partition].next_offset = read.next_offset
            STREAM_RECORDS.labels(self._noun, str(partition)).inc(len(read.batch))
        if self._unaccounted_since is None:
            self._unaccounted_since = time.monotonic()

    async def _read_ahead(self) -> None:
        """While a batch is being written, read the next, if the log has more at once."""
        await asyncio.sleep(0)  # the write first: it hands its work to another thread
        hurried = asyncio.ensure_future(self._hurry.wait())
        try:
            # A rebalance waits for the write, and polling waits for the rebalance: so not without a way out.
            with suppress(RetryError, NotOursError):
                self._ahead = await self._poll({}, 0, hurried)
        finally:
            hurried.cancel()

    async def _take_over(self, partition: int) -> None:
        """Read back what the store holds, and begin where nothing is missed whatever was committed."""
        asked_at_ms = int(time.time() * 1000)
        span = await self._consumer.span(partition)
        accounted = await self._sink.take_over(span)
        start = start_offset(span, accounted)
        if lost := lost_records(span, accounted):
            _log.error("records_lost", topic=span.topic, partition=partition, first=start - lost, before=start)
        self._consumer.seek(partition, start)
        self._owned[partition] = _Owned(start, start, span.end)
        self._sink.caught_up(partition, start, asked_at_ms if start == span.end else 0)
        _log.info("partition_taken_over", topic=self._noun, partition=partition, offset=start, end=span.end)

    async def _commit(self) -> None:
        ahead = {number: owned for number, owned in self._owned.items() if owned.next_offset > owned.committed}
        try:
            await self._consumer.commit({number: owned.next_offset for number, owned in ahead.items()})
        except RetryError as error:
            # Nothing is in danger: what is accounted stays so, and a restart would skip it. Tried again with the next.
            _log.warning("commit_failed", topic=self._noun, error=str(error))
            self._unaccounted_since = time.monotonic()
            return
        self._unaccounted_since = None
        STREAM_LAST_COMMIT_SECONDS.labels(self._noun).set_to_current_time()
        for owned in ahead.values():
            owned.committed = owned.next_offset

    async def _fence(self) -> None:
        """Make sure that the group still counts us in, before a write that another member may be doing as well."""
        await self._consumer.prove_membership()

    async def _until_done(self, step: Callable[[], Awaitable[None]], *, fence: bool = False) -> None:
        """Do `step` until it succeeds, with back-off. Raises `_NoTimeError`."""
        attempt = 0
        while True:
            try:
                if attempt and fence:
                    await self._fence()
                await step()
            except RetryError as error:
                self._trouble = str(error)
                _log.warning("step_failed", topic=self._noun, attempt=attempt, error=str(error))
            else:
                self._trouble = ""
                return
            await self._pause(attempt)
            attempt += 1

    async def _pause(self, attempt: int) -> None:
        with suppress(TimeoutError):
            seconds = _BACK_OFF_SECONDS[min(attempt, len(_BACK_OFF_SECONDS) - 1)]
            await asyncio.wait_for(self._hurry.wait(), seconds)
        if self._hurry.is_set():
            raise _NoTimeError

    async def _observe(self) -> None:
        """Tell how far the log was when the broker last answered, and how far we are."""
        behind = False
        for number, owned in self._owned.items():
            at = await self._consumer.position(number)
            behind = behind or number in self._ahead or at.next_offset < owned.end_at_start
            if at.end is not None:
                self._observe_partition(number, at, at.end, written=number not in self._ahead)
        if self._answered_at_ms:
            STREAM_LAST_POLL_SECONDS.labels(self._noun).set(self._answered_at_ms / 1000)
        self._caught_up = self._caught_up or bool(self._owned and not behind)

    def _observe_partition(self, partition: int, at: Position, end: int, *, written: bool) -> None:
        if at.answered_at_ms > self._answered_at_ms:
            self._answered_at_ms = at.answered_at_ms
            self._trouble = ""
        STREAM_LAG.labels(self._noun, str(partition)).set(max(0, end - at.next_offset))
        if at.next_offset >= end and written:
            self._sink.caught_up(partition, at.next_offset, at.answered_at_ms)

    async def _release(self) -> None:
        """Account and commit what is written, if that works at once; then the partitions are no longer ours."""
        with suppress(RetryError, NotOursError):
            if self._owned and self._unaccounted_since is not None:
                await self._sink.account()
                await self._commit()
        self._forget()

    def _forget(self) -> None:
        # Also what a turn holds that waited for the lock while a rebalance had it: it is no longer ours.
        self._epoch += 1
        self._ahead = {}
        for number in self._owned:
            self._sink.let_go(number)
            with suppress(KeyError):
                STREAM_LAG.remove(self._noun, str(number))
        self._owned.clear()
        self._assigned = None
        self._unaccounted_since = None

    async def _revoked(self) -> None:
        """Waits for the batch in flight: no other member begins before it has ended."""
        self._epoch += 1
        self._hurry.set()
        async with self._busy:
            try:
                await self._release()
            except Exception as error:  # noqa: BLE001 - aiokafka swallows what a listener raises; the loop raises it
                self._failure = error
        if not self._stop.is_set():
            self._hurry.clear()

    def _given(self, partitions: frozenset[int]) -> None:
        self._assigned = partitions

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def _size(reads: _Reads) -> int:
    return sum(len(read.batch) for read in reads.values())
