"""The loader: `activity` to the facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from lrs.kernel.codec import codec
from lrs.kernel.topics import Noun
from processors.loader import Loader
from tests.stream.steps.sinks import SinkStep, place_of, places_of
from tests.support.log import Pair
from tests.support.rows import activity, retraction

_FACTS = (
    "SELECT partition, offset FROM activities LEFT ANTI JOIN retracted USING (partition, offset)",
    "SELECT partition, offset FROM retracted FINAL",
    "SELECT partition, offset FROM retractions",
)


class LoaderStep(SinkStep):
    """Of ten items of a partition seven are activities, two are withheld, and one takes another out again."""

    name = "loader"
    source = Noun.ACTIVITY
    lot = 400
    points = (("facts", 2), ("retractions", 2), ("tallies", 1), ("commit", 1))
    gate = Loader, "write"
    room: ClassVar[dict[str, Any]] = {"max_records": 100, "gather_seconds": 0.001, "retract_seconds": 0.1}
    dsn = "facts_dsn"

    def record(self, item: int) -> Pair:
        """As the processor writes it."""
        partition, offset = place_of(item)
        if offset % 10 < 7:
            return None, codec("activity").encode(activity(offset, partition=partition))
        if offset % 10 == 9:
            target = activity(offset - 3, partition=partition)["statement_key"]
            return None, codec("withheld").encode(retraction(offset, target, partition=partition))
        return None, codec("withheld").encode(retraction(offset, None, partition=partition))

    async def outputs(self) -> dict[str, Any]:
        """Facts, also those that were taken out, retractions, and how many records are counted."""
        return {"facts": self.places(*_FACTS), "counted": self.counted("loader", "published", "withheld")}

    def expected(self, items: Iterable[int]) -> dict[str, Any]:
        """What is withheld leaves no row."""
        items = list(items)
        rows = [item for item in items if place_of(item)[1] % 10 not in (7, 8)]
        return {"facts": places_of(rows), "counted": len(items)}
