"""The recorder: `received` → id index → archive → `accepted` and `refused`, each record's outcome exactly once.

Everything is done in an order that a kill may cut anywhere: what comes first is idempotent, or skipped by its offset
when the same records come again. Decides nothing itself; `settling` does.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from lrs.kernel import metrics
from lrs.kernel.codec import codec
from lrs.kernel.errors import StopError
from lrs.kernel.logs import get_logger
from lrs.kernel.reasons import Outcome as Ending
from lrs.kernel.statements.relations import authority_relations
from lrs.kernel.topics import Noun, topic_name
from lrs.store.archive import ArchiveRow
from processors.batch_producer import BatchProducer
from processors.envelopes import id_of
from processors.group_consumer import GroupConsumer
from processors.log_reader import value_at
from processors.partition_consumer import PartitionConsumer
from processors.settling import Duplicate, Keep, LogRecord, Outcome, Refuse, Rules, Settled, read_record, settle
from processors.sink import ANOTHER_LOG
from processors.slicing import slices
from processors.tallying import Count, OpenTallies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from lrs.kernel.handover import Handover
    from lrs.kernel.parts import Check
    from lrs.kernel.progress import ArchiveProgress
    from lrs.kernel.settings import Settings
    from lrs.store.archive import Archive
    from lrs.store.ids import IdIndex
    from lrs.store.tallies import Tallies
    from processors.batch_producer import Batch
    from processors.sink import LogSpan

T = TypeVar("T")
_log = get_logger(__name__)

HOP = "recorder"


class _Read(NamedTuple):
    record: LogRecord
    candidate: Keep | Refuse


class RecorderPart:
    """The part `recorder`. Needs the archive in its own process."""

    name = "recorder"

    def __init__(  # noqa: PLR0913 - what it writes to, by name
        self,
        settings: Settings,
        *,
        archive: Archive,
        tallies: Tallies,
        ids: IdIndex,
        progress: ArchiveProgress,
        handover: Handover | None = None,
    ) -> None:
        """`tallies` are those of the archive's database; `archive` and it are migrated.

        `handover`: what a gateway in this process has read.
        """
        zone, wishes = settings.zone.name, settings.recorder
        self._producer = BatchProducer(settings.broker, client_id=f"{zone}.{self.name}")
        self._sink = Recorder(
            archive=archive,
            tallies=OpenTallies(tallies, HOP),
            ids=ids,
            progress=progress,
            producer=self._producer,
            topics={noun: topic_name(zone, noun) for noun in (Noun.ACCEPTED, Noun.REFUSED)},
            rules=Rules(settings.broker.partitions, settings.gateway.max_statement_kb * 1024, handover),
            slice_statements=wishes.slice_statements,
            value_at=partial(value_at, settings.broker, zone, Noun.RECEIVED),
        )
        consumer = GroupConsumer(
            settings.broker,
            topic=topic_name(zone, Noun.RECEIVED),
            group=f"{zone}.{self.name}",
            member=wishes.member,
            max_records=wishes.max_records,
            max_wait_seconds=wishes.max_wait_seconds,
            max_bytes=wishes.max_batch_mb << 20,
        )
        self._consumer = PartitionConsumer(self._sink, consumer, gather_seconds=wishes.gather_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Record until `stop` is set, then finish the batch in flight."""
        try:
            await self._consumer.run(stop)
        finally:
            await self._producer.stop()
            self._sink.close()

    def checks(self) -> list[Check]:
        """Assigned, caught up, polling, writing."""
        return self._consumer.checks()


