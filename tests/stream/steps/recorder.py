"""The recorder: `received` to the archive, `accepted` and `refused`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from itertools import count
from typing import Any, ClassVar

from lrs.kernel.codec import codec
from lrs.kernel.topics import Noun, partition_of
from processors.recorder import Recorder
from tests.stream.steps.sinks import SinkStep, place_of
from tests.stream.steps.step import PARTITIONS, POISON
from tests.support.log import Pair, received, statement

REPEAT, CONFLICT, MALFORMED = 7, 8, 9
_IDS = "SELECT statement_id FROM statements"


class RecorderStep(SinkStep):
    """Of ten items of a partition seven are new statements, one repeats, one contradicts, and one is malformed."""

    name = "recorder"
    source = Noun.RECEIVED
    lot = 400
    points = (("ids", 1), ("archive", 2), ("produced", 3), ("tallies", 1), ("commit", 1))
    gate = Recorder, "write"
    writes_to = Noun.ACCEPTED
    room: ClassVar[dict[str, Any]] = {"slice_statements": 20, "max_records": 100}
    dsn = "archive_dsn"

    def record(self, item: int) -> Pair:
        """As the SDK sends it."""
        kind = place_of(item)[1] % 10
        if kind == REPEAT:
            return received(id_of(item - PARTITIONS))
        if kind == CONFLICT:
            first = id_of(item - 2 * PARTITIONS)
            return received(first, statement(first, content=item))
        return received(id_of(item), b'{"n":%d}' % item if kind == MALFORMED else None)

    async def outputs(self) -> dict[str, Any]:
        """Archived rows, how many are counted so, and the slices, less what the next step skips."""
        rows = self.stores.engine.query(_IDS, as_bytes=["statement_id"])
        return {
            "archive": sorted(one for (one,) in rows),
            "counted": self.counted("recorder", "archived"),
            "accepted": sorted(self._passed_on(await self.values(Noun.ACCEPTED))),
            "refused": {letter.original for letter in await self.letters()} - {*POISON},
        }

    def expected(self, items: Iterable[int]) -> dict[str, Any]:
        """Each id once."""
        items = list(items)
        ids = sorted(id_of(item) for item in items if place_of(item)[1] % 10 < REPEAT)
        refused = {self.record(item)[1] for item in items if place_of(item)[1] % 10 in (CONFLICT, MALFORMED)}
        return {"archive": ids, "counted": len(ids), "accepted": ids, "refused": refused}

    def _passed_on(self, accepted: dict[int, list[bytes]]) -> list[bytes]:
        found: list[bytes] = []
        for values in accepted.values():
            high = -1
            for value in values:
                for one in codec("accepted").decode(value)["statements"]:
                    if one["offset"] > high:
                        high = one["offset"]
                        found.append(one["statement_id"])
        return found


@cache
def id_of(item: int) -> bytes:
    """The id of an item, which belongs to the item's partition."""
    ids = (hashlib.sha256(b"%d %d" % (item, salt)).digest()[:16] for salt in count())
    return next(one for one in ids if partition_of(one, PARTITIONS) == item % PARTITIONS)
