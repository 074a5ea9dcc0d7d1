"""Which of the statements about one question counts as its answer.

A composite question of MEXCBT (type 2) sends one scored `answered` for the question and one unscored `answered` for
each of its inputs, whose parent is the question; counting every `answered` would count it several times.
"""

from __future__ import annotations

from processors.statement_shape import Context, Result, first
from processors.vocabulary import QUESTION_TYPES, Role


def role_of_answered(result: Result | None, context: Context | None) -> Role:
    """The role of a statement whose verb is `answered`."""
    parent = first(context.activities.parent) if context is not None and context.activities is not None else None
    if parent is not None and parent.definition is not None and parent.definition.type in QUESTION_TYPES:
        return Role.PART
    score = result.score if result is not None else None
    if score is not None and (score.scaled is not None or score.raw is not None):
        return Role.ANSWER
    # Unscored: an input of a question (it names a parent), or waiting for a person to score it. A drill without
    # parents and scores that says right or wrong has answered all the same.
    if parent is None and result is not None and result.success is not None:
        return Role.ANSWER
    return Role.PART
