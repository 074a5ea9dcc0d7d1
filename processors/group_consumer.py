"""One topic read as a member of a consumer group: aiokafka's consumer, with its errors told in our own words.

The only module of the sinks that knows aiokafka's consumer. It never moves an offset by itself.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import (
    CommitFailedError,
    GroupAuthorizationFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
)

from lrs.kernel.errors import AyumiError, RetryError, StopError
from lrs.kernel.kafka_options import GIVE_UP_SECONDS, client_options
from lrs.kernel.logs import get_logger
from lrs.kernel.metrics import BROKER_ERRORS
from processors.members import member_name
from processors.sink import LogSpan, lost_before, refuse_added, start_offset

if TYPE_CHECKING:
    from lrs.kernel.settings import BrokerSettings

T = TypeVar("T")
_log = get_logger(__name__)

SESSION_SECONDS = 20.0
# How long the group waits for a batch in flight before it gives our partitions to others.
_REBALANCE_SECONDS = 60.0
_ANSWER_SECONDS = 10.0
_FETCH_BYTES = 8 << 20
_FEW_RECORDS = 16
_MANY_RECORDS = 1024


class NotOursError(Exception):
    """The group no longer counts this member in, or it is told to stop: give up what is not committed."""


class EndedError(AyumiError):
    """The client's own tasks have ended: nothing comes any more, and only a new process mends that."""


class Position(NamedTuple):
    """The next offset to be polled, and the log's end as of the broker's last answer; None before the first one."""

    next_offset: int
    end: int | None
    answered_at_ms: int


