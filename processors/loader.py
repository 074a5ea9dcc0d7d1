"""The loader: `activity` → facts, each source statement counted exactly once, whatever is killed or sent again.

Everything that a record says was decided before; here it only finds its table. What is no record becomes a dead letter
and holds nothing up: was it one of ours, then the accounts miss its statement. A schema of another release stops it.
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
from lrs.kernel.codec import ContractError, UnknownSchemaError, codec
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.logs import get_logger
from lrs.kernel.reasons import Outcome as Ending
from lrs.kernel.topics import Noun, topic_name
from lrs.kernel.withheld_records import read_withheld_record
from lrs.store.engine import EngineError
from processors.batch_producer import BatchProducer
from processors.group_consumer import GroupConsumer
from processors.partition_consumer import PartitionConsumer
from processors.poison import poison_letter
from processors.sink import ANOTHER_RELEASE
from processors.tallying import Count, OpenTallies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lrs.kernel.parts import Check
    from lrs.kernel.records import Withheld
    from lrs.kernel.settings import Settings
    from lrs.store.facts import Facts
    from lrs.store.tallies import Tallies
    from processors.batch_producer import Batch
    from processors.sink import LogSpan

T = TypeVar("T")
_log = get_logger(__name__)

HOP = "loader"
_PUBLISHED, _WITHHELD = Ending.PUBLISHED.value, Ending.WITHHELD.value


class LoaderPart:
    """The part `loader`. Needs the facts in its own process."""

    name = "loader"

    def __init__(self, settings: Settings, *, facts: Facts, tallies: Tallies) -> None:
        """`tallies` are those of the facts' database; `facts` and it are migrated."""
        zone, wishes = settings.zone.name, settings.loader
        self._producer = BatchProducer(settings.broker, client_id=f"{zone}.{self.name}")
        self._sink = Loader(
            facts=facts,
            tallies=OpenTallies(tallies, HOP),
            producer=self._producer,
            refused=topic_name(zone, Noun.REFUSED),
            retract_seconds=wishes.retract_seconds,
        )
        consumer = GroupConsumer(
            settings.broker,
            topic=topic_name(zone, Noun.ACTIVITY),
            group=f"{zone}.{self.name}",
            member=wishes.member,
            max_records=wishes.max_records,
            max_wait_seconds=wishes.max_wait_seconds,
            max_bytes=wishes.max_batch_mb << 20,
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
            await self._producer.stop()
            self._sink.close()

    def checks(self) -> list[Check]:
        """Assigned, caught up, polling, writing."""
        return self._consumer.checks()


class Entry(NamedTuple):
    """One record: an activity, or that a statement is withheld, and how it is counted; or else its `problem`."""

    record: Any
    activity: ActivityRecord | None = None
    withheld: Withheld | None = None
    counted: Count | None = None
    problem: str = ""


class Loader:
    """The loader's `Sink`. The store is used from one thread of its own, so that the event loop stays free."""

    def __init__(
        self, *, facts: Facts, tallies: OpenTallies, producer: BatchProducer, refused: str, retract_seconds: float
    ) -> None:
        """`refused`: the topic of dead letters, which `producer` writes to."""
        self._facts = facts
        self._tallies = tallies
        self._producer = producer
        self._refused = refused
        self._retract_seconds = retract_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=HOP)

    async def take_over(self, span: LogSpan) -> int | None:
        """Read back the high-waters of facts and tallies, offsets of `received`, and where on this topic they lie."""

        def read_back() -> int | None:
            loaded = self._facts.high_water(span.partition)
            counted = self._tallies.take_over(span.partition)
            _log.info("facts_read_back", partition=span.partition, high_water=loaded, counted=counted)
            # Nothing counted: whatever was committed, this store has not seen it.
            position = self._tallies.position(span.partition)
            return 0 if position is None and counted < 0 else position

        return await self._in_thread(read_back)

    def read(self, partition: int, records: Sequence[Any]) -> list[Entry]:
        """Decode. Raises `StopError` for a record of another release's schema."""
        return [_read(partition, record) for record in records]

    async def write(self, batches: Mapping[int, list[Entry]]) -> None:
        """Facts and retractions, of all partitions at once, then dead letters. Each table skips what it holds."""
        entries = await self._in_thread(lambda: self._load(list(chain.from_iterable(batches.values()))))
        if letters := list(self._letters(entries)):
            await self._producer.publish_together(letters)
        for partition in batches:
            some = [entry for entry in entries if entry.record.partition == partition]
            self._count(partition, some)
            self._tallies.reach(partition, max(entry.record.offset for entry in some) + 1)

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

    def _load(self, entries: list[Entry]) -> list[Entry]:
        """What was loaded; the entries that cannot be, now with their problem."""
        with metrics.LOADER_INSERT_SECONDS.time():
            try:
                self._insert(entries)
            except EngineError:
                # Only the beginning of a record was read here: the engine cannot say which of them is cut off later.
                checked = [_checked(entry) for entry in entries]
                if checked == entries:
                    raise
                entries = checked
                self._insert(entries)
        return entries

    def _insert(self, entries: Sequence[Entry]) -> None:
        self._facts.insert([entry.activity for entry in entries if entry.activity is not None])
        self._facts.insert_retractions([entry.withheld for entry in entries if entry.withheld is not None])

    def _letters(self, entries: Sequence[Entry]) -> Iterator[Batch]:
        poison = [entry for entry in entries if entry.problem]
        for partition in {entry.record.partition for entry in poison}:
            some = [entry for entry in poison if entry.record.partition == partition]
            yield self._refused, partition, [_letter(entry) for entry in some]

    def _count(self, partition: int, entries: Sequence[Entry]) -> None:
        counts = [entry.counted for entry in entries if entry.counted is not None]
        fresh = self._tallies.add(partition, counts)
        for (outcome, _), count in fresh.items():
            metrics.LOADER_ROWS.labels(outcome).inc(count)
        metrics.LOADER_SKIPPED.inc(len(counts) - sum(fresh.values()))
        metrics.LOADER_REFUSED.inc(len(entries) - len(counts))
        stored = [entry.activity.stored_at_ms for entry in entries if entry.activity is not None]
        if fresh and stored:
            metrics.LOADER_FRESHNESS_SECONDS.observe(max(0.0, time.time() - min(stored) / 1000))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _read(partition: int, record: Any) -> Entry:  # noqa: ANN401 - aiokafka has no types
    try:
        entry = _decoded(record)
    except UnknownSchemaError as error:
        problem = f"{record.topic}-{record.partition} offset {record.offset} cannot be loaded: {error}"
        raise StopError(problem, remedy=ANOTHER_RELEASE) from error
    except ContractError as error:
        return _poison(record, str(error))
    at = _partition(entry)
    return entry if at == partition else _poison(record, f"a record of partition {at}")


