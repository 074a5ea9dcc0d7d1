"""Boards of education, schools, classes and learners of a synthetic district, and what the zone knows of each."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from lrs.kernel.curriculum import Stage
from lrs.kernel.school_codes import check_digit
from producers.simulator.emissions import NO_CONSENT, NOT_ON_ROSTER, PUBLISHED, Expected, Faults

_GRADES = {Stage.ELEMENTARY: range(1, 7), Stage.LOWER_SECONDARY: range(7, 10)}
_TYPE = {Stage.ELEMENTARY: "B1", Stage.LOWER_SECONDARY: "C1"}
# Median and bounds of a school's learners, and the legal size of a class (35; some boards keep 40 in lower secondary).
_MEDIAN = {Stage.ELEMENTARY: 290, Stage.LOWER_SECONDARY: 320}
_SMALLEST, _LARGEST = 60, 850
_CLASS_SIZE = {Stage.ELEMENTARY: 35, Stage.LOWER_SECONDARY: 38}
_SCHOOLS_A_BOARD = 6

# Standard deviations of ability between schools, classes and learners; growth a school year in the same unit (logits).
_SCHOOL_SD, _CLASS_SD, _LEARNER_SD = 0.30, 0.15, 0.90
_GROWTH_MEAN, _GROWTH_SD = 0.75, 0.20


@dataclass(slots=True, eq=False)
class Learner:
    """A child. `ability` is on the scale of the grade's items in April; `expect` is the fate of a good statement."""

    number: int
    home_page: str
    name: str
    school_code: str
    grade: int
    class_name: str
    salt: str
    ability: float
    growth: float
    expect: Expected
    consent: str
    actor: bytes = field(repr=False)


@dataclass(slots=True, eq=False)
class Classroom:
    """The learners who have lessons together."""

    stage: Stage
    grade: int
    name: str
    teachers: bytes
    learners: list[Learner]


@dataclass(slots=True, eq=False)
class School:
    """A public school with its code."""

    code: str
    stage: Stage
    home_page: str
    classrooms: list[Classroom]


def build_schools(seed: str, count: int, faults: Faults) -> list[School]:
    """`count` schools, two elementary to one lower secondary, six a board. The same arguments give the same schools."""
    random = Random(f"{seed}/places")  # noqa: S311 - reproducible by design
    prefecture = random.randrange(1, 48)
    schools: list[School] = []
    learners = 0
    for number in range(count):
        stage = Stage.LOWER_SECONDARY if number % 3 == 2 else Stage.ELEMENTARY
        body = f"{_TYPE[stage]}{prefecture:02d}2{9_900_001 + number:07d}"
        home_page = f"https://portal.board{1 + number // _SCHOOLS_A_BOARD}.example"
        school = School(body + check_digit(body), stage, home_page, [])
        _fill(random, school, learners, faults)
        learners += sum(len(room.learners) for room in school.classrooms)
        schools.append(school)
    return schools


def uuid4(random: Random) -> str:
    """A version 4 UUID's text from a seeded source."""
    return str(UUID(int=random.getrandbits(128), version=4))


def _fill(random: Random, school: School, number: int, faults: Faults) -> None:
    size = min(_LARGEST, max(_SMALLEST, int(_MEDIAN[school.stage] * math.exp(random.gauss(0, 0.5)))))
    grades = _GRADES[school.stage]
    of_school = random.gauss(0, _SCHOOL_SD)
    for grade in grades:
        in_grade = max(5, int(size / len(grades) * random.uniform(0.9, 1.1)))
        rooms = -(-in_grade // _CLASS_SIZE[school.stage])
        for room in range(rooms):
            seats = in_grade // rooms + (room < in_grade % rooms)
            ability = of_school + random.gauss(0, _CLASS_SD)
            classroom = Classroom(school.stage, grade, f"{room + 1}組", _teachers(random, school), [])
            for _ in range(seats):
                classroom.learners.append(_learner(random, school, classroom, number, ability, faults))
                number += 1
            school.classrooms.append(classroom)


def _learner(  # noqa: PLR0913, PLR0917 - one value for each thing a learner belongs to
    random: Random, school: School, room: Classroom, number: int, ability: float, faults: Faults
) -> Learner:
    name = uuid4(random)
    start = random.gauss(0, _LEARNER_SD)
    draw = random.random()
    if draw < faults.off_roster:
        expect, consent = NOT_ON_ROSTER, "granted"
    elif draw < faults.off_roster + faults.without_consent:
        expect, consent = NO_CONSENT, random.choice(("none", "refused", "withdrawn", "expired"))
    else:
        expect, consent = PUBLISHED, "granted"
    return Learner(
        number=number,
        home_page=school.home_page,
        name=name,
        school_code=school.code,
        grade=room.grade,
        class_name=room.name,
        salt=random.randbytes(16).hex(),
        ability=ability + start,
        # Who starts higher gains a little more, as in panel data of yearly tests.
        growth=random.gauss(_GROWTH_MEAN + 0.1 * start, _GROWTH_SD),
        expect=expect,
        consent=consent,
        actor=_account(school.home_page, name),
    )


def _account(home_page: str, name: str) -> bytes:
    account = f'{{"homePage":"{home_page}","name":"{name}"}}'
    return f'"actor":{{"objectType":"Agent","account":{account}}},'.encode()


def _teachers(random: Random, school: School) -> bytes:
    account = f'{{"homePage":"{school.home_page}","name":"{uuid4(random)}"}}'
    return f'"actor":{{"objectType":"Group","name":"担任","account":{account}}},'.encode()