class GroupConsumer:
    """Reads one topic. Lives on the event loop that runs it."""

    def __init__(  # noqa: PLR0913 - all of it is configuration
        self,
        broker: BrokerSettings,
        *,
        topic: str,
        group: str,
        member: str,
        max_records: int,
        max_wait_seconds: float,
        max_bytes: int | None = None,
    ) -> None:
        """`member` is this one's name in the group, empty: the host's; `max_wait_seconds` for a first record.

        `max_bytes`: a poll ends soon behind so many bytes of values, however few records they are.
        """
        self.topic = topic
        self.max_wait_seconds = max_wait_seconds
        self._broker = broker
        self._max_bytes = max_bytes
        self._group = group
        self._member = member_name(member or socket.gethostname(), broker.partitions)
        self.max_records = max_records
        self.is_full = False
        """Whether the last poll ended because of its bytes."""
        self._consumer: Any = None

    async def connect(
        self,
        stopped: asyncio.Future[Any],
        *,
        revoked: Callable[[], Awaitable[None]],
        assigned: Callable[[frozenset[int]], None],
    ) -> None:
        """Join the group. `revoked` is awaited before partitions go to others. Raises `RetryError`, `StopError`."""
        consumer = AIOKafkaConsumer(
            **client_options(self._broker),
            client_id=self._group,
            group_id=self._group,
            # A named member takes its own place again after a kill; an unnamed one would wait for its ghost's session.
            group_instance_id=self._member,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=round(self.max_wait_seconds * 1000),
            max_partition_fetch_bytes=_FETCH_BYTES,
            session_timeout_ms=round(SESSION_SECONDS * 1000),
            rebalance_timeout_ms=round(_REBALANCE_SECONDS * 1000),
        )
        consumer.subscribe([self.topic], listener=_Rebalances(revoked, assigned))
        self._consumer = consumer
        starting = asyncio.ensure_future(consumer.start())
        try:
            await _unless(stopped, starting, patience=GIVE_UP_SECONDS)
        except (KafkaError, OSError) as error:
            told = self._told("connect", error)
            await self.disconnect()
            raise told from error

    async def disconnect(self) -> None:
        """Close the connections. The group keeps this member's place for its session."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _end_fetching(consumer)
            with suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(consumer.stop(), _ANSWER_SECONDS)

    async def poll(self, seconds: float, stopped: asyncio.Future[Any]) -> dict[int, list[Any]]:
        """What the log has for each partition, in offset order; nothing when `seconds` are over.

        Raises `RetryError`, `StopError`, `EndedError`, and `NotOursError` when `stopped`.
        """
        try:
            polled = await _unless(stopped, asyncio.ensure_future(self._fetched(round(seconds * 1000))))
        except NoOffsetForPartitionError:
            return {}  # a new group: whoever takes the partition over seeks to where it begins
        except OffsetOutOfRangeError as error:
            await self._go_past(error.args[0])
            return {}
        except KafkaError as error:
            raise self._told("fetch", error) from error
        if not polled:
            self._check_works()
        return {key.partition: records for key, records in polled.items()}

    async def _go_past(self, positions: dict[Any, int]) -> None:
        """Retention passed where we are. Raises `StopError` unless the operator knows what is lost."""
        for key, offset in positions.items():
            span = (await self.span(key.partition))._replace(committed=offset)
            start = start_offset(span, None)
            _log.error("records_lost", topic=self.topic, partition=key.partition, first=offset, before=start)
            self.seek(key.partition, start)

    async def _fetched(self, timeout_ms: int) -> dict[Any, list[Any]]:
        if self._max_bytes is None:
            found: dict[Any, list[Any]] = await self._consumer.getmany(
                timeout_ms=timeout_ms, max_records=self.max_records
            )
            return found
        # A few at a time: the client unpacks what it hands out, and 8 MiB of a packed batch can be gigabytes unpacked.
        # Who cancels this gives the partitions up, so what it held comes again.
        polled: dict[Any, list[Any]] = {}
        count, size, step = 0, 0, _FEW_RECORDS
        while count < self.max_records and size < self._max_bytes:
            most = min(step, self.max_records - count)
            try:
                some = await self._consumer.getmany(timeout_ms=0 if polled else timeout_ms, max_records=most)
            except KafkaError:
                if not polled:
                    raise
                break  # what is in hand would be passed over; the error comes again with the next poll
            if not some:
                break
            for key, records in some.items():
                polled.setdefault(key, []).extend(records)
                count += len(records)
                size += sum(len(record.value or b"") for record in records)
            # More at a time while they are small: each step costs as much as unpacking ten of them.
            fitting = (self._max_bytes - size) * count // max(1, size)
            step = max(_FEW_RECORDS, min(2 * step, _MANY_RECORDS, fitting))
        self.is_full = size >= self._max_bytes
        return polled

    async def span(self, partition: int) -> LogSpan:
        """Where the partition begins and ends, and what the group committed.

        Raises `RetryError`, `NotOursError`, and `StopError` for a partition that was added to the topic.
        """
        refuse_added(self.topic, partition, self._broker.partitions)
        key = TopicPartition(self.topic, partition)
        begin = (await self._answer(self._consumer.beginning_offsets([key])))[key]
        end = (await self._answer(self._consumer.end_offsets([key])))[key]
        given_up = lost_before(self._broker.lost_before, self.topic, partition)
        return LogSpan(self.topic, partition, begin, end, await self._answer(self._consumer.committed(key)), given_up)

    async def commit(self, offsets: dict[int, int]) -> None:
        """Commit. Raises `RetryError`, and `NotOursError` when the group has given our place away."""
        committing = {TopicPartition(self.topic, number): offset for number, offset in offsets.items()}
        await self._answer(self._consumer.commit(committing))

    async def prove_membership(self) -> None:
        """Raises `NotOursError` when the group has given our place away, `RetryError` and `EndedError` as `poll`."""
        coordinator = self._consumer._coordinator  # noqa: SLF001 - a commit would prove it too, but is written down
        if not await self._answer(_beats(coordinator)):
            if coordinator.generation < 0:  # the client has just learnt it, and joins again
                raise NotOursError
            self._check_works()
            raise RetryError(what="the broker", detail="the group's coordinator does not answer")

    def seek(self, partition: int, offset: int) -> None:
        """Poll from `offset` on; what was fetched before is dropped."""
        self._consumer.seek(TopicPartition(self.topic, partition), offset)

    async def position(self, partition: int) -> Position:
        """How far the partition is polled. Raises `NotOursError`."""
        key = TopicPartition(self.topic, partition)
        next_offset = await self._answer(self._consumer.position(key))
        return Position(next_offset, self._consumer.highwater(key), self._consumer.last_poll_timestamp(key) or 0)

    async def _answer(self, call: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await call
        except (CommitFailedError, IllegalStateError) as error:
            _log.warning("partitions_lost", error=str(error))
            raise NotOursError from error
        except (KafkaError, TimeoutError, OSError) as error:
            raise self._told("consume", error) from error

    def _told(self, operation: str, error: Exception) -> Exception:
        """What an error of the client means: to be tried again, for a person to mend, or a fault that ends the process.

        A broker that has just started answers with whatever fits its state, and the client takes what it does not know
        for final: where it still works it is asked again.
        """
        BROKER_ERRORS.labels(operation).inc()
        if isinstance(error, RecordTooLargeError):
            problem = f"a record is larger than one fetch: {error}"
            return StopError(problem=problem, remedy="Lower the topic's max.message.bytes.")
        if isinstance(error, TopicAuthorizationFailedError | GroupAuthorizationFailedError):
            problem = f"the broker does not let this part read: {error}"
            return StopError(problem=problem, remedy="Give its user Read on the topic and on the consumer group.")
        if not getattr(error, "retriable", True):
            if not self._works():
                return error
            self._revive()
        return RetryError(what="the broker", detail=f"{type(error).__name__}: {error}")

    def _revive(self) -> None:
        """Join again where such an error has ended the heartbeats: only joining begins them anew."""
        coordinator = self._consumer._coordinator  # noqa: SLF001
        if coordinator._heartbeat_task is not None and coordinator._heartbeat_task.done():  # noqa: SLF001
            coordinator.request_rejoin()

    def _check_works(self) -> None:
        if not self._works():
            problem = f"the Kafka client that reads {self.topic} has ended"
            raise EndedError(problem)

    def _works(self) -> bool:
        """Whether the client's own tasks are alive: without them it does nothing more."""
        if self._consumer is None or self._consumer._coordinator is None:  # noqa: SLF001
            return False
        consumer = self._consumer
        tasks = (
            consumer._coordinator._coordination_task,  # noqa: SLF001
            consumer._fetcher._fetch_task,  # noqa: SLF001
            consumer._client._sync_task,  # noqa: SLF001
        )
        return not any(task.done() for task in tasks)


