"""Contexts to `Surroundings`. What is learnt of the text around a registration serves every other sitting.

The registration is often there a second time, at the end of a grouping's id. A context costs 19 µs to read, and when
the recorder lags behind, the partitions drift apart and hardly one is still remembered as a whole.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, Struct

from lrs.kernel.statements import comparisons
from lrs.kernel.statements.contexts import check_context
from lrs.kernel.statements.decoding import Memory, read_number, shape_of
from lrs.kernel.statements.definitions import Definition, definitions_of
from lrs.kernel.statements.relations import (
    KEY_BYTES,
    context_activities,
    context_values,
    joined,
    of_uuid,
    relation,
)
from lrs.kernel.statements.shapes import Context, Context2
from lrs.kernel.statements.uuids import uuid_bytes
from lrs.kernel.statements.versions import XapiVersion

if TYPE_CHECKING:
    from collections.abc import Iterable


class Surroundings(Struct, frozen=True, gc=False):
    """A valid context; `activity_only` names a property that it may only have if the object is an Activity."""

    registration: bytes | None
    activity_only: str
    comparable: bytes
    relations: bytes
    definitions: tuple[Definition, ...]


class _Around(Struct, frozen=True, gc=False):
    """What contexts have in common that differ in the registration's text alone; `_HOLE` stands for it."""

    activity_only: str
    comparable: bytes
    relations: bytes
    """Those without the registration."""
    holding: tuple[tuple[bytes, bytes], ...]
    """Kind and value of those that have it somewhere in them."""
    definitions: tuple[Definition, ...]


_context = msgspec.json.Decoder(Context, float_hook=read_number).decode
_context2 = msgspec.json.Decoder(Context2, float_hook=read_number).decode
_arounds: dict[XapiVersion, Memory[_Around]] = {version: Memory() for version in XapiVersion}

# With the space that Python's json writes, and without. In upper case a UUID would not be its own comparable form.
_REGISTRATION = re.compile(rb'"registration": ?"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"').search
# No JSON text has this byte.
_HOLE = b"\0"
# The places where no rule and no order depends on the digits: the registration, and the end of a value with a slash.
_FREE = re.compile(rb'(?:"registration": ?"|/)\0"(?=[],}])')


def read_context(raw: bytes, version: XapiVersion) -> Surroundings:
    """A context of the version's shape. Raises `RefusedError` with paths that begin at the context."""
    uuid = _registration(raw)
    if not uuid:
        return _read(raw, version)[0]
    arounds = _arounds[version]
    key = raw.replace(uuid, _HOLE)
    around = arounds.get(key)
    if around is not None:
        return _within(around, uuid)
    surroundings, values = _read(raw, version)
    if _is_free(key, raw.lower().count(uuid)) and surroundings.registration == _octets(uuid):
        around = _around(surroundings, values, uuid)
        if around is not None:
            arounds.keep(key, around)
    return surroundings


def _registration(raw: bytes) -> bytes:
    """Its text, if there is one whose place others could take."""
    found = _REGISTRATION(raw)
    return b"" if found is None or _HOLE in raw else found[1]


def _octets(uuid: bytes) -> bytes:
    return bytes.fromhex(uuid.replace(b"-", b"").decode())


def _read(raw: bytes, version: XapiVersion) -> tuple[Surroundings, list[tuple[bytes, str]]]:
    context = shape_of(_context2 if version is XapiVersion.V2 else _context, raw, "context")
    check_context(context, "$")
    registration = None if context.registration is UNSET else uuid_bytes(context.registration)
    activity_only = "revision" if context.revision is not UNSET else "" if context.platform is UNSET else "platform"
    values = list(context_values(context))
    relations = _relations(registration, (relation(kind, value) for kind, value in values))
    definitions = tuple(definitions_of(context_activities(context)))
    comparable = comparisons.comparable_context(context)
    return Surroundings(registration, activity_only, comparable, relations, definitions), values


def _relations(registration: bytes | None, others: Iterable[bytes]) -> bytes:
    return joined(others if registration is None else (of_uuid(registration), *others))


def _is_free(key: bytes, spelled: int) -> bool:
    """Whether any other UUID in the holes would make a context as valid, with everything in the same order.

    `spelled`: how often the registration is there in lower or upper case.
    """
    # The order of members is that of their text; and an escape may be another spelling of what stands elsewhere.
    return spelled == len(_FREE.findall(key)) and b"\\" not in key and b'"member"' not in key


def _around(surroundings: Surroundings, values: list[tuple[bytes, str]], uuid: bytes) -> _Around | None:
    """None if a definition has the registration in it, whose digest would be another."""
    text = uuid.decode()
    if any(text in one.activity_id or uuid in one.content for one in surroundings.definitions):
        return None
    return _Around(
        surroundings.activity_only,
        surroundings.comparable.replace(uuid, _HOLE),
        joined(relation(kind, value) for kind, value in values if text not in value),
        tuple(dict.fromkeys((kind, value.encode().replace(uuid, _HOLE)) for kind, value in values if text in value)),
        surroundings.definitions,
    )


def _within(around: _Around, uuid: bytes) -> Surroundings:
    registration = _octets(uuid)
    relations = [of_uuid(registration), around.relations]
    for kind, value in around.holding:
        relations.append(kind + sha256(value.replace(_HOLE, uuid)).digest()[: KEY_BYTES - 1])
    comparable = around.comparable.replace(_HOLE, uuid)
    return Surroundings(registration, around.activity_only, comparable, b"".join(relations), around.definitions)
