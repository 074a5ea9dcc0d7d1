"""Schemas as tests see them: the files of a folder, examples as records, values that fit a schema."""

from __future__ import annotations

import json
from itertools import zip_longest
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from lrs.kernel.contract import AVRO

EXAMPLES = AVRO / "examples"
_SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False),
    "string": st.text(max_size=20),
    "bytes": st.binary(max_size=20),
}
_ONE_OF: dict[str, Any] = {
    "null": None, "boolean": True, "int": -7, "long": 2**40, "double": 0.5, "string": "歩み", "bytes": b"\x00\xff"
}  # fmt: skip


class Schema:
    """One schema with its named types resolved."""

    def __init__(self, path: Path) -> None:
        """Read the schema file at `path`."""
        self.path = path
        self.noun, _, version = path.stem.partition(".v")
        self.version = int(version)
        self.json: Any = json.loads(path.read_text("utf-8"))
        self.names: dict[str, Any] = {}
        self._collect(self.json)

    def _collect(self, schema: Any) -> None:  # noqa: ANN401 - any JSON
        if isinstance(schema, list):
            for branch in schema:
                self._collect(branch)
        elif isinstance(schema, dict):
            if "name" in schema:
                self.names[schema["name"]] = schema
            for inner in (
                *(field["type"] for field in schema.get("fields", ())),
                schema.get("items"),
                schema.get("values"),
            ):
                self._collect(inner)

    def resolve(self, schema: Any) -> tuple[str, Any]:  # noqa: ANN401 - any JSON
        """The kind of a type (`string`, `record`, `union` …) and its definition."""
        if isinstance(schema, list):
            return "union", schema
        if isinstance(schema, str):
            return (self.names[schema]["type"], self.names[schema]) if schema in self.names else (schema, schema)
        return schema["type"], schema

    def from_example(self, value: Any, schema: Any = None) -> Any:  # noqa: ANN401 - any JSON
        """`value` as an example writes it, as a record: hexadecimal digits become bytes."""
        kind, schema = self.resolve(self.json if schema is None else schema)
        if kind in {"bytes", "fixed"}:
            return bytes.fromhex(value)
        if kind == "record":
            assert set(value) == {field["name"] for field in schema["fields"]}
            return {field["name"]: self.from_example(value[field["name"]], field["type"]) for field in schema["fields"]}
        if kind == "array":
            return [self.from_example(item, schema["items"]) for item in value]
        if kind == "union" and value is not None:
            return self.from_example(value, next(branch for branch in schema if branch != "null"))
        return value

    def records(self, schema: Any = None) -> st.SearchStrategy[Any]:  # noqa: ANN401, PLR0911 - one return a kind
        """Every record of this schema."""
        kind, schema = self.resolve(self.json if schema is None else schema)
        if kind == "record":
            return st.fixed_dictionaries({field["name"]: self.records(field["type"]) for field in schema["fields"]})
        if kind == "union":
            return st.one_of([self.records(branch) for branch in schema])
        if kind == "array":
            return st.lists(self.records(schema["items"]), max_size=4)
        if kind == "map":
            return st.dictionaries(st.text(max_size=9), self.records(schema["values"]), max_size=4)
        if kind == "enum":
            return st.sampled_from(schema["symbols"])
        if kind == "fixed":
            return st.binary(min_size=schema["size"], max_size=schema["size"])
        return _SIMPLE[kind]

    def covering(self, schema: Any = None) -> list[Any]:  # noqa: ANN401 - any JSON
        """A few records in which every branch of every union and every symbol of every enum occurs."""
        kind, schema = self.resolve(self.json if schema is None else schema)
        if kind == "record":
            columns = {field["name"]: self.covering(field["type"]) for field in schema["fields"]}
            rows = zip_longest(*columns.values(), fillvalue=Ellipsis)
            firsts = {name: values[0] for name, values in columns.items()}
            return [
                {name: firsts[name] if value is ... else value for name, value in zip(columns, row, strict=True)}
                for row in rows
            ]
        if kind == "union":
            return [value for branch in schema for value in self.covering(branch)]
        if kind == "array":
            return [[], self.covering(schema["items"])]
        if kind == "map":
            return [{}, {f"名{index}": value for index, value in enumerate(self.covering(schema["values"]))}]
        if kind == "enum":
            return list(schema["symbols"])
        return [b"\x01" * schema["size"]] if kind == "fixed" else [_ONE_OF[kind]]


def schemas(folder: Path = AVRO) -> dict[str, list[Schema]]:
    """For each noun its schemas, oldest version first."""
    found: dict[str, list[Schema]] = {}
    for schema in sorted((Schema(path) for path in folder.glob("*.avsc")), key=lambda one: one.version):
        found.setdefault(schema.noun, []).append(schema)
    return found
