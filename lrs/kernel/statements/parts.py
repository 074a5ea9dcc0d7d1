"""The parts of a statement, each read by itself: types, repeated keys, rules, and what of it counts in a comparison.

Whole parts repeat from statement to statement: a learner, a verb, an item with its definition, the context of one
sitting. What was learnt of a valid part is kept by its bytes, so that its rules are not checked again; see `Memory`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec import UNSET, Struct

from lrs.kernel.statements import comparisons
from lrs.kernel.statements.activities import check_activity
from lrs.kernel.statements.agents import agent_key, check_authority, check_party
from lrs.kernel.statements.attachments import check_attachments
from lrs.kernel.statements.contexts import check_context
from lrs.kernel.statements.definitions import Definition, definitions_of
from lrs.kernel.statements.durations import comparable_duration, is_duration
from lrs.kernel.statements.explanations import explain, repeated_key
from lrs.kernel.statements.iris import is_iri
from lrs.kernel.statements.languages import check_language_map
from lrs.kernel.statements.relations import (
    Kind,
    context_activities,
    context_relations,
    joined,
    party_relations,
    relation,
)
from lrs.kernel.statements.results import check_result
from lrs.kernel.statements.rules import broken
from lrs.kernel.statements.shapes import Activity, Attachment, Context, Context2, Party, Reference, Result, Verb
from lrs.kernel.statements.uuids import uuid_bytes
from lrs.kernel.statements.versions import XapiVersion

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
ShapeT = TypeVar("ShapeT")
LearntT = TypeVar("LearntT")


class Actor(Struct, frozen=True, gc=False):
    """A valid actor: its key (see `agent_key`), the bytes that count in a comparison, and its `relations`."""

    key: str
    comparable: bytes
    relations: bytes


class Target(Struct, frozen=True, gc=False):
    """A valid object that is no SubStatement."""

    kind: str
    activity_id: str
    statement_id: bytes | None
    comparable: bytes
    relations: bytes = b""
    definitions: tuple[Definition, ...] = ()


class Surroundings(Struct, frozen=True, gc=False):
    """A valid context; `activity_only` names a property that it may only have if the object is an Activity."""

    registration: bytes | None
    activity_only: str
    comparable: bytes
    relations: bytes
    definitions: tuple[Definition, ...]


class Memory(dict[bytes, LearntT]):
    """What was learnt of parts, by their bytes: at most 16,384 of at most 2 KiB each, emptied when full.

    A quarter of that was too few for one district: its 7,400 items pushed each other out, 33 µs a statement against 25.
    """

    most = 16384
    longest = 2048

    def keep(self, raw: bytes, learnt: LearntT) -> LearntT:
        """Remember `learnt` for `raw`, and return it."""
        if len(raw) <= self.longest:
            if len(self) >= self.most:
                self.clear()
            self[raw] = learnt
        return learnt


def count_strings(text: bytes) -> int:
    """How many quotation marks of `text`, a JSON text, begin or end a string.

    Two JSON texts of the same value have the same count. Of a repeated key every fast decoder silently keeps the last,
    so a text that is read and written again has fewer strings if and only if a key was repeated.
    """
    if b'\\"' in text:
        text = text.replace(b"\\\\", b"")
        return text.count(b'"') - text.count(b'\\"')
    return text.count(b'"')


_encode = msgspec.json.Encoder().encode


def _shape(decode: Callable[[bytes], ShapeT], raw: bytes, part: str) -> ShapeT:
    try:
        shape = decode(raw)
        if count_strings(raw) != count_strings(_encode(shape)):
            raise repeated_key(raw)
    except UNREADABLE as error:
        raise explain(raw, error, part=part) from error
    return shape


_party = msgspec.json.Decoder(Party).decode
_verb = msgspec.json.Decoder(Verb).decode
_activity = msgspec.json.Decoder(Activity).decode
_reference = msgspec.json.Decoder(Reference).decode
_result = msgspec.json.Decoder(Result).decode
_context = msgspec.json.Decoder(Context).decode
_context2 = msgspec.json.Decoder(Context2).decode
_attachments = msgspec.json.Decoder(list[Attachment]).decode

_DURATION = b'"duration":"'
_LONGEST_DURATION = 40
_results: Memory[bytes] = Memory()
_around_duration: Memory[tuple[bytes, bytes]] = Memory()


def read_actor(raw: bytes) -> Actor:
    """Raises `RefusedError`, as every reader here, with paths that begin at the part."""
    party = _shape(_party, raw, "actor")
    check_party(party, "$")
    relations = joined(party_relations(party, Kind.AGENT))
    return Actor(agent_key(party), comparisons.comparable_party(party), relations)


def read_verb(raw: bytes) -> str:
    """The verb's id, which is all that counts in a comparison."""
    verb = _shape(_verb, raw, "verb")
    if not is_iri(verb.id):
        raise broken("$.id", "a Verb's id is an IRI with a scheme", "Data 2.4.3")
    if verb.display is not UNSET:
        check_language_map(verb.display, "$.display")
    return verb.id


