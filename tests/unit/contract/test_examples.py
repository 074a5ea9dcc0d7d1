"""Every schema is documented and has examples, and every example is a record of its schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrs.kernel.codec import codec, schema_files
from lrs.kernel.reasons import Refusal, Withholding
from tests.unit.contract.schemas import EXAMPLES, Schema, schemas

ALL = [schema for versions in schemas().values() for schema in versions]
NEWEST = [versions[-1] for versions in schemas().values()]


def label(value: object) -> str:
    """The name of a schema or of an example in the list of tests."""
    if isinstance(value, Schema):
        return value.path.stem
    return f"{value.parent.name}/{value.stem}" if isinstance(value, Path) else str(value)


def examples(schema: Schema) -> list[Path]:
    return sorted((EXAMPLES / schema.path.stem).glob("*.json"))


def test_the_codec_knows_every_schema_in_order() -> None:
    assert schema_files() == {noun: [schema.path for schema in versions] for noun, versions in schemas().items()}


def test_versions_count_from_one_without_a_gap() -> None:
    for versions in schemas().values():
        assert [schema.version for schema in versions] == list(range(1, len(versions) + 1))


@pytest.mark.parametrize("schema", ALL, ids=label)
def test_a_schema_has_two_examples_at_least(schema: Schema) -> None:
    assert len(examples(schema)) >= 2


def test_an_example_folder_belongs_to_a_schema() -> None:
    assert {folder.name for folder in EXAMPLES.iterdir()} == {schema.path.stem for schema in ALL}


@pytest.mark.parametrize("schema", ALL, ids=label)
def test_a_schema_and_each_of_its_fields_is_explained(schema: Schema) -> None:
    for name, definition in schema.names.items():
        assert definition["type"] != "record" or definition["doc"], name
        for field in definition.get("fields", ()):
            assert field["doc"].endswith("."), f"{name}.{field['name']}"


@pytest.mark.parametrize(
    ("schema", "example"), [(schema, path) for schema in NEWEST for path in examples(schema)], ids=label
)
def test_an_example_comes_back_from_the_codec_as_it_was(schema: Schema, example: Path) -> None:
    record = schema.from_example(json.loads(example.read_text("utf-8")))
    assert codec(schema.noun).decode(codec(schema.noun).encode(record)) == record


def test_examples_give_reasons_of_the_closed_sets() -> None:
    for noun, reasons in (("refused", Refusal), ("withheld", Withholding)):
        for path in examples(schemas()[noun][-1]):
            assert json.loads(path.read_text("utf-8"))["reason"] in set(reasons)
