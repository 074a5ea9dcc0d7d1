"""Every Kafka topic of a zone, its key, its retention and its schema; the only place that names one."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum

_DAY_MS = 86_400_000


class Noun(StrEnum):
    """What a topic holds."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    ACTIVITY = "activity"
    RELEASED = "released"
    CATALOGUE = "catalogue"
    ROSTER = "roster"
    CONSENT = "consent"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: full name, whether it has as many partitions as `received`, and its Kafka settings."""

    name: str
    partitions: int
    config: dict[str, str]


# Topics with personal payloads keep seven days: the archive is the record, the log only carries it there.
_STREAM = {
    "cleanup.policy": "delete",
    "retention.ms": str(7 * _DAY_MS),
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": "8388608",
}
# Holds whole records of `received` and a few fields more: the largest of those must fit.
_WIDER = {**_STREAM, "max.message.bytes": "16777216"}
_COMPACTED = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1", "segment.ms": str(_DAY_MS)}
_VERSION = 1


def topic_name(zone: str, noun: Noun) -> str:
    """`<zone>.<noun>.v<N>`."""
    return f"{zone}.{noun}.v{_VERSION}"


def topics(zone: str, partitions: int) -> dict[Noun, Topic]:
    """All topics of a zone. `received`, `accepted` and `activity` share `partitions`; the number is carried through."""
    streams = {
        noun: Topic(topic_name(zone, noun), partitions, dict(config))
        for noun, config in ((Noun.RECEIVED, _STREAM), (Noun.ACCEPTED, _WIDER), (Noun.ACTIVITY, _STREAM))
    }
    letters = Topic(topic_name(zone, Noun.REFUSED), partitions, {**_WIDER, "retention.ms": str(30 * _DAY_MS)})
    released = Topic(topic_name(zone, Noun.RELEASED), 1, {**_STREAM, "retention.ms": "-1"})
    references = {
        noun: Topic(topic_name(zone, noun), 1, dict(_COMPACTED)) for noun in (Noun.CATALOGUE, Noun.ROSTER, Noun.CONSENT)
    }
    return {**streams, Noun.REFUSED: letters, Noun.RELEASED: released, **references}


def partition_of(statement_id: bytes, partitions: int) -> int:
    """The partition of `received` that owns a 16-byte statement id: CRC-32 of the id modulo the partition count.

    This is librdkafka's `consistent` partitioner over the record's key, which is the 16 bytes of the id, so that
    clients in other languages agree without code of ours.
    """
    return zlib.crc32(statement_id) % partitions