class _Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, revoked: Callable[[], Awaitable[None]], assigned: Callable[[frozenset[int]], None]) -> None:
        self._revoked = revoked
        self._assigned = assigned

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - always all
        await self._revoked()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._assigned(frozenset(key.partition for key in assigned))


async def _unless(stopped: asyncio.Future[Any], work: asyncio.Future[T], *, patience: float = 0.0) -> T:
    """The result of `work`, or `NotOursError` when `stopped` comes first, by more than `patience` seconds."""
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not work.done() and patience:
        await asyncio.wait({work}, timeout=patience)
    if not work.done():
        work.cancel()
        await asyncio.wait({work})
        raise NotOursError
    return work.result()


async def _beats(coordinator: Any) -> bool:  # noqa: ANN401 - aiokafka has no types
    """Whether the group hears us. Raises what the client has met that it does not try again by itself.

    With such an error it waits until somebody takes it, as polling does: who waits for it meanwhile waits for ever.
    """
    coordinator.check_errors()
    return bool(await coordinator._do_heartbeat())  # noqa: SLF001


async def _end_fetching(consumer: Any) -> None:  # noqa: ANN401 - aiokafka has no types
    """Before `stop`: that lets out the cancellation of a fetch waiting for its next try, and leaves the rest open."""
    fetcher = consumer._fetcher  # noqa: SLF001
    if fetcher is None:
        return
    for tasks in ({fetcher._fetch_task}, fetcher._pending_tasks):  # noqa: SLF001 - the first makes the others
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        tasks.clear()
