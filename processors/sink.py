"""What a sink is, and where on the log it must begin. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from lrs.kernel.errors import StopError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ANOTHER_LOG = "The log was emptied or is another one. Restore the broker's data, or begin with a new zone folder."
RETENTION = "Retention removed what was never read. Find out what is lost before you move the group's offset by hand."


class LogSpan(NamedTuple):
    """One partition as the broker has it: offsets from `begin` up to, not including, `end`; the group's `committed`."""

    topic: str
    partition: int
    begin: int
    end: int
    committed: int | None


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
    emptied or restored from a backup, is filled again from the log. Raises `StopError` where that is not possible.
    """
    reached = max(span.committed or 0, accounted or 0)
    if reached > span.end:
        raise StopError(
            problem=f"{span.topic}-{span.partition} ends at offset {span.end}, yet offset {reached} was reached before",
            remedy=ANOTHER_LOG,
        )
    if span.committed is None:
        start, gap = span.begin, span.begin - accounted if accounted else 0
    else:
        start = span.committed if accounted is None else min(span.committed, accounted)
        gap = span.begin - start
    if gap > 0:
        raise StopError(
            problem=f"{gap} records of {span.topic}-{span.partition} are gone from the log and were never written here",
            remedy=RETENTION,
        )
    return start
