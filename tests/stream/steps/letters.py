"""The letters: `refused` to the dead letters that people look at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from lrs.kernel.codec import codec
from lrs.kernel.records import Refused
from lrs.kernel.topics import Noun
from processors.letters import Letters
from tests.stream.steps.sinks import SinkStep, place_of, places_of
from tests.stream.steps.step import Letter
from tests.support.log import Pair
from tests.support.rows import BASE_MS, key

_ROWS = "SELECT partition, offset FROM dead_letters WHERE source = 'received'"
_OWN = "SELECT source, partition, offset, original FROM dead_letters WHERE source = 'refused'"


class LettersStep(SinkStep):
    """Items are dead letters of the recorder's."""

    name = "letters"
    source = Noun.REFUSED
    lot = 400
    points = (("letters", 1), ("letters", 2), ("tallies", 1), ("commit", 1))
    gate = Letters, "write"
    room: ClassVar[dict[str, Any]] = {"max_records": 100, "gather_seconds": 0.001}
    dsn = "archive_dsn"

    def record(self, item: int) -> Pair:
        """As the recorder writes it."""
        partition, offset = place_of(item)
        record: Refused = {
            "partition": partition,
            "offset": offset,
            "statement_id": key("id", item),
            "app": "drill",
            "stored_at_ms": BASE_MS + offset,
            "reason": "invalid",
            "path": "$",
            "rule": "a statement has an actor",
            "original": b"original %d" % item,
            "source": "received",
        }
        return None, codec("refused").encode(record)

    async def outputs(self) -> dict[str, Any]:
        """The letters of statements, and how many are counted."""
        return {"letters": self.places(_ROWS), "counted": self.counted("letters", "refused")}

    def expected(self, items: Iterable[int]) -> dict[str, Any]:
        """One row each."""
        items = list(items)
        return {"letters": places_of(items), "counted": len(items)}

    async def letters(self) -> list[Letter]:
        """What is no dead letter becomes one in the table itself."""
        return [Letter(*row) for row in self.stores.engine.query(_OWN, as_bytes=["original"])]
