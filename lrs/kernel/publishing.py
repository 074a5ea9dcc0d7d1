"""What an entrance needs of Kafka, so that the HTTP room can be wired to a publisher without importing one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from lrs.kernel.records import Origin, Received


class Coordinates(NamedTuple):
    """Where a record lies in the `received` topic."""

    partition: int
    offset: int


Encoded = tuple[bytes, bytes]
"""Statement id and value of one record."""


class Publisher(Protocol):
    """Puts `received` records on the log."""

    async def publish(self, records: Sequence[Received]) -> list[Coordinates]:
        """Return once every record is acknowledged by all in-sync replicas, with the coordinates in the same order.

        Raises `RetryError` when the broker does not confirm in time: the records may or may not be on the log, and
        sending the same ids again is safe.
        """
        ...

    async def log_ends(self) -> dict[int, int]:
        """The end offset of each partition of `received`, now. Raises `RetryError`."""
        ...


class EncodingPublisher(Publisher, Protocol):
    """A publisher for callers that want to know the very values that it puts on the log."""

    def encode_many(self, origin: Origin, statements: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """The values of statements, (id, JSON), that have one origin.

        Raises `RefusedError` for one that the topic would not take.
        """
        ...

    async def publish_encoded(self, encoded: Sequence[Encoded]) -> list[Coordinates]:
        """`publish` for records that `encode_many` has encoded."""
        ...
