"""What the JSON decoder says about bytes that are no statement, as a path, a rule and its section. Off the hot path."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements.rules import broken, step
from lrs.kernel.statements.shapes import INTERACTION_TYPES

# The decoder's words, with the path where it is not the root. `[...]` in a path is a key of a map, which it keeps back.
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL).fullmatch
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`", re.DOTALL).fullmatch
_EXPECTED = re.compile(r"Expected `(?P<wanted>.*)`, got `(?P<given>.*)`", re.DOTALL).fullmatch
_ENUM = re.compile(r"Invalid enum value (?P<value>.*)", re.DOTALL).fullmatch
_PATH = re.compile(r"(?P<message>.*) - at `\$(?P<path>[^`]*)`\Z", re.DOTALL).fullmatch
_STEPS = re.compile(r"\.([A-Za-z0-9_]+)|\[([0-9]+|\.\.\.)\]")

_SECTIONS = {
    "actor": "Data 2.4.2", "member": "Data 2.4.2.2", "agent": "2.0 4.2.2.5", "group": "2.0 4.2.2.5",
    "mbox": "Data 2.4.2.3", "mbox_sha1sum": "Data 2.4.2.3", "openid": "Data 2.4.2.3", "account": "Data 2.4.2.4",
    "verb": "Data 2.4.3", "display": "Data 4.2", "object": "Data 2.4.4", "definition": "Data 2.4.4.1",
    "result": "Data 2.4.5", "score": "Data 2.4.5.1", "context": "Data 2.4.6", "registration": "Data 2.4.6.1",
    "contextActivities": "Data 2.4.6.2", "contextAgents": "2.0 4.2.2.5", "contextGroups": "2.0 4.2.2.5",
    "timestamp": "Data 2.4.7", "stored": "Data 2.4.8", "authority": "Data 2.4.9", "version": "Data 2.4.10",
    "attachments": "Data 2.4.11", "extensions": "Data 4.1",
}  # fmt: skip
_TYPES = {
    "str": "a string", "int": "an integer", "float": "a number", "int | float": "a number", "bool": "true or false",
    "object": "an object", "array": "an array", "object | array": "an object or an array of objects", "null": "null",
}  # fmt: skip
_OBJECT_TYPES = {
    "agent": "Agent", "group": "Group", "member": "Agent", "team": "Group", "statement": "StatementRef",
    "contextAgents": "contextAgent", "contextGroups": "contextGroup", "contextActivities": "Activity",
    "object": "Activity, Agent, Group, SubStatement or StatementRef", "actor": "Agent or Group",
    "instructor": "Agent or Group", "authority": "Agent or Group",
}  # fmt: skip


def not_json(detail: str) -> RefusedError:
    """Bytes that are no JSON object at all."""
    return RefusedError(Refusal.NOT_JSON, f"a statement is a JSON object in UTF-8: {detail} (xAPI 1.0.3 Data 2.2)")


def explain(raw: bytes, error: Exception, *, part: str = "") -> RefusedError:
    """Why decoding `raw` failed with `error`, one of msgspec's, `UnicodeDecodeError` or `RecursionError`.

    `part` names the property that `raw` is the value of, empty for a whole statement. The path begins at `raw`.
    """
    if isinstance(error, UnicodeDecodeError):
        return not_json(f"invalid UTF-8, {error.reason}")
    if isinstance(error, RecursionError):
        return broken("$", "JSON is nested too deep to be read", "Data 2.2")
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return not_json(text[:1].lower() + text[1:])
    located = _PATH(text)
    message, where = (located["message"], located["path"]) if located else (text, "")
    steps = [name or (index if index == "..." else int(index)) for name, index in _STEPS.findall(where)]
    if not steps and not part and (unfit := _EXPECTED(message)):
        return not_json(f"this is {_TYPES.get(unfit['given'], unfit['given'])}")
    return _sentence(message, _known_steps(raw, steps), part)


def _sentence(message: str, steps: list[str | int], part: str) -> RefusedError:
    names = [name for name in (part, *steps) if name and isinstance(name, str)]
    section = next((_SECTIONS[name] for name in reversed(names) if name in _SECTIONS), "Data 2.4")
    if names == ["id"]:
        section = "Data 2.4.1"
    path = _text(steps)
    if unknown := _UNKNOWN(message):
        rule = "this property is not allowed here; names are case sensitive"
        return broken(path + step(unknown["name"]), rule, section if names else "Data 2.2")
    if missing := _MISSING(message):
        return broken(path + step(missing["name"]), "this property is required", section)
    if expected := _EXPECTED(message):
        if expected["given"] == "null":
            return broken(path, "null is only allowed inside extensions", "Data 2.2")
        wanted, given = (_TYPES.get(expected[side], expected[side]) for side in ("wanted", "given"))
        return broken(path, f"must be {wanted}, not {given}", section)
    if _ENUM(message):
        return broken(path, f"must be exactly {_choices(names)}; values are case sensitive", section)
    return broken(path, f"{message[:1].lower()}{message[1:]}", section)


def _choices(names: list[str]) -> str:
    if names[-1:] == ["interactionType"]:
        return "one of " + ", ".join(INTERACTION_TYPES)
    return next((_OBJECT_TYPES[name] for name in reversed(names) if name in _OBJECT_TYPES), "a value of the standard")


def _text(steps: list[str | int]) -> str:
    return "$" + "".join(f"[{one}]" if isinstance(one, int) else step(one) for one in steps)


_decode = msgspec.json.Decoder(float_hook=float).decode  # why with a hook: see `read_number`


def _known_steps(raw: bytes, steps: list[str | int]) -> list[str | int]:
    """`steps` with the key of a language map in place of `...`: the first whose value is no string."""
    if "..." not in steps:
        return steps
    place = steps.index("...")
    try:
        value: Any = _decode(raw)
        for one in steps[:place]:
            value = value[one]
        name = next(key for key, text in value.items() if not isinstance(text, str))
    except (
        msgspec.DecodeError,
        UnicodeDecodeError,
        RecursionError,
        LookupError,
        TypeError,
        AttributeError,
        StopIteration,
    ):
        return steps[:place]  # there is more wrong with it, such as a repeated key of which this decode kept the other
    return [*steps[:place], name]


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its members, repeated ones too."""


def repeated_key(raw: bytes) -> RefusedError:
    """Where the first repeated key of `raw` is. `raw` is valid JSON with at least one."""
    try:
        # A function of Python, not the class: between two calls other threads get their turn.
        tree = json.loads(raw, object_pairs_hook=lambda pairs: _Pairs(pairs))  # noqa: PLW0108 - see above
        path = next(_repeated(tree, "$"), "$")
    except (RecursionError, ValueError):
        path = "$"
    return broken(path, "a property is used no more than once in an object", "Data 2.2")


def _repeated(value: object, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for name, inner in value:
            if name in seen:
                yield path + step(name)
            seen.add(name)
            yield from _repeated(inner, path + step(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _repeated(inner, f"{path}[{index}]")
