"""The aggregates as the event loop asks for them: in threads, and a few times a second at most for equal questions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from lrs.api.board.cache import BriefCache
from lrs.api.board.messages import TOKYO

if TYPE_CHECKING:
    from datetime import date

    from lrs.api.board.parameters import Question
    from lrs.store.aggregate_rows import Activity, Filters, Success, Summary
    from lrs.store.aggregates import Aggregates


class BoardReader:
    """Asks the facts; every method may raise what the store raises."""

    def __init__(self, aggregates: Aggregates, *, threads: int) -> None:
        """`threads` is how many questions are asked at the same time; one read handle of the store each."""
        self._aggregates = aggregates
        self.cache = BriefCache(threads=threads)

    @property
    def min_learners(self) -> int:
        """The least number of distinct learners that a shown number stands on."""
        return self._aggregates.min_learners

    async def activity(self, filters: Filters) -> Activity:
        """By day."""
        return await self.cache.get(("activity", filters), lambda: self._aggregates.activity(filters))

    async def summary(self, filters: Filters) -> Summary:
        """Totals."""
        return await self.cache.get(("summary", filters), lambda: self._aggregates.summary(filters))

    async def success(self, question: Question) -> Success:
        """By curriculum code and grade."""
        return await self.cache.get(
            ("success", question),
            lambda: self._aggregates.success(question.filters, code=question.code, depth=question.depth),
        )

    async def window(self) -> tuple[date, date] | None:
        """The days that a page shows unasked; None: there are no facts."""
        today = datetime.now(TOKYO).date()
        return await self.cache.get(("window", today), lambda: self._aggregates.window(today))

    async def apps(self) -> list[str]:
        """The apps that facts came from."""
        return await self.cache.get("apps", self._aggregates.apps)

    def close(self) -> None:
        """End the threads."""
        self.cache.close()
