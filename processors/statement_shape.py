"""The part of a statement that an activity may be made of; the decoder skips everything else without building it."""

from __future__ import annotations

import msgspec


class Account(msgspec.Struct, gc=False):
    """actor.account."""

    home_page: str = msgspec.field(name="homePage")
    name: str


class Actor(msgspec.Struct, gc=False):
    """actor."""

    object_type: str = msgspec.field(name="objectType", default="Agent")
    account: Account | None = None


class VerbShape(msgspec.Struct, gc=False):
    """verb."""

    id: str


class Definition(msgspec.Struct, gc=False):
    """object.definition. Extensions stay bytes until somebody asks for one."""

    type: str = ""
    extensions: msgspec.Raw = msgspec.Raw()


class ActivityShape(msgspec.Struct, gc=False):
    """object, or a member of contextActivities; of another kind of object only its kind is of use."""

    object_type: str = msgspec.field(name="objectType", default="Activity")
    id: str = ""
    definition: Definition | None = None


class Score(msgspec.Struct, gc=False):
    """result.score."""

    scaled: float | None = None
    raw: float | None = None
    min: float | None = None
    max: float | None = None


class Result(msgspec.Struct, gc=False):
    """result."""

    score: Score | None = None
    success: bool | None = None
    completion: bool | None = None
    duration: str | None = None


class ContextActivities(msgspec.Struct, gc=False):
    """context.contextActivities: each an object or an array (xAPI 1.0.3 Data 2.4.6.2)."""

    parent: list[ActivityShape] | ActivityShape = []
    grouping: list[ActivityShape] | ActivityShape = []


class Context(msgspec.Struct, gc=False):
    """context."""

    registration: str | None = None
    activities: ContextActivities | None = msgspec.field(name="contextActivities", default=None)
    extensions: msgspec.Raw = msgspec.Raw()


class StatementShape(msgspec.Struct, gc=False):
    """A statement."""

    actor: Actor
    verb: VerbShape
    object: ActivityShape
    result: Result | None = None
    context: Context | None = None
    timestamp: str | None = None


_DECODE = msgspec.json.Decoder(StatementShape).decode


def read_shape(raw: bytes) -> StatementShape | None:
    """The shape of a statement's JSON; None if it has none, which a validated statement cannot bring about."""
    try:
        return _DECODE(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def first(activities: list[ActivityShape] | ActivityShape) -> ActivityShape | None:
    """The first of a member of contextActivities, however it was written."""
    if isinstance(activities, ActivityShape):
        return activities
    return activities[0] if activities else None
