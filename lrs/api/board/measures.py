"""Every measure that the board shows, with its unit, its meaning and the educational question that it answers.

A measure without a question is not shown: education comes before technology (principle 1 of the
roadmap, 教育データ利活用ロードマップ). The texts are in the catalogues under `measure.<name>`, kept complete by test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrs.api.board.messages import LANGUAGES, catalogue

if TYPE_CHECKING:
    from lrs.api.board.messages import Catalogue

PARTS = ("label", "short", "unit", "meaning", "question")


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure by its name in answers."""

    name: str

    def texts(self, say: Catalogue) -> dict[str, str]:
        """Label, the same for a column head, unit, meaning and question in one language."""
        return {part: say(f"measure.{self.name}.{part}") for part in PARTS}

    def declared(self) -> dict[str, object]:
        """As the aggregates API declares it: the texts in every language."""
        texts = {language: self.texts(catalogue(language)) for language in LANGUAGES}
        return {"name": self.name} | {part: {lang: texts[lang][part] for lang in LANGUAGES} for part in PARTS}


LEARNERS = Measure("learners")
ANSWERS = Measure("answers")
STATEMENTS = Measure("statements")
SUCCESS_RATE = Measure("success_rate")

BY_AGGREGATE: dict[str, tuple[Measure, ...]] = {
    "activity": (LEARNERS, ANSWERS, STATEMENTS),
    "summary": (LEARNERS, ANSWERS, STATEMENTS, SUCCESS_RATE),
    "success": (SUCCESS_RATE, ANSWERS, LEARNERS),
}
