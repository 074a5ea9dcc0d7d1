"""The facts' exact cells, small ones included, and their fingerprint: to hold a store against a truth, not to display.

Nothing serves these over HTTP; whoever calls them has the store's files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lrs.store.engine import Engine

_DAYS = """
SELECT toString(toDate(occurred_at, 'Asia/Tokyo')) AS day, count(), uniqExact(pseudonym) FROM activities
GROUP BY day ORDER BY day
"""
_CODES = """
SELECT curriculum_code, grade, count(), countIf(success), uniqExact(pseudonym) FROM activities
WHERE role = 'answer' GROUP BY curriculum_code, grade ORDER BY curriculum_code, grade
"""
# Every column but coordinates and times of storing: which offset a statement got, and when, is the run's affair.
_FINGERPRINT = """
SELECT count(), lower(hex(groupBitXor(digest))), lower(hex(sum(digest))) FROM (
    SELECT sipHash64(
        app, statement_key, pseudonym, registration_key, key_epoch, occurred_at, verb, role, activity_key, activity_id,
        curriculum_code, subject, grade, school_code, ifNull(toString(score_scaled), 'null'),
        ifNull(toString(success), 'null'), ifNull(toString(completion), 'null'),
        ifNull(toString(duration_seconds), 'null')
    ) AS digest FROM activities
)
"""


class DayCell(NamedTuple):
    """One day in Asia/Tokyo."""

    day: str
    statements: int
    learners: int


class CodeCell(NamedTuple):
    """Answers of one curriculum code and grade."""

    curriculum_code: str
    grade: int
    answers: int
    successes: int
    learners: int


def day_cells(engine: Engine) -> list[DayCell]:
    """Every day, in order."""
    return [DayCell(*row) for row in engine.query(_DAYS.strip())]


def code_cells(engine: Engine) -> list[CodeCell]:
    """Every curriculum code and grade, in order."""
    return [CodeCell(*row) for row in engine.query(_CODES.strip())]


def fingerprint(engine: Engine) -> str:
    """`count-xor-sum` of all facts' hashes, whatever their order: equal for two runs that loaded the same facts."""
    [parts] = engine.query(_FINGERPRINT.strip())
    return "-".join(str(part) for part in parts)
