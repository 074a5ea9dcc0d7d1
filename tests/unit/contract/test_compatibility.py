"""BACKWARD_TRANSITIVE: what any version wrote, every later version reads."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrs.kernel.contract import AVRO
from tests.unit.contract.compatibility import unreadable
from tests.unit.contract.schemas import schemas

Change = Callable[[Any], None]


def field(schema: Any, name: str) -> Any:  # noqa: ANN401 - any JSON
    return next(one for one in schema["fields"] if one["name"] == name)


def plant(folder: Path, noun: str, version: int, change: Change) -> None:
    """Write `noun`.v`version` into `folder`: its v1, changed."""
    schema = copy.deepcopy(schemas()[noun][0].json)
    change(schema)
    (folder / f"{noun}.v{version}.avsc").write_text(json.dumps(schema), "utf-8")


def change_type(name: str, kind: object) -> Change:
    def change(schema: Any) -> None:  # noqa: ANN401 - any JSON
        field(schema, name).pop("default", None)
        field(schema, name)["type"] = kind

    return change


def add(**new: object) -> Change:
    return lambda schema: schema["fields"].append(new)


def drop(name: str) -> Change:
    return lambda schema: schema["fields"].remove(field(schema, name))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the contract's schemas."""
    for path in AVRO.glob("*.avsc"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_every_version_is_read_by_every_later_one() -> None:
    assert unreadable(AVRO) == []


@pytest.mark.parametrize(
    ("noun", "change"),
    [
        ("received", add(name="tenant", type="string")),
        ("received", lambda schema: field(schema, "entrance")["type"]["symbols"].remove("SDK")),
        ("received", change_type("stored_at_ms", "long")),
        ("received", lambda schema: field(schema, "statement_id")["type"].update(size=20)),
        ("accepted", change_type("partition", "string")),
        (
            "accepted",
            lambda schema: field(schema, "statements")["type"]["items"]["fields"].append({"name": "x", "type": "int"}),
        ),
        ("activity", change_type("offset", "int")),
        ("activity", change_type("score_scaled", ["null", "string"])),
        ("released", lambda schema: field(schema, "dimensions")["type"].update(values="int")),
    ],
)
def test_a_version_that_cannot_read_an_earlier_one_is_found(folder: Path, noun: str, change: Change) -> None:
    plant(folder, noun, 2, change)
    [line] = unreadable(folder)
    assert line.startswith(f"{noun}.v2.avsc cannot read {noun}.v1.avsc")


@pytest.mark.parametrize(
    ("noun", "change"),
    [
        ("received", add(name="tenant", type="string", default="")),
        ("received", add(name="tenant", type=["null", "string"], default=None)),
        ("received", lambda schema: field(schema, "entrance")["type"]["symbols"].append("IMPORT")),
        ("activity", drop("app")),
        ("activity", change_type("partition", "long")),
        ("catalogue", change_type("title", ["null", "string"])),
    ],
)
def test_a_version_that_reads_all_earlier_ones_passes(folder: Path, noun: str, change: Change) -> None:
    plant(folder, noun, 2, change)
    assert unreadable(folder) == []


def test_a_version_is_compared_with_all_earlier_ones_not_only_with_the_last(folder: Path) -> None:
    plant(folder, "withheld", 2, add(name="tenant", type="string", default=""))
    plant(folder, "withheld", 3, add(name="tenant", type="string"))
    assert [line.split(":")[0] for line in unreadable(folder)] == ["withheld.v3.avsc cannot read withheld.v1.avsc"]
