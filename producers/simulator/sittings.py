"""One learner working through one unit: the statements of a sitting, as bytes.

The hot part of the simulator: it runs beside the zone it feeds, so it only joins bytes that were made before. Measured
cost and what was tried: docs/decisions/0009-simulator.md.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from producers.simulator import templates
from producers.simulator.items import success_probability

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from random import Random

    from producers.simulator.items import Item, Unit
    from producers.simulator.places import Learner

_READS_EXPLANATION = 0.3
_JST_MINUTES = 9 * 60
_DAY_MINUTES = 24 * 60
_MINUTES = [b"T%02d:%02d:" % divmod(minute, 60) for minute in range(_DAY_MINUTES)]
_SECONDS = [b"%02d." % second for second in range(60)]
_MILLISECONDS = [b"%03d" % millisecond for millisecond in range(1000)]


class Draft(NamedTuple):
    """A good statement before faults: `at_ms` of the day in Japan, and whether it answers which item rightly."""

    at_ms: int
    statement_id: bytes
    body: bytes
    item: Item | None
    success: bool


class Clock:
    """Timestamps of one day, in Japanese time or, as MEXCBT writes them, in UTC."""

    def __init__(self, day: date) -> None:
        self.day = day
        self._today = day.isoformat().encode()
        self._yesterday = (day - timedelta(days=1)).isoformat().encode()

    def write(self, at_ms: int, *, utc: bool) -> bytes:
        """The moment `at_ms` milliseconds after midnight in Japan."""
        seconds, millisecond = divmod(at_ms, 1000)
        minute, second = divmod(seconds, 60)
        day, zone = self._today, b"+09:00"
        if utc:
            zone = b"Z"
            minute -= _JST_MINUTES
            if minute < 0:
                day = self._yesterday
        return b"".join((day, _MINUTES[minute], _SECONDS[second], _MILLISECONDS[millisecond], zone))


class Sitting:
    """Writes the statements of one learner, unit and beginning."""

    def __init__(  # noqa: PLR0913, PLR0917 - who, what, when, and where ids and chance come from
        self,
        random: Random,
        ids: Iterator[tuple[bytes, bytes]],
        clock: Clock,
        learner: Learner,
        unit: Unit,
        begin_ms: int,
    ) -> None:
        self._random = random.random
        self._ids = ids
        self._clock = clock
        self._actor = learner.actor
        self._unit = unit
        self._now = begin_ms
        self._drafts: list[Draft] = []

    def run(self, ability: float, questions: int) -> list[Draft]:
        """The whole sitting in the order of time: attempted, answers, explanations read, completed."""
        random, unit, begin = self._random, self._unit, self._now
        registration = next(self._ids)[1]
        whole, answer = unit.whole.write(registration), unit.answer.write(registration)
        self._write(unit.attempted, whole)
        raw = highest = 0
        first = int(random() * len(unit.items))
        for item in (unit.items[first:] + unit.items[:first])[:questions]:
            success = random() < success_probability(ability, item.a, item.b)
            if item.parts:
                self._inputs(item, registration)
            self._answer(item, answer, success=success)
            highest += item.highest
            raw += item.highest if success else 0
            if not success and random() < _READS_EXPLANATION:
                self._now += 1000 + int(random() * 2000)
                self._write(unit.viewed, whole)
                self._now += 5000 + int(random() * 20_000)
        self._now += 500
        seconds = (self._now - begin) // 1000
        self._write(unit.completed + templates.reached_end(raw, highest, seconds, style=unit.app.style), whole)
        return self._drafts

    def _inputs(self, item: Item, registration: bytes) -> None:
        inner = item.inner.write(registration)
        for part in item.parts:
            seconds = 2 + int(10 * self._random())
            self._now += seconds * 1000 + int(self._random() * 1000)
            self._write(b'%b%dS"}' % (part, seconds), inner)

    def _answer(self, item: Item, context: bytes, *, success: bool) -> None:
        random = self._random
        seconds = int(6 + 60 * random() * random())
        self._now += seconds * 1000 + int(random() * 1000)
        result = item.right if success else item.wrong[int(random() * len(item.wrong))]
        self._write(b'%b%b%dS"}' % (item.head, result, seconds), context, item, success=success)

    def _write(self, middle: bytes, context: bytes, item: Item | None = None, *, success: bool = False) -> None:
        octets, text = next(self._ids)
        at = self._clock.write(self._now, utc=self._unit.app.utc)
        body = b"".join((b'{"id":"', text, b'",', self._actor, middle, context, at, b'"}'))
        self._drafts.append(Draft(self._now, octets, body, item, success))
