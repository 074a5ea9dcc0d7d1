"""Bytes to `Statement`: the whole xAPI statement data model, checked. The hot path of the gateway and of the recorder.

What was measured and why it is done in this way: docs/decisions/0006-statement-validation.md.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, Struct, UnsetType

from lrs.kernel.errors import RefusedError
from lrs.kernel.statements.decoding import UNREADABLE, Memory, count_strings
from lrs.kernel.statements.definitions import Definition
from lrs.kernel.statements.explanations import explain, repeated_key
from lrs.kernel.statements.parts import (
    Actor,
    Target,
    read_activity,
    read_actor,
    read_agent,
    read_attachments,
    read_authority,
    read_reference,
    read_result,
    read_verb,
)
from lrs.kernel.statements.relations import Kind, related, relation
from lrs.kernel.statements.rules import broken
from lrs.kernel.statements.shapes import Envelope, Event, SubStatement
from lrs.kernel.statements.surroundings import Surroundings, read_context
from lrs.kernel.statements.timestamps import timestamp_ms
from lrs.kernel.statements.uuids import uuid_bytes
from lrs.kernel.statements.versions import XapiVersion, is_statement_version

if TYPE_CHECKING:
    from collections.abc import Iterable

VOIDED = "http://adlnet.gov/expapi/verbs/voided"


class Statement(Struct, frozen=True, gc=False):
    """What the record store needs to know of one valid statement; `raw` is its JSON exactly as sent.

    `digest` is equal if and only if xAPI regards two statements as the same. `actor_key` is empty for an anonymous
    Group (see `agent_key`), `object_kind` one of Activity, Agent, Group, SubStatement and StatementRef, `activity_id`
    empty unless it is an Activity, `target_id` the statement that a StatementRef names, `timestamp_ms` None where the
    time of storing counts. `relations` are the keys of what it is about (see `relations`), joined, and `definitions`
    what it says of activities: both with those of its SubStatement.
    """

    raw: bytes
    statement_id: bytes | None
    digest: bytes
    actor_key: str
    verb_id: str
    object_kind: str
    activity_id: str
    target_id: bytes | None
    is_voiding: bool
    registration: bytes | None
    timestamp_ms: int | None
    relations: bytes = b""
    definitions: tuple[Definition, ...] = ()


def read_statement(raw: bytes, version: XapiVersion, *, path: str = "$") -> Statement:
    """The statement in `raw`. Raises `RefusedError` with the JSON path of the first broken rule, below `path`."""
    try:
        return _read(raw, version)
    except RefusedError as error:
        if path == "$":
            raise
        raise _below(path, error) from error


def read_statements(parts: Iterable[msgspec.Raw], version: XapiVersion) -> list[Statement]:
    """The statements of an array, each in bytes of its own. Raises `RefusedError` if one of them is invalid."""
    statements = [read_statement(bytes(part), version, path=f"$[{index}]") for index, part in enumerate(parts)]
    if version is XapiVersion.V2:
        _check_distinct(statements)
    return statements


def _check_distinct(statements: list[Statement]) -> None:
    seen: set[bytes] = set()
    for index, statement in enumerate(statements):
        if statement.statement_id is None:
            continue
        if statement.statement_id in seen:
            raise broken(f"$[{index}].id", "the ids of a batch are distinct", "2.0 4.1.6.1")
        seen.add(statement.statement_id)


_envelope = msgspec.json.Decoder(Envelope).decode
_sub_statement = msgspec.json.Decoder(SubStatement).decode
_encode = msgspec.json.Encoder().encode

_actors: Memory[Actor] = Memory()
_verbs: Memory[str] = Memory()
_targets: Memory[Target] = Memory()
_contexts: Memory[Surroundings] = Memory()
_contexts2: Memory[Surroundings] = Memory()
_V2 = XapiVersion.V2


def _read(raw: bytes, version: XapiVersion) -> Statement:
    try:
        envelope = _envelope(raw)
    except UNREADABLE as error:
        raise explain(raw, error) from error
    _check_no_repeat(raw, envelope)
    statement_id = None
    if envelope.id is not UNSET:
        statement_id = uuid_bytes(envelope.id)
        if statement_id is None:
            raise broken("$.id", "a statement's id is a UUID", "Data 2.4.1")
    if envelope.stored is not UNSET or envelope.authority is not UNSET or envelope.version is not UNSET:
        _check_set_by_store(envelope)
    event = _read_event(envelope, version, nested=False)
    is_voiding = event.verb_id == VOIDED
    if is_voiding and event.target.kind != "StatementRef":
        raise broken("$.object.objectType", "the object of a voiding statement is a StatementRef", "Data 2.3.2")
    target = event.target
    return Statement(
        raw,
        statement_id,
        event.digest[:16],
        event.actor_key,
        event.verb_id,
        target.kind,
        target.activity_id,
        target.statement_id,
        is_voiding,
        event.registration,
        event.timestamp_ms,
        event.relations + relation(Kind.VERB, event.verb_id),
        event.definitions,
    )


def _check_no_repeat(raw: bytes, event: Event) -> None:
    """Refuse a repeated key between the parts, which check themselves.

    Parts are copied as they are, so the text written again is never longer, and as long only if there was neither a
    space nor a repeated key between them. A key that is gone takes two quotation marks along, and a new one could only
    come of an escape in an id, a version or a timestamp, which may have none.
    """
    again = _encode(event)
    if len(again) == len(raw) or again.count(b'"') == raw.count(b'"'):
        return
    if count_strings(again) != count_strings(raw):
        raise repeated_key(raw)


class _Event(Struct, frozen=True, gc=False):
    actor_key: str
    verb_id: str
    target: Target
    registration: bytes | None
    timestamp_ms: int | None
    digest: bytes
    relations: bytes
    definitions: tuple[Definition, ...]


def _read_event(event: Event, version: XapiVersion, *, nested: bool) -> _Event:
    """The parts of a statement or SubStatement, and the digest over what counts of them."""
    part = "actor"
    try:
        raw = bytes(event.actor)
        actor = _actors.get(raw) or _actors.keep(raw, read_actor(raw))
        part, raw = "verb", bytes(event.verb)
        verb_id = _verbs.get(raw) or _verbs.keep(raw, read_verb(raw))
        part, raw = "object", bytes(event.object)
        target = _targets.get(raw) or _read_object(raw, version, nested=nested)
        result = attachments = b""
        if event.result is not UNSET:
            part = "result"
            result = read_result(bytes(event.result))
        context = None
        if event.context is not UNSET:
            part, raw = "context", bytes(event.context)
            memory = _contexts2 if version is _V2 else _contexts
            context = memory.get(raw) or memory.keep(raw, read_context(raw, version))
            if context.activity_only and target.kind != "Activity":
                raise broken(
                    f"$.{context.activity_only}", "this is only used if the object is an Activity", "Data 2.4.6"
                )
        if event.attachments is not UNSET:
            part = "attachments"
            attachments = read_attachments(bytes(event.attachments))
    except RefusedError as error:
        raise _below(f"$.{part}", error) from error
    happened = _instant(event.timestamp, "$.timestamp", "Data 2.4.7")
    # No JSON text written without spaces has a line feed, so the fields cannot run into each other.
    comparable = b"\n".join(
        (
            actor.comparable,
            verb_id.encode(),
            target.comparable,
            result,
            context.comparable if context else b"",
            b"" if happened is None else b"%d" % happened,
            attachments,
        )
    )
    digest = sha256(comparable).digest()
    relations, definitions, registration = actor.relations + target.relations, target.definitions, None
    if context:
        registration = context.registration
        relations += context.relations
        definitions += context.definitions
    return _Event(actor.key, verb_id, target, registration, happened, digest, relations, definitions)


class _Kind(Struct):
    objectType: str = "Activity"  # noqa: N815


_kind = msgspec.json.Decoder(_Kind).decode
_READERS = {"Agent": read_agent, "Group": read_agent, "StatementRef": read_reference}


def _read_object(raw: bytes, version: XapiVersion, *, nested: bool) -> Target:
    """An object that is not remembered. Its objectType decides what it is; without one it is an Activity."""
    try:
        kind = _kind(raw).objectType
    except UNREADABLE:
        kind = "Activity"
    if kind != "SubStatement":
        return _targets.keep(raw, _READERS.get(kind, read_activity)(raw))
    if nested:
        raise broken("$.objectType", "a SubStatement does not contain another", "Data 2.4.4.3")
    try:
        inner = _sub_statement(raw)
    except UNREADABLE as error:
        raise explain(raw, error, part="object") from error
    _check_no_repeat(raw, inner)
    event = _read_event(inner, version, nested=True)
    comparable = b"SubStatement " + event.digest.hex().encode()
    return Target("SubStatement", "", None, comparable, related(event.relations), event.definitions)


def _check_set_by_store(envelope: Envelope) -> None:
    """What the store sets itself is checked all the same, then overwritten or kept (Data 2.4.8 to 2.4.10)."""
    _instant(envelope.stored, "$.stored", "Data 2.4.8")
    if envelope.version is not UNSET and not is_statement_version(envelope.version):
        raise broken("$.version", "a statement's version is 1.0.x or 2.0.x", "Data 2.4.10")
    if envelope.authority is not UNSET:
        try:
            read_authority(bytes(envelope.authority))
        except RefusedError as error:
            raise _below("$.authority", error) from error


def _instant(text: str | UnsetType, path: str, section: str) -> int | None:
    if text is UNSET:
        return None
    instant = timestamp_ms(text)
    if instant is None:
        raise broken(path, "a timestamp has the ISO 8601 form 2015-11-18T12:17:00.123Z, offset not -00:00", section)
    return instant


def _below(path: str, error: RefusedError) -> RefusedError:
    """The same refusal, seen from further out."""
    return RefusedError(error.reason, error.rule, path=path + error.path[1:])
