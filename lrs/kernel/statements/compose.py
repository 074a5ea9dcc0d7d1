"""A stored statement as `GET /statements?format=exact` returns it: what was sent, with what the record store sets.

Values that nothing needs to touch are copied as bytes, so that numbers keep their digits.
"""

from __future__ import annotations

import msgspec

from lrs.kernel.statements.timestamps import timestamp_in_utc, timestamp_text
from lrs.kernel.statements.uuids import uuid_text

_Members = dict[str, msgspec.Raw]
_members = msgspec.json.Decoder(_Members).decode
_text = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode


def compose(raw: bytes, *, statement_id: bytes, stored_ms: int, authority: bytes, version: str) -> bytes:
    """The statement `raw`, which is valid, with id, stored, authority, timestamp and version.

    `authority` is JSON. `version` is the xAPI version of the request that brought it and counts only where the
    statement has none: then it is 1.0.0 for every 1.0.x (xAPI 1.0.3 Data 2.4.10). Timestamps come back in UTC, and a
    context activity that came alone as a list of one (Data 2.4.6.2).
    """
    members = _members(raw)
    _canonical_event(members)
    stored = _raw(timestamp_text(stored_ms))
    members["id"] = _raw(uuid_text(statement_id))
    members.setdefault("timestamp", stored)
    members["stored"] = stored
    members["authority"] = msgspec.Raw(authority)
    members.setdefault("version", _raw("1.0.0" if version.startswith("1.0") else version))
    return _encode(members)


def _canonical_event(members: _Members) -> None:
    """Bring the parts of a statement or SubStatement to the form in which they are returned."""
    if "timestamp" in members:
        members["timestamp"] = _raw(timestamp_in_utc(_text(members["timestamp"])))
    if "context" in members:
        members["context"] = _canonical_context(members["context"])
    # A look at the bytes spares nearly every statement the parse; an escaped letter hides nothing, it costs one.
    target = bytes(members["object"])
    if b"SubStatement" in target or b"\\" in target:
        inner = _members(target)
        if _is_sub_statement(inner):
            _canonical_event(inner)
            members["object"] = _raw(inner)


def _is_sub_statement(members: _Members) -> bool:
    return "objectType" in members and _text(members["objectType"]) == "SubStatement"


def _canonical_context(raw: msgspec.Raw) -> msgspec.Raw:
    context = _members(raw)
    if "contextActivities" not in context:
        return raw
    activities = _members(context["contextActivities"])
    alone = {name: value for name, value in activities.items() if bytes(value).lstrip()[:1] == b"{"}
    if not alone:
        return raw
    listed = {name: _raw([value]) if name in alone else value for name, value in activities.items()}
    context["contextActivities"] = _raw(listed)
    return _raw(context)


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
