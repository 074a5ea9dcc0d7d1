"""The ground truth: what the zone must hold after a stream, computed from the simulator's own knowledge only."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from producers.simulator.emissions import Expected, Fate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from producers.simulator.sittings import Draft


class DayCell:
    """Facts of one day in Asia/Tokyo, after retractions."""

    __slots__ = ("learners", "statements")

    def __init__(self) -> None:
        self.statements = 0
        self.learners: set[int] = set()


class CodeCell:
    """Answers of one curriculum code and grade, after retractions."""

    __slots__ = ("answers", "learners", "successes")

    def __init__(self) -> None:
        self.answers = 0
        self.successes = 0
        self.learners: set[int] = set()


class Truth:
    """Counts and aggregate cells of one stream; complete when the stream is exhausted."""

    def __init__(self) -> None:
        self._expected: Counter[tuple[str, Expected]] = Counter()
        self.days: dict[str, DayCell] = {}
        self.codes: dict[tuple[str, int], CodeCell] = {}

    def count(self, app: str, expect: Expected, statements: int = 1) -> None:
        """Count emissions of one app that must end alike."""
        self._expected[app, expect] += statements

    def add_facts(self, day: date, learner: int, taught: tuple[str, int], drafts: Sequence[Draft]) -> None:
        """Count facts that are published and stay so. `taught` is the curriculum code and the learner's grade."""
        if not drafts:
            return
        cell = self.days.setdefault(day.isoformat(), DayCell())
        cell.statements += len(drafts)
        cell.learners.add(learner)
        for draft in drafts:
            if draft.item is not None:
                answers = self._code_cell(taught if draft.item.listed else ("", taught[1]))
                answers.answers += 1
                answers.successes += draft.success
                answers.learners.add(learner)

    def merge(self, other: Truth) -> None:
        """Add what another stream of the same district must come to."""
        self._expected.update(other._expected)
        for day, cell in other.days.items():
            mine = self.days.setdefault(day, DayCell())
            mine.statements += cell.statements
            mine.learners |= cell.learners
        for key, codes in other.codes.items():
            answers = self._code_cell(key)
            answers.answers += codes.answers
            answers.successes += codes.successes
            answers.learners |= codes.learners

    def _code_cell(self, key: tuple[str, int]) -> CodeCell:
        cell = self.codes.get(key)
        if cell is None:
            cell = self.codes[key] = CodeCell()
        return cell

    @property
    def by_app(self) -> dict[tuple[str, str], int]:
        """Emissions by app and outcome."""
        found: Counter[tuple[str, str]] = Counter()
        for (app, expect), count in self._expected.items():
            found[app, expect.outcome.value] += count
        return {key: found[key] for key in sorted(found)}

    @property
    def sent(self) -> int:
        """Emissions of the plan; a retry of the same request is not another one."""
        return self._expected.total()

    @property
    def rejected(self) -> dict[str, int]:
        """Answered with a 4xx at the door, by reason."""
        return self._by_reason(Fate.REJECTED)

    @property
    def repeated(self) -> int:
        """Answered as an identical repeat, without being logged."""
        return self._total(Fate.REPEATED)

    @property
    def received(self) -> int:
        """Records of `received`."""
        return self.archived + self._total(Fate.REFUSED) + self.duplicate

    @property
    def archived(self) -> int:
        """Statements in the archive."""
        return self.published + self._total(Fate.WITHHELD)

    @property
    def refused(self) -> dict[str, int]:
        """Dead letters, by reason."""
        return self._by_reason(Fate.REFUSED)

    @property
    def duplicate(self) -> int:
        """Identical repeats that were logged."""
        return self._total(Fate.DUPLICATE)

    @property
    def published(self) -> int:
        """Activities, the later retracted ones included."""
        return self._total(Fate.PUBLISHED)

    @property
    def withheld(self) -> dict[str, int]:
        """Archived statements that are not published, by reason."""
        return self._by_reason(Fate.WITHHELD)

    @property
    def retracted(self) -> int:
        """Activities whose statement was voided."""
        return sum(count for (_, expect), count in self._expected.items() if expect.retracted)

    def counts(self) -> dict[str, int]:
        """The numbers of the balance, by their names."""
        return {
            "sent": self.sent,
            "rejected": self._total(Fate.REJECTED),
            "repeated": self.repeated,
            "received": self.received,
            "archived": self.archived,
            "refused": self._total(Fate.REFUSED),
            "duplicate": self.duplicate,
            "published": self.published,
            "withheld": self._total(Fate.WITHHELD),
            "loaded": self.published,
            "retracted": self.retracted,
        }

    def summary(self) -> dict[str, Any]:
        """Everything as JSON types, in a fixed order: the same stream always gives the same summary."""
        return {
            "counts": self.counts(),
            "rejected_by_reason": self.rejected,
            "refused_by_reason": self.refused,
            "withheld_by_reason": self.withheld,
            "by_app": [
                {"app": app, "outcome": outcome, "statements": count} for (app, outcome), count in self.by_app.items()
            ],
            "days": [
                {"day": day, "statements": cell.statements, "learners": len(cell.learners)}
                for day, cell in sorted(self.days.items())
                if cell.statements
            ],
            "codes": [
                {
                    "curriculum_code": code,
                    "grade": grade,
                    "answers": cell.answers,
                    "successes": cell.successes,
                    "learners": len(cell.learners),
                }
                for (code, grade), cell in sorted(self.codes.items())
                if cell.answers
            ],
        }

    def write(self, path: Path) -> None:
        """Write the summary as a JSON file."""
        path.write_text(json.dumps(self.summary(), ensure_ascii=False, indent=1) + "\n", "utf-8")

    def _total(self, outcome: Fate) -> int:
        return sum(count for (_, expect), count in self._expected.items() if expect.outcome is outcome)

    def _by_reason(self, outcome: Fate) -> dict[str, int]:
        reasons: Counter[str] = Counter()
        for (_, expect), count in self._expected.items():
            if expect.outcome is outcome:
                reasons[str(expect.reason)] += count
        return dict(sorted(reasons.items()))
