"""Whether every version of a schema can be read by every later one."""

from __future__ import annotations

import io
from itertools import combinations
from pathlib import Path

import fastavro
from fastavro.read import SchemaResolutionError

from tests.unit.contract.schemas import Schema, schemas


def unreadable(folder: Path) -> list[str]:
    """One line for each pair of versions where the later cannot read what the earlier may have written."""
    lines = []
    for versions in schemas(folder).values():
        for earlier, later in combinations(versions, 2):
            problem = _problem(earlier, later)
            if problem:
                lines.append(f"{later.path.name} cannot read {earlier.path.name}: {problem}")
    return lines


def _problem(earlier: Schema, later: Schema) -> str:
    writer, reader = fastavro.parse_schema(earlier.json), fastavro.parse_schema(later.json)
    for record in earlier.covering():
        data = io.BytesIO()
        fastavro.schemaless_writer(data, writer, record)
        data.seek(0)
        try:
            fastavro.schemaless_reader(data, writer, reader)
        except (SchemaResolutionError, ValueError, KeyError, TypeError) as error:
            return f"{type(error).__name__}: {error}"
    return ""