class Recorder:
    """The recorder's `Sink`. Stores are used from one thread of its own, so that the event loop stays free."""

    def __init__(  # noqa: PLR0913 - what it writes to, and two limits
        self,
        *,
        archive: Archive,
        tallies: OpenTallies,
        ids: IdIndex,
        progress: ArchiveProgress,
        producer: BatchProducer,
        topics: dict[Noun, str],
        rules: Rules,
        slice_statements: int,
        value_at: Callable[[int, int], Awaitable[bytes | None]],
    ) -> None:
        """`value_at`: what the record of `received` at a partition and offset holds."""
        self._archive = archive
        self._tallies = tallies
        self._ids = ids
        self._progress = progress
        self._producer = producer
        self._topics = topics
        self._rules = rules
        self._slice_statements = slice_statements
        self._value_at = value_at
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=HOP)
        self._replayed_to: dict[int, int] = {}

    async def take_over(self, span: LogSpan) -> int:
        """Read back the archive's and the tallies' high-waters, and complete the id index from the archive."""
        accounted = await self._in_thread(lambda: self._read_back(span))
        await self._check_same_record(span)
        return accounted

    def read(self, partition: int, records: Sequence[LogRecord]) -> list[_Read]:  # noqa: ARG002 - records know it
        """Decode and validate."""
        with metrics.RECORDER_VALIDATE_SECONDS.time():
            return [_Read(record, read_record(record, self._rules)) for record in records]

    async def write(self, batches: Mapping[int, list[_Read]]) -> None:
        """Id index, archive, then `accepted` and `refused`."""
        settled = await self._in_thread(lambda: self._record(batches))
        for partition, batch in batches.items():
            last = batch[-1].record
            self._progress.advance(partition, last.offset + 1, last.timestamp)
        await self._producer.publish_together(chain.from_iterable(self._records(*one) for one in settled.items()))
        for partition, outcomes in settled.items():
            self._count(partition, outcomes)

    async def account(self) -> None:
        """Write the tallies."""
        await self._in_thread(self._tallies.write)

    def caught_up(self, partition: int, next_offset: int, at_ms: int) -> None:
        """Tell waiting readers."""
        self._progress.advance(partition, next_offset, at_ms)

    def let_go(self, partition: int) -> None:
        """Forget the partition; its next owner tells how far it is."""
        self._progress.forget(partition)
        self._tallies.let_go(partition)

    def close(self) -> None:
        """End the thread when it is done."""
        self._thread.shutdown()

    def _read_back(self, span: LogSpan) -> int:
        archived = self._archive.high_water(span.partition)
        if archived >= span.end:
            problem = f"the archive holds offset {archived} of {span.topic}-{span.partition}, which ends at {span.end}"
            raise StopError(problem=problem, remedy=ANOTHER_LOG)
        filled = self._ids.catch_up(self._archive, span.partition)
        # Without a committed offset the log is read from its start: then it must be the one that filled the archive.
        self._replayed_to[span.partition] = archived if span.committed is None else -1
        _log.info("archive_read_back", partition=span.partition, high_water=archived, ids_filled=filled)
        return self._tallies.take_over(span.partition) + 1

    def _record(self, batches: Mapping[int, list[_Read]]) -> dict[int, list[Outcome]]:
        settled = {partition: self._settle(partition, batch) for partition, batch in batches.items()}
        self._ids.put_many(entry for one in settled.values() for entry in one.taken)
        kept = [
            (partition, outcome)
            for partition, one in settled.items()
            for outcome in one.outcomes
            if isinstance(outcome, Keep)
        ]
        with metrics.RECORDER_INSERT_SECONDS.time():
            self._archive.learn_definitions((one.app, one.stored_at_ms, one.statement.definitions) for _, one in kept)
            self._archive.insert([_row(partition, one) for partition, one in kept])
        return {partition: one.outcomes for partition, one in settled.items()}

    def _settle(self, partition: int, batch: Sequence[_Read]) -> Settled:
        ids = [one.candidate.statement_id for one in batch if isinstance(one.candidate, Keep)]
        known = {key: entry for key, entry in zip(ids, self._ids.get_many(ids), strict=True) if entry is not None}
        settled = settle(batch, known, partition)
        self._check_same_log(partition, settled.taken)
        return settled

    def _records(self, partition: int, outcomes: Sequence[Outcome]) -> Iterator[Batch]:
        kept = [outcome for outcome in outcomes if isinstance(outcome, Keep)]
        letters = [_letter(partition, outcome) for outcome in outcomes if isinstance(outcome, Refuse)]
        encoded = [(None, value) for value in slices(partition, kept, self._slice_statements)]
        yield self._topics[Noun.ACCEPTED], partition, encoded
        yield self._topics[Noun.REFUSED], partition, letters

    async def _check_same_record(self, span: LogSpan) -> None:
        """The last record that was taken must still be what lies there.

        A log that was lost and has grown past our high-water again looks like the old one by its offsets alone, and
        what is new on it would be skipped as done.
        """
        last = self._ids.high_water(span.partition)
        if last < span.begin:
            return
        value = await self._value_at(span.partition, last) if last < span.end else None
        statement_id = id_of(value)
        entry = self._ids.get_many([statement_id])[0] if statement_id is not None else None
        if entry is None or (entry.partition, entry.offset) != (span.partition, last):
            problem = f"offset {last} of {span.topic}-{span.partition} is not the record that was taken from there"
            raise StopError(problem=problem, remedy=ANOTHER_LOG)

    def _check_same_log(self, partition: int, taken: Sequence[tuple[bytes, Any]]) -> None:
        """An id that is new at an offset which the archive has passed: that offset held another record once."""
        if taken and taken[0][1].offset <= self._replayed_to.get(partition, -1):
            raise StopError(
                problem=f"offset {taken[0][1].offset} of partition {partition} is not the record that was archived",
                remedy=ANOTHER_LOG,
            )

    def _count(self, partition: int, outcomes: Sequence[Outcome]) -> None:
        metrics.RECORDER_BATCH_STATEMENTS.observe(len(outcomes))
        for (outcome, reason), count in self._tallies.add(partition, _counts(outcomes)).items():
            metrics.RECORDER_STATEMENTS.labels(outcome).inc(count)
            if reason:
                metrics.RECORDER_REFUSED.labels(reason).inc(count)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _counts(outcomes: Sequence[Outcome]) -> Iterator[Count]:
    for outcome in outcomes:
        if isinstance(outcome, Keep):
            yield Count(outcome.offset, outcome.app, outcome.stored_at_ms, Ending.ARCHIVED.value, "")
        elif isinstance(outcome, Duplicate):
            yield Count(outcome.offset, outcome.app, outcome.stored_at_ms, Ending.DUPLICATE.value, "")
        else:
            yield Count(outcome.offset, outcome.app, outcome.stored_at_ms, Ending.REFUSED.value, outcome.reason.value)


def _row(partition: int, kept: Keep) -> ArchiveRow:
    offset, statement_id, app, stored_at_ms, authority, version, statement = kept
    return ArchiveRow(
        statement_id,
        partition,
        offset,
        app,
        stored_at_ms,
        stored_at_ms if statement.timestamp_ms is None else statement.timestamp_ms,
        statement.actor_key,
        statement.verb_id,
        statement.activity_id,
        statement.registration,
        statement.target_id,
        statement.is_voiding,
        statement.digest,
        authority or b"",
        version,
        statement.raw,
        statement.relations + authority_relations(authority, app),
    )


def _letter(partition: int, refused: Refuse) -> tuple[bytes | None, bytes]:
    return refused.statement_id, codec("refused").encode({"partition": partition, **refused._asdict()})
