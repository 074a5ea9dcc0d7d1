"""Activity definitions: what statements say of an activity, and one definition made of all of them.

Source: xAPI 1.0.3 Data 2.4.4.1 and Communication 2.5. How definitions are merged is the record store's own decision.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET, json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lrs.kernel.statements.shapes import Activity

_MAPS = ("name", "description")
_COMPONENTS = ("choices", "scale", "source", "target", "steps")
_encode = json.Encoder(order="deterministic").encode
_decode = json.Decoder(float_hook=float).decode  # what is kept was valid; why with a hook: see `read_number`


class Definition(NamedTuple):
    """One definition of an activity; `digest`, of 16 bytes, is that of id and content together."""

    activity_id: str
    digest: bytes
    content: bytes
    """JSON with its keys in order, so that the same definition is the same bytes."""


def definitions_of(activities: Iterable[Activity]) -> Iterator[Definition]:
    """Those of the activities that have one."""
    for activity in activities:
        if activity.definition is not UNSET:
            content = _encode(activity.definition)
            yield Definition(activity.id, sha256(activity.id.encode() + b"\n" + content).digest()[:16], content)


def merged(definitions: Iterable[bytes]) -> dict[str, Any]:
    """One definition of several, the older first: the newer's properties count, languages and extensions add up."""
    result: dict[str, Any] = {}
    for content in definitions:
        newer: dict[str, Any] = _decode(content)
        for name, value in newer.items():
            older = result.get(name)
            if older is None:
                result[name] = value
            elif name in _MAPS or name == "extensions":
                result[name] = {**older, **value}
            elif name in _COMPONENTS:
                result[name] = _components(older, value)
            else:
                result[name] = value
    return result


def _components(older: list[dict[str, Any]], newer: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newer list, with what the older says in other languages."""
    known = {one["id"]: one["description"] for one in older if "description" in one}
    return [
        {**one, "description": {**known[one["id"]], **one.get("description", {})}} if one["id"] in known else one
        for one in newer
    ]
