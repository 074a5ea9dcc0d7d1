"""Made-up activities of a small district, for tests of what is counted: every role, unscored answers, small cells."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lrs.kernel.curriculum import curriculum

if TYPE_CHECKING:
    from lrs.kernel.curriculum import Code
    from lrs.kernel.records import Activity

FIRST_DAY = datetime(2026, 4, 5, 15, 0, tzinfo=UTC)  # midnight of 6 April in Japan
PARTITIONS = 4
SMALL_CODE = "8361213111100000"
_SUBJECTS = ("算数", "国語", "理科", "数学")


def made_activities(count: int, *, seed: int = 1, learners: int = 60, days: int = 21) -> list[Activity]:
    """`count` activities in offset order of each partition; the same for the same arguments."""
    chance = random.Random(seed)
    codes = _codes(chance)
    pupils = [(key("pupil", seed, number), chance.choice((3, 3, 3, 4, 4, 7))) for number in range(learners)]
    return [_activity((seed, number), chance, codes, pupils, days) for number in range(count)]


def key(*parts: object) -> bytes:
    """16 bytes that look like a keyed hash."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).digest()


def _codes(chance: random.Random) -> dict[int, list[Code]]:
    tree = curriculum()
    leaves = [code for code in tree.codes() if code.subject in _SUBJECTS and not tree.children(code.code)]
    return {
        grade: chance.sample([code for code in leaves if grade in code.grades or not code.grades], 12)
        for grade in (3, 4, 7)
    }


def _activity(
    place: tuple[int, int],
    chance: random.Random,
    codes: dict[int, list[Code]],
    pupils: list[tuple[bytes, int]],
    days: int,
) -> Activity:
    number = place[1]
    # Few learners do most, and days and codes are unequal, so that cells of every size come up.
    pseudonym, grade = pupils[int(len(pupils) * chance.random() ** 1.7)]
    code = codes[grade][int(12 * chance.random() ** 1.7)]
    at = FIRST_DAY + timedelta(days=int(days * chance.random() ** 1.7), minutes=chance.randrange(24 * 60))
    role = chance.choices(("answer", "part", "sitting", "view"), (80, 8, 6, 6))[0]
    scored = role == "answer" and chance.random() < 0.9
    return {
        "partition": number % PARTITIONS,
        "offset": number // PARTITIONS,
        "app": chance.choice(("drill", "drill", "exam")),
        "stored_at_ms": int(at.timestamp() * 1000) + number % 1000,
        "statement_key": key("statement", *place),
        "pseudonym": pseudonym,
        "registration_key": None,
        "key_epoch": 2026,
        "occurred_at_ms": int(at.timestamp() * 1000),
        "verb": "answered" if role == "answer" else "other",
        "role": role,
        "activity_key": key("activity", code.code),
        "activity_id": "",
        "curriculum_code": code.code,
        "subject": code.subject,
        "grade": grade,
        "school_code": "",
        "score_scaled": None,
        "success": chance.random() < 0.6 if scored else None,
        "completion": None,
        "duration_seconds": 10.0,
    }


def small_day() -> list[Activity]:
    """7,919 answers, of which 4,003 right, of seven learners: a day, a grade and an app of their own.

    Numbers that cannot come up by chance, so that they can be looked for in every byte.
    """
    at = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp() * 1000)
    rows = made_activities(7919)
    for number, row in enumerate(rows):
        row["pseudonym"], row["success"] = key("small pupil", number % 7), number < 4003
        row["statement_key"] = key("small", number)
        row["app"], row["role"], row["grade"], row["occurred_at_ms"] = "small", "answer", 9, at
        row["curriculum_code"], row["subject"] = SMALL_CODE, "理科"
    return rows
