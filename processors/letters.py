"""The letters: `refused` → the dead letters in the archive's database, each refused record once.

Beside the good path, never in its way: small batches with pauses between them, a thread and store handles of its own.
Nothing on the topic stops it: what is no dead letter is kept as one.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from lrs.kernel import metrics
from lrs.kernel.codec import ContractError, codec
from lrs.kernel.logs import get_logger
from lrs.kernel.reasons import Outcome, Refusal
from lrs.kernel.topics import Noun, topic_name
from lrs.store.dead_letters import HOPS, SOURCES, DeadLetter
from processors.group_consumer import GroupConsumer
from processors.partition_consumer import PartitionConsumer
from processors.tallying import Count, OpenTallies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from lrs.kernel.parts import Check
    from lrs.kernel.records import Refused
    from lrs.kernel.settings import Settings
    from lrs.store.dead_letters import DeadLetters
    from lrs.store.tallies import Tallies
    from processors.sink import LogSpan

T = TypeVar("T")
_log = get_logger(__name__)

_WAIT_SECONDS = 0.5
_POLL_BYTES = 8 << 20
_INSERT_BYTES = 8 << 20
_LATEST_MS = 4_102_444_800_000  # the year 2100: later is a broken clock, and the column ends
_LARGEST_OFFSET = (1 << 63) - 1
_LONGEST_TEXT = 2000
_APP_LENGTH = 128
_REASONS = frozenset(reason.value for reason in Refusal)


class LettersPart:
    """The part `letters`. Needs the archive's database in its own process, or as a server."""

    name = "letters"

    def __init__(self, settings: Settings, *, letters: DeadLetters, tallies: Tallies) -> None:
        """`tallies` are those of the archive's database; `letters` and it are migrated."""
        zone, wishes = settings.zone.name, settings.letters
        hops = {source: OpenTallies(tallies, HOPS[source]) for source in SOURCES}
        self._sink = Letters(letters=letters, tallies=hops, keep_days=wishes.keep_days)
        consumer = GroupConsumer(
            settings.broker,
            topic=topic_name(zone, Noun.REFUSED),
            group=f"{zone}.{self.name}",
            member=wishes.member,
            max_records=wishes.max_records,
            max_wait_seconds=_WAIT_SECONDS,
            max_bytes=_POLL_BYTES,
        )
        self._consumer = PartitionConsumer(self._sink, consumer, gather_seconds=wishes.gather_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Keep letters until `stop` is set, then finish the batch in flight."""
        try:
            await self._consumer.run(stop)
        finally:
            self._sink.close()

    def checks(self) -> list[Check]:
        """Assigned, polling, writing. To be behind is no reason to turn statements away: the lag tells of that."""
        return [check for check in self._consumer.checks() if not check.name.endswith("caught up")]


class Letters:
    """The `Sink`. The store is used from one thread of its own, so that the event loop stays free."""

    def __init__(self, *, letters: DeadLetters, tallies: Mapping[str, OpenTallies], keep_days: int) -> None:
        """`tallies` by source: each counts its own offsets, and remembers them when the letters themselves are gone."""
        self._letters = letters
        self._keep_days = keep_days
        self._tallies = tallies
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=LettersPart.name)

    async def take_over(self, span: LogSpan) -> int | None:
        """Read back what is counted, offsets of the sources, and where on this topic that is."""

        def read_back() -> int | None:
            self._letters.keep(self._keep_days)  # here, where a store that is away is asked again
            counted = {source: tallies.take_over(span.partition) for source, tallies in self._tallies.items()}
            for source in SOURCES:
                self._letters.high_water(source, span.partition)
            _log.info("letters_read_back", partition=span.partition, **counted)
            # Nothing counted: whatever was committed, this store has not seen it.
            position = self._tallies[Noun.RECEIVED].position(span.partition)
            return 0 if position is None and max(counted.values()) < 0 else position

        return await self._in_thread(read_back)

    def read(self, partition: int, records: Sequence[Any]) -> list[DeadLetter]:  # noqa: ARG002 - records know it
        """Decode. A record that is no dead letter of this contract becomes one."""
        return [read_letter(record)._replace(place=record.offset) for record in records]

    async def write(self, batches: Mapping[int, list[DeadLetter]]) -> None:
        """Letters of all partitions; those that are there are skipped."""
        for batch in _split(chain.from_iterable(batches.values())):
            await self._in_thread(lambda batch=batch: self._insert(batch))  # type: ignore[misc]
        for partition, letters in batches.items():
            self._count(partition, letters)
            self._tallies[Noun.RECEIVED].reach(partition, max(letter.place for letter in letters) + 1)

    async def account(self) -> None:
        """Write the tallies."""
        await self._in_thread(self._write_tallies)

    def caught_up(self, partition: int, next_offset: int, at_ms: int) -> None:
        """Nobody waits for the letters."""

    def let_go(self, partition: int) -> None:
        """Forget what was counted but not written."""
        for tallies in self._tallies.values():
            tallies.let_go(partition)

    def close(self) -> None:
        """End the thread when it is done."""
        self._thread.shutdown()

    def _insert(self, batch: Sequence[DeadLetter]) -> None:
        with metrics.LETTERS_INSERT_SECONDS.time():
            self._letters.insert(batch)

    def _count(self, partition: int, letters: Sequence[DeadLetter]) -> None:
        for source, tallies in self._tallies.items():
            counts = [
                Count(one.offset, one.app, one.stored_at_ms, Outcome.REFUSED.value, one.reason)
                for one in letters
                if one.source == source
            ]
            for (_, reason), count in tallies.add(partition, counts).items():
                metrics.LETTERS_ROWS.labels(reason).inc(count)

    def _write_tallies(self) -> None:
        for tallies in self._tallies.values():
            tallies.write()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def read_letter(record: Any) -> DeadLetter:  # noqa: ANN401 - aiokafka has no types
    """The dead letter in a record of `refused`; what is none becomes a letter of the source `refused`."""
    try:
        found: Refused = codec("refused").decode(record.value)
        _check(found, record.partition)
    except (ContractError, ValueError) as error:
        rule = f"a record of {record.topic} must be a dead letter ({error})"
        place = Noun.REFUSED.value, record.partition, record.offset
        times = record.timestamp, record.timestamp
        reason = Refusal.WRONG_ENVELOPE.value
        return DeadLetter(*place, None, "", *times, reason, "$", rule[:_LONGEST_TEXT], record.value or b"")
    stored = found["stored_at_ms"]
    return DeadLetter(
        source=found["source"],
        partition=found["partition"],
        offset=found["offset"],
        statement_id=found["statement_id"],
        app=found["app"],
        stored_at_ms=stored if 0 <= stored < _LATEST_MS else record.timestamp,
        refused_at_ms=record.timestamp,
        reason=found["reason"],
        path=found["path"][:_LONGEST_TEXT],
        rule=found["rule"][:_LONGEST_TEXT],
        original=found["original"],
    )


def _check(found: Refused, partition: int) -> None:
    """Raise `ValueError` for what its schema allows and the store cannot hold, or what only a stranger writes."""
    if found["source"] not in (Noun.RECEIVED, Noun.ACCEPTED, Noun.ACTIVITY):
        raise ValueError("its source is no topic whose records are refused")
    if found["partition"] != partition:
        raise ValueError(f"it says that it is of partition {found['partition']}")
    if not 0 <= found["offset"] <= _LARGEST_OFFSET:
        raise ValueError(f"its offset is {found['offset']}")
    if len(found["app"]) > _APP_LENGTH:
        raise ValueError(f"its app has more than {_APP_LENGTH} characters")
    if found["reason"] not in _REASONS:
        raise ValueError("its reason is not one of ours")


def _split(letters: Iterable[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """Batches in order, each as large as one insert may be."""
    batch: list[DeadLetter] = []
    size = 0
    for letter in letters:
        size += len(letter.original)
        if batch and size > _INSERT_BYTES:
            yield batch
            batch, size = [], len(letter.original)
        batch.append(letter)
    if batch:
        yield batch
