"""The loader: `activity` → facts, each source statement counted exactly once, whatever is killed or sent again.

Everything that a record says was decided before; here it only finds its table. A record that cannot be read stops the
loader: only our own processor writes this topic, and a record that was skipped could not be accounted for.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from lrs.kernel import metrics
from lrs.kernel.codec import ContractError, codec
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.logs import get_logger
from lrs.kernel.reasons import Outcome as Ending
from lrs.kernel.topics import Noun, topic_name
from processors.group_consumer import GroupConsumer
from processors.partition_consumer import PartitionConsumer
from processors.tallying import Count, OpenTallies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrs.kernel.parts import Check
    from lrs.kernel.records import Activity, Withheld
    from lrs.kernel.settings import Settings
    from lrs.store.facts import Facts
    from lrs.store.tallies import Tallies
    from processors.sink import LogSpan

T = TypeVar("T")
_log = get_logger(__name__)

HOP = "loader"


class LoaderPart:
    """The part `loader`. Needs the facts in its own process."""

    name = "loader"

    def __init__(self, settings: Settings, *, facts: Facts, tallies: Tallies) -> None:
        """`tallies` are those of the facts' database; `facts` and it are migrated."""
        zone, wishes = settings.zone.name, settings.loader
        self._sink = Loader(facts=facts, tallies=OpenTallies(tallies, HOP), retract_seconds=wishes.retract_seconds)
        consumer = GroupConsumer(
            settings.broker,
            topic=topic_name(zone, Noun.ACTIVITY),
            group=f"{zone}.{self.name}",
            member=wishes.member,
            max_records=wishes.max_records,
            max_wait_seconds=wishes.max_wait_seconds,
        )
        self._consumer = PartitionConsumer(self._sink, consumer, account_seconds=wishes.gather_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Load until `stop` is set, then finish the batch in flight."""
        done = asyncio.Event()
        retracting = asyncio.ensure_future(self._sink.retract_until(done))
        consuming = asyncio.ensure_future(self._consumer.run(stop))
        try:
            await asyncio.wait({retracting, consuming}, return_when=asyncio.FIRST_COMPLETED)
            if retracting.done():
                retracting.result()
            await consuming
        finally:
            done.set()
            consuming.cancel()
            await asyncio.gather(consuming, retracting, return_exceptions=True)
            self._sink.close()

    def checks(self) -> list[Check]:
        """Assigned, caught up, polling, writing."""
        return self._consumer.checks()


class Batch(NamedTuple):
    """Records of one partition, told apart, and how each is to be counted."""

    activities: list[Activity]
    withheld: list[Withheld]
    counts: list[Count]


class Loader:
    """The loader's `Sink`. The store is used from one thread of its own, so that the event loop stays free."""

    def __init__(self, *, facts: Facts, tallies: OpenTallies, retract_seconds: float) -> None:
        self._facts = facts
        self._tallies = tallies
        self._retract_seconds = retract_seconds
        self._gathered: list[tuple[int, Batch]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=HOP)

    async def take_over(self, span: LogSpan) -> int | None:
        """Read back the high-waters of facts and tallies. They are offsets of `received`, not of this topic."""

        def read_back() -> int | None:
            loaded = self._facts.high_water(span.partition)
            counted = self._tallies.take_over(span.partition)
            _log.info("facts_read_back", partition=span.partition, high_water=loaded, counted=counted)
            # Nothing counted: whatever was committed, this store has not seen it.
            return 0 if counted < 0 else None

        return await self._in_thread(read_back)

    def read(self, partition: int, records: Sequence[Any]) -> Batch:
        """Decode. Raises `StopError` for a record that is of no known schema or of another partition."""
        batch = Batch([], [], [])
        activity, withheld = codec("activity"), codec("withheld")
        for record in records:
            try:
                if activity.knows(record.value):
                    decoded = activity.decode(record.value)
                    batch.activities.append(decoded)
                    outcome, reason = Ending.PUBLISHED.value, ""
                else:
                    decoded = withheld.decode(record.value)
                    batch.withheld.append(decoded)
                    outcome, reason = Ending.WITHHELD.value, decoded["reason"]
            except ContractError as error:
                raise _stop(record, str(error)) from error
            if decoded["partition"] != partition:
                raise _stop(record, f"it says that it is of partition {decoded['partition']}")
            batch.counts.append(Count(decoded["offset"], decoded["app"], decoded["stored_at_ms"], outcome, reason))
        return batch

    async def write(self, partition: int, batch: Batch) -> None:
        """Gather; `account` writes. One insert for all: each costs 5 ms before its first row."""
        self._gathered.append((partition, batch))

    async def account(self) -> None:
        """Facts, then retractions, of all partitions at once; then the tallies. Each table skips what it holds."""
        if self._gathered:
            await self._in_thread(self._load)
            for partition, batch in self._gathered:
                self._count(partition, batch)
            self._gathered.clear()
        await self._in_thread(self._tallies.write)

    def caught_up(self, partition: int, next_offset: int, at_ms: int) -> None:
        """Nobody waits for the facts."""

    def let_go(self, partition: int) -> None:
        """Forget what was gathered or counted but not written."""
        self._gathered = [one for one in self._gathered if one[0] != partition]
        self._tallies.let_go(partition)

    async def retract_until(self, done: asyncio.Event) -> None:
        """Every few seconds take out of the facts what was voided, in whichever order fact and retraction came."""
        while not done.is_set():
            try:
                # In another thread than the inserts: finding and taking out may take seconds in a large table.
                if taken := await asyncio.to_thread(self._facts.apply_retractions):
                    metrics.LOADER_RETRACTED.inc(taken)
                    _log.info("facts_retracted", count=taken)
            except RetryError as error:
                _log.warning("retraction_failed", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), self._retract_seconds)

    def close(self) -> None:
        """End the thread when it is done."""
        self._thread.shutdown()

    def _load(self) -> None:
        began = time.perf_counter()
        self._facts.insert([activity for _, batch in self._gathered for activity in batch.activities])
        self._facts.insert_retractions([withheld for _, batch in self._gathered for withheld in batch.withheld])
        metrics.LOADER_INSERT_SECONDS.observe(time.perf_counter() - began)

    def _count(self, partition: int, batch: Batch) -> None:
        fresh = self._tallies.add(partition, batch.counts)
        for (outcome, _), count in fresh.items():
            metrics.LOADER_ROWS.labels(outcome).inc(count)
        metrics.LOADER_SKIPPED.inc(len(batch.counts) - sum(fresh.values()))
        if fresh and batch.activities:
            oldest = min(activity["stored_at_ms"] for activity in batch.activities)
            metrics.LOADER_FRESHNESS_SECONDS.observe(max(0.0, time.time() - oldest / 1000))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _stop(record: Any, problem: str) -> StopError:  # noqa: ANN401 - aiokafka has no types
    return StopError(
        problem=f"{record.topic}-{record.partition} offset {record.offset} cannot be loaded: {problem}",
        remedy="Run a release that knows its schema, or find what else writes to this topic.",
    )
