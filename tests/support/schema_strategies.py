"""Values from the JSON schemas of the OpenAPI description: those that fit, and those in which something does not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

_FORMATS: dict[str, st.SearchStrategy[str]] = {
    "uuid": st.uuids(version=4).map(str),
    "date-time": st.datetimes().map(lambda at: f"{at.isoformat(timespec='milliseconds')}Z"),
    "iri": st.text("abc1/日本", max_size=8).map(lambda path: f"https://drill.example.jp/{path}"),
    "uri": st.text("abc1/", max_size=8).map(lambda path: f"https://drill.example.jp/{path}"),
    "duration": st.integers(0, 9999).map(lambda seconds: f"PT{seconds}S"),
}
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_DEEPEST = 4


class Schemas:
    """The schemas of a description."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a reference leads to."""
        while "$ref" in node:
            found: Any = self._content
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            node = found
        return node

    def fitting(self, schema: Mapping[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
        """Values of a schema. What stands beside the types, as a rule about two properties, is met by chance."""
        schema = self.resolved(schema)
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if "properties" in schema:
            return self._object(schema, depth)
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return st.one_of(*(self.fitting(one, depth) for one in schema[choice]))
        return self._simple(schema, depth)

    def odd(self, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
        """Values of which a part, or all, is anything."""
        return st.one_of(_ANYTHING, st.tuples(self.fitting(schema), _ANYTHING, st.integers(0, 99)).map(_disturbed))

    def _object(self, schema: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
        properties, required = schema["properties"], set(schema.get("required", ()))
        one_of: Sequence[Mapping[str, Any]] = schema.get("oneOf", ())
        wanted = [required | set(one.get("required", ())) for one in one_of] or [required]
        alone = set().union(*wanted) - required if one_of else set()
        others = sorted(set(properties) - required - alone) if depth < _DEEPEST else []

        def made(names: set[str], more: list[str]) -> st.SearchStrategy[Any]:
            chosen = [name for name in properties if name in names or name in more]
            return st.fixed_dictionaries({name: self.fitting(properties[name], depth + 1) for name in chosen})

        some = st.lists(st.sampled_from(others), max_size=4, unique=True) if others else st.just(list[str]())
        return st.sampled_from(wanted).flatmap(lambda names: some.flatmap(lambda more: made(names, more)))

    def _simple(self, schema: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
        kind = schema.get("type")
        if kind == "array":
            return st.lists(self.fitting(schema.get("items", {}), depth + 1), max_size=2)
        if kind == "object":
            values = self.fitting(schema.get("additionalProperties", {}), depth + 1)
            return st.dictionaries(st.sampled_from(("ja", "en-US", "https://drill.example.jp/x")), values, max_size=2)
        if kind == "string":
            if schema.get("format") in _FORMATS:
                return _FORMATS[schema["format"]]
            return st.from_regex(schema["pattern"], fullmatch=True) if "pattern" in schema else st.text(max_size=20)
        if kind in {"integer", "number"}:
            low, high = schema.get("minimum", -1000), schema.get("maximum", 1000)
            return st.integers(low, high) if kind == "integer" else st.floats(low, high)
        return st.booleans() if kind == "boolean" else _ANYTHING


def written(value: object) -> str:
    """A parameter's value as it stands in a URL, before it is percent-encoded."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _disturbed(given: tuple[Any, Any, int]) -> Any:  # noqa: ANN401 - any JSON
    """The value with another in one of its places."""
    value, other, place = given
    if isinstance(value, dict) and value:
        name = sorted(value)[place % len(value)]
        return {
            **value,
            name if place % 3 else f"{name}x": other if place % 2 else _disturbed((value[name], other, place)),
        }
    if isinstance(value, list) and value:
        return [*value[:-1], _disturbed((value[-1], other, place))]
    return other
