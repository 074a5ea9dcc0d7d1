"""The parts of a statement, each read by itself: types, repeated keys, rules, and what of it counts in a comparison.

Whole parts repeat from statement to statement: a learner, a verb, an item with its definition, the context of one
sitting. What was learnt of a valid part is kept by its bytes, so that its rules are not checked again; see `Memory`.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec
from msgspec import UNSET, Struct

from lrs.kernel.statements import comparisons
from lrs.kernel.statements.activities import check_activity
from lrs.kernel.statements.agents import agent_key, check_authority, check_party
from lrs.kernel.statements.attachments import check_attachments
from lrs.kernel.statements.decoding import UNREADABLE, Memory, count_strings, read_number, shape_of
from lrs.kernel.statements.definitions import Definition, definitions_of
from lrs.kernel.statements.durations import comparable_duration, is_duration
from lrs.kernel.statements.explanations import explain, repeated_key
from lrs.kernel.statements.iris import is_iri
from lrs.kernel.statements.languages import check_language_map
from lrs.kernel.statements.relations import (
    Kind,
    joined,
    party_relations,
    relation,
)
from lrs.kernel.statements.results import check_result
from lrs.kernel.statements.rules import broken
from lrs.kernel.statements.shapes import Activity, Attachment, Party, Reference, Result, Verb
from lrs.kernel.statements.uuids import uuid_bytes


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


_party = msgspec.json.Decoder(Party).decode
_verb = msgspec.json.Decoder(Verb).decode
_activity = msgspec.json.Decoder(Activity, float_hook=read_number).decode
_reference = msgspec.json.Decoder(Reference).decode
_result = msgspec.json.Decoder(Result, float_hook=read_number).decode
_attachments = msgspec.json.Decoder(list[Attachment]).decode

# With the space that Python's json writes, and without.
_DURATION = re.compile(rb'"duration": ?"([^"]{1,40})"').search
_results: Memory[bytes] = Memory()
_around_duration: Memory[tuple[bytes, bytes]] = Memory()


def read_actor(raw: bytes) -> Actor:
    """Raises `RefusedError`, as every reader here, with paths that begin at the part."""
    party = shape_of(_party, raw, "actor")
    check_party(party, "$")
    relations = joined(party_relations(party, Kind.AGENT))
    return Actor(agent_key(party), comparisons.comparable_party(party), relations)


def read_verb(raw: bytes) -> str:
    """The verb's id, which is all that counts in a comparison."""
    verb = shape_of(_verb, raw, "verb")
    if not is_iri(verb.id):
        raise broken("$.id", "a Verb's id is an IRI with a scheme", "Data 2.4.3")
    if verb.display is not UNSET:
        check_language_map(verb.display, "$.display")
    return verb.id


def read_activity(raw: bytes) -> Target:
    """An object without objectType, or with one that is not known."""
    activity = shape_of(_activity, raw, "object")
    check_activity(activity, "$")
    definitions = tuple(definitions_of((activity,)))
    relations = relation(Kind.ACTIVITY, activity.id)
    return Target("Activity", activity.id, None, comparisons.comparable_activity(activity), relations, definitions)


def read_agent(raw: bytes) -> Target:
    """An Agent or a Group as object."""
    party = shape_of(_party, raw, "object")
    check_party(party, "$")
    kind = "Group" if party.objectType == "Group" else "Agent"
    relations = joined(party_relations(party, Kind.AGENT))
    return Target(kind, "", None, comparisons.comparable_party(party), relations)


def read_reference(raw: bytes) -> Target:
    """A StatementRef as object."""
    reference = shape_of(_reference, raw, "object")
    statement_id = uuid_bytes(reference.id)
    if statement_id is None:
        raise broken("$.id", "a StatementRef's id is a UUID", "Data 2.4.4.3")
    return Target("StatementRef", "", statement_id, b"StatementRef " + statement_id.hex().encode())


def read_result(raw: bytes) -> bytes:
    """What of a result counts in a comparison. What it says beside its duration repeats, and is remembered."""
    found = _DURATION(raw)
    if found is None:
        return _results.get(raw) or _results.keep(raw, _read_result(raw))
    start, end = found.span(1)
    rest = raw[:start] + raw[end:]
    known = _around_duration.get(rest)
    duration = _comparable_duration(raw[start:end])
    if known is not None and duration:
        return duration.join(known)
    comparable = _read_result(raw)
    # Without extensions, and with it once, `"duration":` is the result's own: in a string its marks are escaped.
    if raw.count(b'"duration":') == 1 and b'"extensions"' not in raw and b"\\" not in raw:
        before, mark, after = comparable.partition(b'"duration":"')
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
    if not text.isascii() or not is_duration(text.decode()):
        return b""
    return comparable_duration(text.decode()).encode()


def read_attachments(raw: bytes) -> bytes:
    """What of the attachments counts in a comparison: all that is declared of them."""
    attachments = shape_of(_attachments, raw, "attachments")
    check_attachments(attachments, "$")
    return comparisons.comparable_attachments(attachments)


def read_authority(raw: bytes) -> None:
    """Only checked: the record store sets its own."""
    check_authority(shape_of(_party, raw, "authority"), "$")
