"""The loader: `activity` → facts, each source statement counted exactly once, whatever is killed or sent again.

Everything that a record says was decided before; here it only finds its table. A record that cannot be read stops the
loader: only our own processor writes this topic, and a record that was skipped could not be accounted for.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from lrs.kernel import metrics
from lrs.kernel.activity_records import ActivityRecord, read_activity_record
from lrs.kernel.codec import ContractError, codec
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.logs import get_logger
from lrs.kernel.reasons import Outcome as Ending
from lrs.kernel.topics import Noun, topic_name
from processors.group_consumer import GroupConsumer
from processors.partition_consumer import PartitionConsumer
from processors.tallying import Count, OpenTallies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lrs.kernel.parts import Check
    from lrs.kernel.records import Withheld
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
        self._consumer = PartitionConsumer(self._sink, consumer, gather_seconds=wishes.gather_seconds)

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


class Entry(NamedTuple):
    """One record: an activity, or that a statement is withheld; and how it is counted."""

    activity: ActivityRecord | None
    withheld: Withheld | None
    counted: Count


class Loader:
    """The loader's `Sink`. The store is used from one thread of its own, so that the event loop stays free."""

    def __init__(self, *, facts: Facts, tallies: OpenTallies, retract_seconds: float) -> None:
        self._facts = facts
        self._tallies = tallies
        self._retract_seconds = retract_seconds
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

    def read(self, partition: int, records: Sequence[Any]) -> list[Entry]:
        """Decode. Raises `StopError` for a record that is of no known schema or of another partition."""
        return [_read(partition, record) for record in records]

    async def write(self, batches: Mapping[int, list[Entry]]) -> None:
        """Facts and retractions, of all partitions at once. Each table skips what it holds."""
        await self._in_thread(lambda: self._load(list(chain.from_iterable(batches.values()))))
        for partition, entries in batches.items():
            self._count(partition, entries)

    async def account(self) -> None:
        """Write the tallies."""
        await self._in_thread(self._tallies.write)

    def caught_up(self, partition: int, next_offset: int, at_ms: int) -> None:
        """Nobody waits for the facts."""

    def let_go(self, partition: int) -> None:
        """Forget what was counted but not written."""
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

    def _load(self, entries: Sequence[Entry]) -> None:
        with metrics.LOADER_INSERT_SECONDS.time():
            self._facts.insert([entry.activity for entry in entries if entry.activity is not None])
            self._facts.insert_retractions([entry.withheld for entry in entries if entry.withheld is not None])

    def _count(self, partition: int, entries: Sequence[Entry]) -> None:
        fresh = self._tallies.add(partition, [entry.counted for entry in entries])
        for (outcome, _), count in fresh.items():
            metrics.LOADER_ROWS.labels(outcome).inc(count)
        metrics.LOADER_SKIPPED.inc(len(entries) - sum(fresh.values()))
        stored = [entry.counted.stored_at_ms for entry in entries if entry.activity is not None]
        if fresh and stored:
            metrics.LOADER_FRESHNESS_SECONDS.observe(max(0.0, time.time() - min(stored) / 1000))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _read(partition: int, record: Any) -> Entry:  # noqa: ANN401 - aiokafka has no types
    value = record.value
    try:
        if codec("activity").knows(value):
            activity = read_activity_record(value)
            at, counted = activity.partition, Count(*activity[1:4], Ending.PUBLISHED.value, "")
            entry = Entry(activity, None, counted)
        else:
            withheld: Withheld = codec("withheld").decode(value)
            place = withheld["offset"], withheld["app"], withheld["stored_at_ms"]
            at, counted = withheld["partition"], Count(*place, Ending.WITHHELD.value, withheld["reason"])
            entry = Entry(None, withheld, counted)
    except ContractError as error:
        raise _stop(record, str(error)) from error
    if at != partition:
        raise _stop(record, f"it says that it is of partition {at}")
    return entry


def _stop(record: Any, problem: str) -> StopError:  # noqa: ANN401 - aiokafka has no types
    return StopError(
        problem=f"{record.topic}-{record.partition} offset {record.offset} cannot be loaded: {problem}",
        remedy="Run a release that knows its schema, or find what else writes to this topic.",
    )
