"""The statement data model as types: which properties there are, which are required, what JSON type each has.

Decoding checks all of it: an unknown or wrong-case key, null, a string where a number belongs and an enumerated value
in the wrong case are refused (xAPI 1.0.3 Data 2.2). What types cannot say is in the modules named after the parts. The
names of the fields are the standard's.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Raw, Struct, UnsetType

Text = str | UnsetType
Number = float | UnsetType
LanguageMap = dict[str, str] | UnsetType
Extensions = dict[str, Any] | UnsetType
Part = Raw | UnsetType


class Shape(Struct, forbid_unknown_fields=True, gc=False):
    """An object with a closed set of properties. Absent is UNSET, never None: null is refused."""


class Account(Shape):
    """Data 2.4.2.4."""

    homePage: str  # noqa: N815
    name: str


class _Identified(Shape, kw_only=True):
    name: Text = UNSET
    mbox: Text = UNSET
    mbox_sha1sum: Text = UNSET
    openid: Text = UNSET
    account: Account | UnsetType = UNSET


class Agent(_Identified, kw_only=True):
    """Data 2.4.2.1, where a Group may not stand: a member, the agent of a contextAgent."""

    objectType: Literal["Agent"] | UnsetType = UNSET  # noqa: N815


class Group(_Identified, kw_only=True):
    """Data 2.4.2.2, where only a Group may stand: a team, the group of a contextGroup."""

    objectType: Literal["Group"]  # noqa: N815
    member: list[Agent] | UnsetType = UNSET


class Party(_Identified, kw_only=True):
    """An Agent or a Group: the actor, the instructor, the authority, an object."""

    objectType: Literal["Agent", "Group"] | UnsetType = UNSET  # noqa: N815
    member: list[Agent] | UnsetType = UNSET


class Verb(Shape):
    """Data 2.4.3."""

    id: str
    display: LanguageMap = UNSET


class Component(Shape):
    """An interaction component, Data 2.4.4.1."""

    id: str
    description: LanguageMap = UNSET


Components = list[Component] | UnsetType
INTERACTION_TYPES = (
    "true-false",
    "choice",
    "fill-in",
    "long-fill-in",
    "matching",
    "performance",
    "sequencing",
    "likert",
    "numeric",
    "other",
)
InteractionType = Literal[
    "true-false",
    "choice",
    "fill-in",
    "long-fill-in",
    "matching",
    "performance",
    "sequencing",
    "likert",
    "numeric",
    "other",
]


class Definition(Shape):
    """An activity definition, Data 2.4.4.1."""

    name: LanguageMap = UNSET
    description: LanguageMap = UNSET
    type: Text = UNSET
    moreInfo: Text = UNSET  # noqa: N815
    interactionType: InteractionType | UnsetType = UNSET  # noqa: N815
    correctResponsesPattern: list[str] | UnsetType = UNSET  # noqa: N815
    choices: Components = UNSET
    scale: Components = UNSET
    source: Components = UNSET
    target: Components = UNSET
    steps: Components = UNSET
    extensions: Extensions = UNSET


class Activity(Shape):
    """Data 2.4.4.1. Without objectType an object is an Activity."""

    id: str
    objectType: Literal["Activity"] | UnsetType = UNSET  # noqa: N815
    definition: Definition | UnsetType = UNSET


class Reference(Shape):
    """A StatementRef, Data 2.4.4.3."""

    id: str
    objectType: Literal["StatementRef"]  # noqa: N815


class Score(Shape):
    """Data 2.4.5.1."""

    scaled: Number = UNSET
    raw: Number = UNSET
    min: Number = UNSET
    max: Number = UNSET


class Result(Shape):
    """Data 2.4.5."""

    score: Score | UnsetType = UNSET
    success: bool | UnsetType = UNSET
    completion: bool | UnsetType = UNSET
    response: Text = UNSET
    duration: Text = UNSET
    extensions: Extensions = UNSET


Activities = list[Activity] | Activity | UnsetType


class ContextActivities(Shape):
    """Data 2.4.6.2. One activity alone stands for a list of one."""

    parent: Activities = UNSET
    grouping: Activities = UNSET
    category: Activities = UNSET
    other: Activities = UNSET


class Context(Shape):
    """Data 2.4.6, as 1.0.3 has it."""

    registration: Text = UNSET
    instructor: Party | UnsetType = UNSET
    team: Group | UnsetType = UNSET
    contextActivities: ContextActivities | UnsetType = UNSET  # noqa: N815
    revision: Text = UNSET
    platform: Text = UNSET
    language: Text = UNSET
    statement: Reference | UnsetType = UNSET
    extensions: Extensions = UNSET


class ContextAgent(Shape):
    """xAPI 2.0, 4.2.2.5."""

    objectType: Literal["contextAgent"]  # noqa: N815
    agent: Agent
    relevantTypes: list[str] | UnsetType = UNSET  # noqa: N815


class ContextGroup(Shape):
    """xAPI 2.0, 4.2.2.5."""

    objectType: Literal["contextGroup"]  # noqa: N815
    group: Group
    relevantTypes: list[str] | UnsetType = UNSET  # noqa: N815


class Context2(Context):
    """The context of xAPI 2.0: two more properties."""

    contextAgents: list[ContextAgent] | UnsetType = UNSET  # noqa: N815
    contextGroups: list[ContextGroup] | UnsetType = UNSET  # noqa: N815


class Attachment(Shape):
    """Data 2.4.11."""

    usageType: str  # noqa: N815
    display: dict[str, str]
    contentType: str  # noqa: N815
    length: int
    sha2: str
    description: LanguageMap = UNSET
    fileUrl: Text = UNSET  # noqa: N815


class Event(Shape, kw_only=True):
    """What a statement and a SubStatement have in common. Its parts are left as bytes, see `parts`."""

    actor: Raw
    verb: Raw
    object: Raw
    result: Part = UNSET
    context: Part = UNSET
    timestamp: Text = UNSET
    attachments: Part = UNSET


class SubStatement(Event, kw_only=True):
    """Data 2.4.4.3: no id, stored, version or authority."""

    objectType: Literal["SubStatement"]  # noqa: N815


class Envelope(Event, kw_only=True):
    """A statement, Data 2.4."""

    id: Text = UNSET
    stored: Text = UNSET
    authority: Part = UNSET
    version: Text = UNSET