def _decoded(record: Any) -> Entry:  # noqa: ANN401 - see above
    value = record.value
    if codec("activity").knows(value):
        activity = read_activity_record(value)
        return Entry(record, activity, None, Count(*activity[1:4], _PUBLISHED, ""))
    withheld = read_withheld_record(value)
    place = withheld["offset"], withheld["app"], withheld["stored_at_ms"]
    return Entry(record, None, withheld, Count(*place, _WITHHELD, withheld["reason"]))


def _partition(entry: Entry) -> int | None:
    if entry.activity is not None:
        return entry.activity.partition
    return None if entry.withheld is None else entry.withheld["partition"]


def _checked(entry: Entry) -> Entry:
    """The entry if the whole of its record can be read."""
    if entry.activity is not None:
        try:
            codec("activity").decode(entry.record.value)
        except ContractError as error:
            return _poison(entry.record, str(error))
    return entry


def _poison(record: Any, problem: str) -> Entry:  # noqa: ANN401 - see above
    _log.error("activity_refused", partition=record.partition, offset=record.offset)
    return Entry(record, problem=problem)


def _letter(entry: Entry) -> tuple[bytes | None, bytes]:
    record = entry.record
    return poison_letter(
        Noun.ACTIVITY,
        record.topic,
        record.partition,
        record.offset,
        at_ms=record.timestamp,
        original=record.value,
        problem=entry.problem,
    )
