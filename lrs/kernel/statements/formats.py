"""A statement in the formats `ids` and `canonical` of GET /statements (xAPI 1.0.3 Communication 2.1.3).

Takes a statement as `compose` gives it. What a format does not touch is copied as bytes: numbers keep their digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from lrs.kernel.statements.preferences import Languages

_Members = dict[str, msgspec.Raw]
_members = msgspec.json.Decoder(_Members).decode
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode
_value = msgspec.json.decode
_encode = msgspec.json.Encoder().encode
_IDENTIFIERS = ("mbox", "mbox_sha1sum", "openid", "account")
_MAPS = ("name", "description")
_COMPONENTS = ("choices", "scale", "source", "target", "steps")

Definitions = Mapping[str, dict[str, Any]]
Change = Callable[[msgspec.Raw], object]


def as_ids(statement: bytes) -> bytes:
    """With no more than identifies each Agent, Group, Verb and Activity."""
    members = _members(statement)
    _reduce(members)
    if "authority" in members:
        members["authority"] = _raw(_party(members["authority"]))
    return _encode(members)


def as_canonical(statement: bytes, definitions: Definitions, languages: Languages) -> bytes:
    """With the store's `definitions` of activities, by id, and of every language map the entry that suits best."""
    members = _members(statement)
    _canonical(members, definitions, languages)
    return _encode(members)


def activities_of(statement: bytes) -> Iterator[str]:
    """The ids of the activities whose definitions `as_canonical` wants, some more than once."""
    return _mentioned(_members(statement))


def one_language(definition: dict[str, Any], languages: Languages) -> dict[str, Any]:
    """A definition with one entry in each of its language maps."""
    result = dict(definition)
    for name in _MAPS:
        if name in result:
            result[name] = languages.best(result[name])
    for name in _COMPONENTS:
        if name in result:
            result[name] = [
                {**one, "description": languages.best(one["description"])} if "description" in one else one
                for one in result[name]
            ]
    return result


def _reduce(event: _Members) -> None:
    """A statement or SubStatement to its ids."""
    event["actor"] = _raw(_party(event["actor"]))
    event["verb"] = _raw(_only(event["verb"], "id"))
    kind = _kind(event["object"])
    if kind == "SubStatement":
        inner = _members(event["object"])
        _reduce(inner)
        event["object"] = _raw(inner)
    elif kind in {"Agent", "Group"}:
        event["object"] = _raw(_party(event["object"]))
    elif kind == "Activity":
        event["object"] = _raw(_only(event["object"], "id"))
    if "context" in event:
        context = _members(event["context"])
        for name in ("instructor", "team"):
            _change(context, name, _party)
        for name, inside in (("contextAgents", "agent"), ("contextGroups", "group")):
            _change(context, name, lambda raw, inside=inside: [_with_party(one, inside) for one in _list(raw)])  # type: ignore[misc]
        _change(context, "contextActivities", lambda raw: _each_activity(raw, lambda one: _only(one, "id")))
        event["context"] = _raw(context)


def _with_party(raw: msgspec.Raw, name: str) -> _Members:
    members = _members(raw)
    _change(members, name, _party)
    return members


def _party(raw: msgspec.Raw) -> dict[str, object]:
    """An Agent's or Group's identifier with its objectType; of an anonymous Group the members'."""
    members = _members(raw)
    kept: dict[str, object] = {name: members[name] for name in ("objectType", *_IDENTIFIERS) if name in members}
    if "member" in members and not kept.keys() & set(_IDENTIFIERS):
        kept["member"] = [_party(member) for member in _list(members["member"])]
    return kept


def _only(raw: msgspec.Raw, name: str) -> dict[str, msgspec.Raw]:
    return {name: _members(raw)[name]}


def _canonical(event: _Members, definitions: Definitions, languages: Languages) -> None:
    verb = _members(event["verb"])
    if "display" in verb:
        verb["display"] = _raw(languages.best(_members(verb["display"])))
        event["verb"] = _raw(verb)
    kind = _kind(event["object"])
    if kind == "SubStatement":
        inner = _members(event["object"])
        _canonical(inner, definitions, languages)
        event["object"] = _raw(inner)
    elif kind == "Activity":
        event["object"] = _raw(_defined(event["object"], definitions, languages))
    if "context" in event:
        context = _members(event["context"])
        _change(
            context,
            "contextActivities",
            lambda raw: _each_activity(raw, lambda one: _defined(one, definitions, languages)),
        )
        event["context"] = _raw(context)


def _defined(raw: msgspec.Raw, definitions: Definitions, languages: Languages) -> _Members:
    activity = _members(raw)
    own = activity.get("definition")
    definition = definitions.get(_text(activity["id"])) or (None if own is None else _value(own))
    if definition:
        activity["definition"] = _raw(one_language(definition, languages))
    return activity


def _mentioned(event: _Members) -> Iterator[str]:
    kind = _kind(event["object"])
    if kind == "SubStatement":
        yield from _mentioned(_members(event["object"]))
    elif kind == "Activity":
        yield _text(_members(event["object"])["id"])
    if "context" in event:
        context = _members(event["context"])
        if "contextActivities" in context:
            for activities in _members(context["contextActivities"]).values():
                for activity in _list(activities):
                    yield _text(_members(activity)["id"])


def _each_activity(raw: msgspec.Raw, change: Change) -> dict[str, list[object]]:
    return {name: [change(one) for one in _list(given)] for name, given in _members(raw).items()}


def _change(members: _Members, name: str, change: Change) -> None:
    if name in members:
        members[name] = _raw(change(members[name]))


def _kind(raw: msgspec.Raw) -> str:
    members = _members(raw)
    return _text(members["objectType"]) if "objectType" in members else "Activity"


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
