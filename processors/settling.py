"""Decides what becomes of every record of a batch: kept, refused or a duplicate. Pure: no I/O, no clock.

The same records with the same id entries give the same outcomes, whenever and however often they are decided: that is
what lets the recorder do a batch again after any crash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lrs.kernel.codec import ContractError
from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements import Statement, XapiVersion, read_statement
from lrs.kernel.topics import partition_of
from lrs.store.ids import IdEntry
from processors.envelopes import ID_IN_VALUE, Envelope, read_envelope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrs.kernel.handover import Handover

# A stamp outside 1970 to 2100 is a broken clock, not a time, and the stores' column could not hold every such number.
_LATEST_MS = 4_102_444_800_000
_APP_LENGTH = 128
_VERSIONS = {version.value: version for version in XapiVersion}


class LogRecord(Protocol):
    """What is needed of a consumed Kafka record."""

    @property
    def partition(self) -> int:
        """Partition of `received`."""
        ...

    @property
    def offset(self) -> int:
        """Offset in `received`."""
        ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970 UTC when the broker appended it."""
        ...

    @property
    def value(self) -> bytes | None:
        """The envelope."""
        ...


class Keep(NamedTuple):
    """The first of its id: archived and passed on."""

    offset: int
    statement_id: bytes
    app: str
    stored_at_ms: int
    authority: bytes | None
    xapi_version: str
    statement: Statement


class Refuse(NamedTuple):
    """Breaks a rule: a dead letter."""

    offset: int
    statement_id: bytes | None
    app: str
    stored_at_ms: int
    reason: Refusal
    path: str
    rule: str
    original: bytes


class Duplicate(NamedTuple):
    """The same content as the first of its id: nothing more to do."""

    offset: int
    app: str
    stored_at_ms: int
    first_offset: int


Outcome = Keep | Refuse | Duplicate


@dataclass(frozen=True, slots=True)
class Rules:
    """The recorder's part of the rules: the log's partition count and the largest statement, in bytes.

    `handover` has statements that were read before, if there are any.
    """

    partitions: int
    max_statement_bytes: int
    handover: Handover | None = None


class Settled(NamedTuple):
    """The outcome of every record in offset order, and the ids that are taken by it."""

    outcomes: list[Outcome]
    taken: list[tuple[bytes, IdEntry]]


def read_record(record: LogRecord, rules: Rules) -> Keep | Refuse:
    """A record as it stands alone: `Keep` unless it breaks a rule. Whether its id is free is for `settle` to say."""
    original = record.value or b""
    if rules.handover is not None and (kept := _known(record, original, rules.handover, rules.partitions)):
        return kept
    try:
        envelope = read_envelope(original)
    except ContractError as error:
        rule = f"the value must be a received record ({error})"
        return Refuse(record.offset, None, "", record.timestamp, Refusal.WRONG_ENVELOPE, "$", rule, original)
    statement_id, app, _, version, stamped, authority, _ = envelope
    stored = record.timestamp if stamped is None else stamped
    try:
        _check_envelope(envelope, stored)
        statement = _read_statement(envelope, record.partition, rules)
    except RefusedError as error:
        stored = stored if 0 <= stored < _LATEST_MS else record.timestamp
        reason = Refusal(error.reason)
        return Refuse(record.offset, statement_id, app[:_APP_LENGTH], stored, reason, error.path, error.rule, original)
    return Keep(record.offset, statement_id, app, stored, authority, version, statement)


def settle(
    records: Sequence[tuple[LogRecord, Keep | Refuse]], known: Mapping[bytes, IdEntry], partition: int
) -> Settled:
    """Decide the records of one partition, in offset order, each with what it is alone: the first of an id wins.

    `known` holds the entries of those ids that are taken. An entry with a record's own place is that record itself,
    done before and replayed: it is kept again.
    """
    outcomes: list[Outcome] = []
    taken: dict[bytes, IdEntry] = {}
    for record, candidate in records:
        if isinstance(candidate, Refuse):
            outcomes.append(candidate)
            continue
        statement_id, digest = candidate.statement_id, candidate.statement.digest
        first = known.get(statement_id) or taken.get(statement_id)
        if first is None:
            taken[statement_id] = IdEntry(partition, candidate.offset, digest)
            outcomes.append(candidate)
        elif (first.partition, first.offset) == (partition, candidate.offset):
            outcomes.append(candidate)
        elif first.digest == digest:
            outcomes.append(Duplicate(candidate.offset, candidate.app, candidate.stored_at_ms, first.offset))
        else:
            outcomes.append(_conflict(record, candidate, first))
    return Settled(outcomes, list(taken.items()))


def _known(record: LogRecord, original: bytes, handover: Handover, partitions: int) -> Keep | None:
    """What the gateway of this process wrote and has read: its envelope is right by construction."""
    statement_id = original[ID_IN_VALUE]
    known = handover.take(statement_id, original)
    if known is None or partition_of(statement_id, partitions) != record.partition:
        return None
    app, _, version, stamped, authority = known.origin
    stored = record.timestamp if stamped is None else stamped
    return Keep(record.offset, statement_id, app, stored, authority, version, known.statement)


def _check_envelope(envelope: Envelope, stored_at_ms: int) -> None:
    """Rules of the envelope that its schema cannot say."""
    rule = ""
    if not 0 < len(envelope.app) <= _APP_LENGTH:
        rule = f"app of the envelope must have 1 to {_APP_LENGTH} characters"
    elif not 0 <= stored_at_ms < _LATEST_MS:
        rule = "stored_at_ms of the envelope must lie between 1970 and 2100"
    elif envelope.xapi_version not in _VERSIONS:
        rule = f"xapi_version of the envelope must be one of {', '.join(_VERSIONS)}"
    if rule:
        raise RefusedError(Refusal.WRONG_ENVELOPE, rule)


def _read_statement(envelope: Envelope, partition: int, rules: Rules) -> Statement:
    statement_id, raw = envelope.statement_id, envelope.statement
    if partition_of(statement_id, rules.partitions) != partition:
        rule = f"the id belongs to partition {partition_of(statement_id, rules.partitions)}, not to {partition}"
        raise RefusedError(Refusal.WRONG_PARTITION, rule, path="$.id")
    # The gateway's own limit holds at its door; a statement that it has acknowledged is not refused for size any more.
    if envelope.entrance == "SDK" and len(raw) > rules.max_statement_bytes:
        rule = f"a statement may have at most {rules.max_statement_bytes} bytes, this one has {len(raw)}"
        raise RefusedError(Refusal.TOO_LARGE, rule)
    statement = read_statement(raw, _VERSIONS[envelope.xapi_version])
    if statement.statement_id is not None and statement.statement_id != statement_id:
        rule = f"the statement's id must be the envelope's, {statement_id.hex()}"
        raise RefusedError(Refusal.WRONG_ENVELOPE, rule, path="$.id")
    return statement


def _conflict(record: LogRecord, candidate: Keep, first: IdEntry) -> Refuse:
    return Refuse(
        candidate.offset,
        candidate.statement_id,
        candidate.app,
        candidate.stored_at_ms,
        Refusal.CONFLICT,
        "$.id",
        f"the id is taken by a statement with other content (partition {first.partition}, offset {first.offset})",
        record.value or b"",
    )
