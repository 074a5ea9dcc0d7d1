"""The stream of one plan: sittings day by day; repeats, conflicts and voidings a good way behind their originals."""

from __future__ import annotations

from heapq import heappop, heappush
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING

from producers.simulator.emissions import PUBLISHED, Emission, Way
from producers.simulator.faults import Mishaps, Ready, Sender
from producers.simulator.ids import statement_ids
from producers.simulator.sittings import Clock, Sitting
from producers.simulator.timetable import WEIGHTS, day_kind
from producers.simulator.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from producers.simulator.agenda import Agenda, Appointment
    from producers.simulator.emissions import Faults
    from producers.simulator.sittings import Draft

# How far behind its original a repeat, a conflict or a voiding comes, in emissions: far enough that the original is
# acknowledged by then and the sender need not wait for it.
_NEAREST, _FARTHEST = 2000, 8000
# More than any sitting makes with all its faults; the last ones are cut, so that a stream has exactly its count.
_LARGEST_SITTING = 160
_LATE_DAYS = 7
_YEAR_DAYS = 365
_HOUR_MS = 3_600_000


class Statements:
    """Exactly `count` emissions. Iterating again gives the same bytes; `truth` is that of the last whole iteration."""

    def __init__(  # noqa: PLR0913 - what the stream is made of, by name
        self,
        seed: str,
        agenda: Agenda,
        days: Sequence[date],
        count: int,
        *,
        http_share: float,
        faults: Faults,
    ) -> None:
        self._seed = seed
        self._agenda = agenda
        self._days = days
        self._count = count
        self._http_share = http_share
        self._faults = faults
        self.truth = Truth()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Emission]:
        self.truth = Truth()
        random = Random(f"{self._seed}/stream/{self._count}")  # noqa: S311 - reproducible by design
        maker = _Maker(random, self._agenda, self._faults, self._http_share, self.truth)
        number = 0
        waiting: list[tuple[int, int, Ready]] = []
        for _, emission, then in maker.run(self._days, self._count):
            while waiting and waiting[0][0] <= number:
                ready = heappop(waiting)[2]
                yield ready.emission
                _schedule(random, waiting, ready.then, number)
                number += 1
            yield emission
            if then:
                _schedule(random, waiting, then, number)
            number += 1
        while waiting:
            ready = heappop(waiting)[2]
            yield ready.emission
            _schedule(random, waiting, ready.then, number)
            number += 1


def _schedule(random: Random, waiting: list[tuple[int, int, Ready]], then: tuple[Ready, ...], number: int) -> None:
    due = number
    for place, ready in enumerate(then):
        due = max(due + 1, number + random.randrange(_NEAREST, _FARTHEST))
        behind = ready._replace(emission=ready.emission._replace(after=number))
        heappush(waiting, (due, number * 8 + place, behind))


class _Maker:
    """Makes the statements of each day in the order of time, and counts them into the truth."""

    def __init__(self, random: Random, agenda: Agenda, faults: Faults, http_share: float, truth: Truth) -> None:
        self._random = random
        self._agenda = agenda
        self._ids = statement_ids(Random(random.getrandbits(64)))  # noqa: S311 - reproducible by design
        self._mishaps = Mishaps(random, self._ids, faults)
        self._late_share = faults.late
        self._http_share = http_share
        self._truth = truth
        self._made = 0
        self._count = 0

    def run(self, days: Sequence[date], count: int) -> Iterator[Ready]:
        """All statements but those that follow another one."""
        self._count = count
        late: list[list[Ready]] = [[] for _ in range(len(days) + _LATE_DAYS)]
        weights = [WEIGHTS[day_kind(day)] for day in days]
        whole, passed = sum(weights), 0.0
        for index, day in enumerate(days):
            passed += weights[index]
            target = count if index == len(days) - 1 else int(count * passed / whole)
            ready, late[index] = late[index], []
            self._day(day, target, ready, late[index + 1 : index + 1 + _LATE_DAYS])
            ready.sort(key=itemgetter(0))
            yield from ready
        for rest in late:
            yield from rest

    def _day(self, day: date, target: int, ready: list[Ready], late: list[list[Ready]]) -> None:
        kind = day_kind(day)
        clock = Clock(day)
        first = day.replace(month=4, day=1) if day.month >= 4 else day.replace(year=day.year - 1, month=4, day=1)
        passed = (day - first).days / _YEAR_DAYS
        random = self._random.random
        while self._made < target:
            for appointment in self._agenda.draw(self._random, kind, passed):
                statements = self._sitting(clock, appointment, passed)
                if late and random() < self._late_share:
                    arrival = 8 * _HOUR_MS + int(random() * 12 * _HOUR_MS)
                    statements = [each._replace(at_ms=arrival) for each in statements]
                    self._random.choice(late).extend(statements)
                else:
                    ready.extend(statements)
                if self._made >= self._count:
                    return

    def _sitting(self, clock: Clock, appointment: Appointment, passed: float) -> list[Ready]:
        learner, unit = appointment.learner, appointment.unit
        way: Way = "http" if self._random.random() < self._http_share else "sdk"
        sitting = Sitting(self._random, self._ids, clock, learner, unit, appointment.begin_ms)
        drafts = sitting.run(learner.ability + learner.growth * passed, appointment.questions)
        left = self._count - self._made
        chance = self._mishaps.chance if left > _LARGEST_SITTING else 0.0
        kept: list[Draft] = []
        statements: list[Ready] = []
        plain = 0
        app, expect, random = unit.app.name, learner.expect, self._random.random
        for draft in drafts[:left]:
            if random() < chance:
                statements += self._mishap(draft, Sender(way, appointment, clock), kept)
            else:
                emission = Emission(way, app, draft.statement_id, draft.body, expect)
                statements.append(Ready(draft.at_ms, emission))
                kept.append(draft)
                plain += 1
        self._made += plain
        self._truth.count(app, expect, plain)
        if expect is PUBLISHED:
            self._truth.add_facts(clock.day, learner.number, (unit.code, learner.grade), kept)
        return statements

    def _mishap(self, draft: Draft, sender: Sender, kept: list[Draft]) -> list[Ready]:
        statements = self._mishaps.make(draft, sender)
        todo = list(statements)
        while todo:
            ready = todo.pop()
            todo.extend(ready.then)
            self._made += 1
            self._truth.count(ready.emission.app, ready.emission.expect)
            if ready.emission.expect is PUBLISHED:
                kept.append(draft)
        return statements
