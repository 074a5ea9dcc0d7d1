"""Results and scores (xAPI 1.0.3 Data 2.4.5)."""

from __future__ import annotations

from msgspec import UNSET

from lrs.kernel.statements.activities import check_extensions
from lrs.kernel.statements.durations import is_duration
from lrs.kernel.statements.rules import broken
from lrs.kernel.statements.shapes import Result, Score


def check_result(result: Result, path: str) -> None:
    """Raise `RefusedError` for a score out of its range, a duration of another form, or a bad extension."""
    if result.score is not UNSET:
        _check_score(result.score, path)
    if result.duration is not UNSET and not is_duration(result.duration):
        raise broken(f"{path}.duration", "a duration has the ISO 8601 form P3Y1M29DT4H35M59.14S or P4W", "Data 4.6")
    if result.extensions is not UNSET:
        check_extensions(result.extensions, f"{path}.extensions")


def _check_score(score: Score, path: str) -> None:
    raw, lowest, highest = score.raw, score.min, score.max
    if score.scaled is not UNSET and not -1 <= score.scaled <= 1:
        raise broken(f"{path}.score.scaled", "scaled is between -1 and 1", "Data 2.4.5.1")
    if lowest is not UNSET and highest is not UNSET and lowest >= highest:
        raise broken(f"{path}.score.min", "min is less than max", "Data 2.4.5.1")
    if raw is UNSET:
        return
    if (lowest is not UNSET and raw < lowest) or (highest is not UNSET and raw > highest):
        raise broken(f"{path}.score.raw", "raw is between min and max", "Data 2.4.5.1")