def read_activity(raw: bytes) -> Target:
    """An object without objectType, or with one that is not known."""
    activity = _shape(_activity, raw, "object")
    check_activity(activity, "$")
    definitions = tuple(definitions_of((activity,)))
    relations = relation(Kind.ACTIVITY, activity.id)
    return Target("Activity", activity.id, None, comparisons.comparable_activity(activity), relations, definitions)


def read_agent(raw: bytes) -> Target:
    """An Agent or a Group as object."""
    party = _shape(_party, raw, "object")
    check_party(party, "$")
    kind = "Group" if party.objectType == "Group" else "Agent"
    relations = joined(party_relations(party, Kind.AGENT))
    return Target(kind, "", None, comparisons.comparable_party(party), relations)


def read_reference(raw: bytes) -> Target:
    """A StatementRef as object."""
    reference = _shape(_reference, raw, "object")
    statement_id = uuid_bytes(reference.id)
    if statement_id is None:
        raise broken("$.id", "a StatementRef's id is a UUID", "Data 2.4.4.3")
    return Target("StatementRef", "", statement_id, b"StatementRef " + statement_id.hex().encode())


def read_result(raw: bytes) -> bytes:
    """What of a result counts in a comparison. What it says beside its duration repeats, and is remembered."""
    start = raw.find(_DURATION) + len(_DURATION)
    end = raw.find(b'"', start) if start >= len(_DURATION) else -1
    if end < 0:
        return _results.get(raw) or _results.keep(raw, _read_result(raw))
    rest = raw[:start] + raw[end:]
    known = _around_duration.get(rest)
    duration = _comparable_duration(raw[start:end])
    if known is not None and duration:
        return duration.join(known)
    comparable = _read_result(raw)
    # Without extensions, and with it once, `"duration":"` is the result's own: in a string its marks are escaped.
    if raw.count(_DURATION) == 1 and b'"extensions"' not in raw and b"\\" not in raw:
        before, mark, after = comparable.partition(_DURATION)
        _around_duration.keep(rest, (before + mark, after[after.index(b'"') :]))
    return comparable


def _read_result(raw: bytes) -> bytes:
    try:
        result = _result(raw)
        comparable = comparisons.comparable_result(result)
        if count_strings(raw) != count_strings(comparable):
            raise repeated_key(raw)
    except UNREADABLE as error:
        raise explain(raw, error, part="result") from error
    check_result(result, "$")
    return comparable


@lru_cache(16_384)
def _comparable_duration(text: bytes) -> bytes:
    """Empty if it is no duration."""
    if len(text) > _LONGEST_DURATION or not text.isascii() or not is_duration(text.decode()):
        return b""
    return comparable_duration(text.decode()).encode()


def read_context(raw: bytes, version: XapiVersion) -> Surroundings:
    """A context of the version's shape."""
    context = _shape(_context2 if version is XapiVersion.V2 else _context, raw, "context")
    check_context(context, "$")
    registration = None if context.registration is UNSET else uuid_bytes(context.registration)
    activity_only = "revision" if context.revision is not UNSET else "" if context.platform is UNSET else "platform"
    relations = joined(context_relations(context, registration))
    definitions = tuple(definitions_of(context_activities(context)))
    return Surroundings(registration, activity_only, comparisons.comparable_context(context), relations, definitions)


def read_attachments(raw: bytes) -> bytes:
    """What of the attachments counts in a comparison: all that is declared of them."""
    attachments = _shape(_attachments, raw, "attachments")
    check_attachments(attachments, "$")
    return comparisons.comparable_attachments(attachments)


def read_authority(raw: bytes) -> None:
    """Only checked: the record store sets its own."""
    check_authority(_shape(_party, raw, "authority"), "$")
