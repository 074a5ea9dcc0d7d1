"""Replays dead letters a batch at a time: judged by today's rules, put on the log anew, and marked as done.

Safe to be cut off anywhere: what was put on the log and not marked is a duplicate when it comes again.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from lrs.kernel import metrics
from lrs.kernel.errors import RefusedError
from lrs.kernel.logs import get_logger
from lrs.kernel.reasons import Refusal
from lrs.kernel.replaying import Candidate, Replayed, Verdict
from lrs.store.dead_letters import Replay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrs.kernel.publishing import Publisher
    from lrs.kernel.replaying import Judge
    from lrs.store.dead_letter_queries import Letter, LetterCursor, LetterFilter, LetterQueries
    from lrs.store.dead_letters import DeadLetters

_log = get_logger("letters")


class Report(NamedTuple):
    """What became of one batch. `refused` by reason; `after` is where the next batch begins, None behind the last."""

    read: int
    replayed: int
    stored: int
    refused: dict[str, int]
    after: LetterCursor | None


class Replaying:
    """Belongs to the event loop of its publisher."""

    def __init__(self, queries: LetterQueries, letters: DeadLetters, publisher: Publisher, judge: Judge) -> None:
        self._queries = queries
        self._letters = letters
        self._publisher = publisher
        self._judge = judge
        self._one_at_a_time = asyncio.Lock()

    async def replay(self, which: LetterFilter, limit: int, after: LetterCursor | None) -> Report:
        """Replay at most `limit` letters behind `after`. Raises `RetryError`: then the same call is safe."""
        async with self._one_at_a_time:
            letters = await asyncio.to_thread(self._queries.to_replay, which._replace(open_only=True), limit, after)
            if not letters:
                return Report(0, 0, 0, {}, None)
            verdicts = await asyncio.to_thread(self._judged, letters)
            verdicts = await self._published(verdicts)
            await asyncio.to_thread(self._letters.mark_replayed, _done(letters, verdicts))
        counts = Counter(verdict.outcome for verdict in verdicts)
        for outcome, count in counts.items():
            metrics.LETTERS_REPLAYED.labels(outcome).inc(count)
        refused = Counter(str(verdict.reason) for verdict in verdicts if verdict.outcome is Replayed.REFUSED)
        _log.info("letters_replayed", **{outcome.value: counts[outcome] for outcome in Replayed})
        done = counts[Replayed.REPLAYED], counts[Replayed.STORED]
        return Report(len(letters), *done, dict(refused), letters[-1].cursor)

    def _judged(self, letters: Sequence[Letter]) -> list[Verdict]:
        # What lay on another topic holds no statement.
        ours = [place for place, one in enumerate(letters) if one.source == "received"]
        verdicts = [Verdict(Replayed.REFUSED, reason=one.reason) for one in letters]
        candidates = [Candidate(letters[place].original, letters[place].stored_at_ms) for place in ours]
        for place, verdict in zip(ours, self._judge(candidates), strict=True):
            verdicts[place] = verdict
        return verdicts

    async def _published(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """The verdicts once every record is on the log; one that is too large for it stays refused."""
        records = [verdict.record for verdict in verdicts if verdict.record is not None]
        try:
            await self._publisher.publish(records)
        except RefusedError:
            return [await self._published_alone(verdict) for verdict in verdicts]
        return list(verdicts)

    async def _published_alone(self, verdict: Verdict) -> Verdict:
        if verdict.record is not None:
            try:
                await self._publisher.publish([verdict.record])
            except RefusedError:
                return Verdict(Replayed.REFUSED, reason=Refusal.TOO_LARGE)
        return verdict


def _done(letters: Sequence[Letter], verdicts: Sequence[Verdict]) -> list[Replay]:
    now_ms = time.time_ns() // 1_000_000
    return [
        Replay(letter.partition, letter.offset, letter.refused_at_ms, now_ms, verdict.outcome)
        for letter, verdict in zip(letters, verdicts, strict=True)
        if verdict.outcome is not Replayed.REFUSED
    ]
