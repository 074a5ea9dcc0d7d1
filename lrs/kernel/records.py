"""The shapes of every topic value in Python; one TypedDict for each schema of `avro/`, checked against it by test."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypedDict

Entrance = Literal["GATEWAY", "SDK"]


class Received(TypedDict):
    """One statement as it came in. `stored_at_ms` null: the broker's append time counts."""

    statement_id: bytes
    app: str
    entrance: Entrance
    xapi_version: str
    stored_at_ms: int | None
    authority: bytes | None
    statement: bytes


class Origin(NamedTuple):
    """The fields of `Received` that all statements of one request have in common."""

    app: str
    entrance: Entrance
    xapi_version: str
    stored_at_ms: int | None
    authority: bytes | None


class Accepted(TypedDict):
    """One accepted statement inside a slice."""

    offset: int
    statement_id: bytes
    app: str
    stored_at_ms: int
    statement: bytes


class AcceptedSlice(TypedDict):
    """Consecutive accepted statements of one partition, in offset order."""

    partition: int
    statements: list[Accepted]


class Refused(TypedDict):
    """A dead letter with its original bytes. `partition` and `offset` are those of the topic that `source` names."""

    partition: int
    offset: int
    statement_id: bytes | None
    app: str
    stored_at_ms: int
    reason: str
    path: str
    rule: str
    original: bytes
    source: str


class Activity(TypedDict):
    """The closed list of what may be known outside the archive about one statement."""

    partition: int
    offset: int
    app: str
    stored_at_ms: int
    statement_key: bytes
    pseudonym: bytes
    registration_key: bytes | None
    key_epoch: int
    occurred_at_ms: int
    verb: str
    role: str
    activity_key: bytes
    activity_id: str
    curriculum_code: str
    subject: str
    grade: int
    school_code: str
    score_scaled: float | None
    success: bool | None
    completion: bool | None
    duration_seconds: float | None


class Withheld(TypedDict):
    """A statement that is not published: where, whose app, when, why; `retracts` for a voiding statement's target."""

    partition: int
    offset: int
    app: str
    stored_at_ms: int
    reason: str
    retracts: bytes | None


class CatalogueEntry(TypedDict):
    """What an activity is about."""

    activity_id: str
    curriculum_code: str
    subject: str
    item_type: str
    title: str


class RosterEntry(TypedDict):
    """A learner's place at school, and the salt of the pseudonym. Personal."""

    home_page: str
    name: str
    salt: bytes
    school_code: str
    grade: int
    class_name: str


class ConsentDecision(TypedDict):
    """One learner's latest decision for one purpose. Personal."""

    home_page: str
    name: str
    purpose: str
    recipient_kind: str
    data_class: str
    granted: bool
    guardian: bool
    decided_at_ms: int
    valid_until_ms: int | None


class ReleasedCell(TypedDict):
    """One aggregate cell that passed disclosure control."""

    operator: str
    release_id: str
    period_start_ms: int
    period_end_ms: int
    measure: str
    dimensions: dict[str, str]
    learners: int
    value: float
    unit: str
