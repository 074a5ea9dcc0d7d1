"""The TypedDicts that the rooms use say the same as the newest schemas."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from lrs.kernel import records
from tests.unit.contract.schemas import Schema, schemas

RECORDS: dict[str, type] = {
    "received": records.Received,
    "accepted": records.AcceptedSlice,
    "refused": records.Refused,
    "activity": records.Activity,
    "withheld": records.Withheld,
    "catalogue": records.CatalogueEntry,
    "roster": records.RosterEntry,
    "consent": records.ConsentDecision,
    "released": records.ReleasedCell,
}
SIMPLE = {
    "boolean": bool, "int": int, "long": int, "double": float, "string": str, "bytes": bytes, "fixed": bytes,
    "null": NoneType,
}  # fmt: skip


def test_every_schema_has_a_record_type() -> None:
    assert set(RECORDS) == set(schemas())


@pytest.mark.parametrize("noun", RECORDS)
def test_a_record_type_agrees_with_the_newest_schema(noun: str) -> None:
    schema = schemas()[noun][-1]
    assert differences(schema, schema.json, RECORDS[noun], noun) == []


def test_a_record_type_that_differs_is_found() -> None:
    schema = schemas()["withheld"][-1]
    assert differences(schema, schema.json, records.Refused, "withheld")[0].startswith("withheld has the fields")
    assert differences(schema, "long", str, "x") == ["x is long in the schema, <class 'str'> in Python"]
    assert differences(schema, ["null", "long"], int, "x") == ["x is union in the schema, <class 'int'> in Python"]


def differences(schema: Schema, avro: Any, python: Any, path: str) -> list[str]:  # noqa: ANN401 - any type
    """What `python` says otherwise than `avro`."""
    kind, definition = schema.resolve(avro)
    arguments = get_args(python)
    if kind == "record" and is_typeddict(python):
        return _field_differences(schema, definition, python, path)
    if kind == "union" and get_origin(python) is UnionType:
        return [
            line
            for branch, argument in zip(
                sorted(definition, key=lambda branch: branch == "null"), _null_last(arguments), strict=True
            )
            for line in differences(schema, branch, argument, path)
        ]
    if kind == "array" and get_origin(python) is list:
        return differences(schema, definition["items"], arguments[0], f"{path}[]")
    if kind == "map" and get_origin(python) is dict and arguments[0] is str:
        return differences(schema, definition["values"], arguments[1], f"{path}{{}}")
    if kind == "enum" and get_origin(python) is Literal:
        return [] if list(arguments) == definition["symbols"] else [f"{path} has the symbols {definition['symbols']}"]
    return [] if SIMPLE.get(kind) is python else [f"{path} is {kind} in the schema, {python} in Python"]


def _null_last(arguments: tuple[Any, ...]) -> list[Any]:
    return sorted(arguments, key=lambda argument: argument is NoneType)


def _field_differences(schema: Schema, definition: Any, python: type, path: str) -> list[str]:  # noqa: ANN401
    hints = get_type_hints(python)
    names = [field["name"] for field in definition["fields"]]
    if list(hints) != names:
        return [f"{path} has the fields {names} in the schema, {list(hints)} in Python"]
    return [
        line
        for field in definition["fields"]
        for line in differences(schema, field["type"], hints[field["name"]], f"{path}.{field['name']}")
    ]
