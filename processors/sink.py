"""What a sink is, and where on the log it must begin. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from lrs.kernel.errors import StopError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ANOTHER_LOG = (
    "The log was emptied or is another one. Restore the broker's data; if it is lost, `ayumi rebuild` makes the log "
    "anew from the stores."
)
RETENTION = (
    "Retention removed what was never read. `ayumi rebuild` mends accepted and activity from the archive; what is gone "
    "from received is lost: name the offset behind it in AYUMI_BROKER__LOST_BEFORE, and this part goes on from there."
)
ANOTHER_RELEASE = "Run a release that knows its schema, or find what else writes to this topic."
PARTITIONS = (
    "Kafka cannot take partitions away again. Give received, accepted, refused and activity as many, and start every "
    "part of the zone with that number as AYUMI_BROKER__PARTITIONS; with several recorders begin another zone instead, "
    "because ids would leave the recorder that knows them."
)


class LogSpan(NamedTuple):
    """One partition as the broker has it: offsets from `begin` up to, not including, `end`; the group's `committed`.

    `lost_before`: the operator knows that what is gone before this offset is lost.
    """

    topic: str
    partition: int
    begin: int
    end: int
    committed: int | None
    lost_before: int = 0


class Sink(Protocol):
    """What is done with a topic's records. Its methods are called on one event loop, one at a time."""

    async def take_over(self, span: LogSpan) -> int | None:
        """The partition is ours now: read back what the store holds.

        Returns the first offset that is not yet accounted for, or None where the store cannot tell. Raises `RetryError`
        to be asked again, `StopError` when store and log do not belong together.
        """
        ...

    def read(self, partition: int, records: Sequence[Any]) -> list[Any]:
        """Decode and check the records, without any I/O: what `write` needs of each."""
        ...

    async def write(self, batches: Mapping[int, list[Any]]) -> None:
        """Make the outcome of every record durable. For each partition what `read` gave, once or several times.

        Raises `RetryError` to be given the same batches again; the sink then reads back first what the failed try left.
        """
        ...

    async def account(self) -> None:
        """Make everything written, and then its counts, durable; after that it is committed.

        Raises `RetryError` as `write`.
        """
        ...

    def caught_up(self, partition: int, next_offset: int, at_ms: int) -> None:
        """Everything that was on the log at `at_ms` lies before `next_offset` and is written."""
        ...

    def let_go(self, partition: int) -> None:
        """The partition is not ours any more."""
        ...


def start_offset(span: LogSpan, accounted: int | None) -> int:
    """The offset to begin at: never later than what both store and group say is done, and never past a gap.

    A group that never committed begins at the log's start. A store that holds less than was committed, because it was
    emptied or restored from a backup, is filled again from the log. Raises `StopError` where that is not possible, and
    where nobody can tell whether what the log has lost was ever read; unless the operator knows it (`lost_before`).
    """
    reached = max(span.committed or 0, accounted or 0)
    if reached > span.end:
        raise StopError(
            problem=f"{span.topic}-{span.partition} ends at offset {span.end}, yet offset {reached} was reached before",
            remedy=ANOTHER_LOG,
        )
    gap = lost_records(span, accounted)
    if gap and span.begin > span.lost_before:
        raise StopError(
            problem=f"{gap} records of {span.topic}-{span.partition}, offsets {span.begin - gap} to {span.begin - 1}, "
            "are gone from the log and were never written here",
            remedy=RETENTION,
        )
    return span.begin if span.committed is None else max(span.begin, _done(span, accounted))


def lost_records(span: LogSpan, accounted: int | None) -> int:
    """How many records the log no longer has, of which nothing says that they were done here."""
    return max(0, span.begin - _done(span, accounted))


def lost_before(listed: str, topic: str, partition: int) -> int:
    """The offset that AYUMI_BROKER__LOST_BEFORE names for a partition, 0 when none."""
    pairs = (one.rpartition(":") for one in listed.split())
    return max((int(offset) for place, _, offset in pairs if place == f"{topic}-{partition}"), default=0)


def refuse_added(topic: str, partition: int, partitions: int) -> None:
    """Raises `StopError` for a partition that the zone has not: nobody before or behind this part knows of it."""
    if partition >= partitions:
        raise StopError(
            problem=f"{topic} has a partition {partition}, and this zone has {partitions}, counted from 0",
            remedy=PARTITIONS,
        )


def _done(span: LogSpan, accounted: int | None) -> int:
    """The offset before which everything is done for certain."""
    if span.committed is None:
        return accounted or 0
    return span.committed if accounted is None else min(span.committed, accounted)
