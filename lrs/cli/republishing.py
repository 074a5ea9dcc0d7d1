"""Archived statements onto `accepted`, with the coordinates that they always had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrs.kernel.codec import codec
from lrs.kernel.topics import Noun
from lrs.store.log_memory import archived_after
from processors.refilling import Refilling

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrs.kernel.settings import Settings
    from lrs.store.engine import Engine
    from lrs.store.log_memory import ArchivedRow

_SLICE_BYTES = 1 << 20


async def republish(engine: Engine, settings: Settings, spans: Sequence[tuple[int, int, int]]) -> int:
    """Publish each (partition, first, end) in slices like the recorder's; how many statements those were."""
    published = 0
    async with Refilling(settings.broker, settings.zone.name) as log:
        for partition, first, end in spans:
            for rows in archived_after(engine, partition, first, end):
                slices = list(slices_of(partition, rows, settings.recorder.slice_statements))
                await log.publish(Noun.ACCEPTED, partition, slices)
                published += len(rows)
    return published


def slices_of(partition: int, rows: Sequence[ArchivedRow], most: int) -> Iterator[bytes]:
    """Encoded slices of at most `most` statements and about a MiB, in order."""
    encode = codec("accepted").encode
    taken: list[ArchivedRow] = []
    size = 0
    for row in rows:
        size += len(row.statement)
        if taken and (len(taken) >= most or size > _SLICE_BYTES):
            yield encode({"partition": partition, "statements": [one._asdict() for one in taken]})
            taken, size = [], len(row.statement)
        taken.append(row)
    if taken:
        yield encode({"partition": partition, "statements": [one._asdict() for one in taken]})
