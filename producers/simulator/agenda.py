"""Who works on what and when: classes in lessons, single learners with their homework."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from producers.simulator.apps import APPS
from producers.simulator.items import Unit, subjects_of
from producers.simulator.timetable import MINUTE_MS, DayKind, homework_ms, lesson_periods

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from producers.simulator.places import Classroom, Learner, School

_PRESENT = 0.93
_LESSON_SHARE = 0.75  # of what happens on a day with lessons; the rest is homework
_HOMEWORK_LEARNERS = 20


class Appointment(NamedTuple):
    """One learner sits down at one unit, `begin_ms` milliseconds after midnight in Japan."""

    begin_ms: int
    learner: Learner
    room: Classroom
    unit: Unit
    questions: int


class Agenda:
    """Draws lessons and homework. `passed` is the part of the school year that is over, from 0 to 1."""

    def __init__(self, schools: Sequence[School], units: Sequence[Unit]) -> None:
        self._rooms = [room for school in schools for room in school.classrooms]
        self._apps = [app.name for app in APPS]
        self._shares = [app.share for app in APPS]
        self._units: dict[tuple[int, str, str], list[Unit]] = {}
        for unit in units:
            self._units.setdefault((unit.grade, unit.subject, unit.app.name), []).append(unit)

    def draw(self, random: Random, kind: DayKind, passed: float) -> list[Appointment]:
        """One lesson, or the homework of some learners."""
        if kind is DayKind.LESSONS and random.random() < _LESSON_SHARE:
            return self._lesson(random, passed)
        return self._homework(random, kind, passed)

    def _lesson(self, random: Random, passed: float) -> list[Appointment]:
        room = random.choice(self._rooms)
        unit = self._unit(random, room.grade, passed)
        # The drill closes the lesson, so that the slowest are done before the bell.
        begin = random.choice(lesson_periods(room.stage))[0] + random.randrange(16, 21) * MINUTE_MS
        questions = random.randrange(4, 9)
        return [
            Appointment(begin + int(random.random() * 90_000), learner, room, unit, questions)
            for learner in room.learners
            if random.random() < _PRESENT
        ]

    def _homework(self, random: Random, kind: DayKind, passed: float) -> list[Appointment]:
        appointments = []
        for _ in range(_HOMEWORK_LEARNERS):
            room = random.choice(self._rooms)
            unit = self._unit(random, room.grade, passed * random.random() if random.random() < 0.3 else passed)
            begin = homework_ms(random, kind, room.grade)
            appointments.append(Appointment(begin, random.choice(room.learners), room, unit, random.randrange(3, 9)))
        return appointments

    def _unit(self, random: Random, grade: int, passed: float) -> Unit:
        subjects = subjects_of(grade)
        subject = random.choices(list(subjects), list(subjects.values()))[0]
        app = random.choices(self._apps, self._shares)[0]
        units = self._units[grade, subject, app]
        return units[min(int(passed * len(units)), len(units) - 1)]
