"""Avro single-object encoding of every topic value: two marker bytes, the schema's CRC-64-AVRO fingerprint, the datum.

The only module that knows fastavro. A reader needs the `avro/` folder and no registry service. Source: Avro 1.12
specification, "Single object encoding".
"""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

from lrs.kernel.contract import AVRO
from lrs.kernel.errors import AyumiError

_MARKER = b"\xc3\x01"
_HEADER_BYTES = 10


class ContractError(AyumiError):
    """Bytes that are not a record of this contract, or a record that does not fit its schema."""


class UnknownSchemaError(ContractError):
    """A record of a schema that this release does not know: most likely another release wrote it."""


@cache
def schema_files() -> dict[str, list[Path]]:
    """For each noun its schema files, oldest version first."""
    found: dict[str, list[Path]] = {}
    for path in sorted(AVRO.glob("*.v*.avsc"), key=lambda p: (p.name.split(".")[0], int(p.name.split(".v")[1][:-5]))):
        found.setdefault(path.name.split(".")[0], []).append(path)
    return found


def _header(schema: dict[str, Any]) -> bytes:
    canonical = to_parsing_canonical_form(schema)
    # fastavro prints the fingerprint as the hex of its little-endian bytes, the order in which it is sent.
    return _MARKER + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


class Codec:
    """Encodes the newest version of one noun, and decodes every version of it to the newest shape."""

    def __init__(self, noun: str) -> None:
        """Load all versions of `noun`. Raises `ContractError` if there is none."""
        files = schema_files().get(noun)
        if not files:
            msg = f"no schema for {noun!r} in {AVRO}"
            raise ContractError(msg)
        raw = [json.loads(path.read_text("utf-8")) for path in files]
        self.noun = noun
        self.schema = fastavro.parse_schema(raw[-1])
        self.header = _header(raw[-1])
        # None as reader schema spares fastavro the resolution walk where writer and reader are the same.
        self._writers: dict[bytes, tuple[Any, Any]] = {
            _header(schema): (fastavro.parse_schema(schema), self.schema) for schema in raw[:-1]
        }
        self._writers[self.header] = (self.schema, None)

    def knows(self, value: bytes | None) -> bool:
        """Whether `value` begins as some version of this noun; tells apart what travels in one topic."""
        return value is not None and bytes(value[:_HEADER_BYTES]) in self._writers

    def encode(self, record: Any) -> bytes:  # noqa: ANN401 - a TypedDict of lrs.kernel.records
        """The single-object bytes of `record`. Raises `ContractError` naming the field that does not fit."""
        out = io.BytesIO()
        out.write(self.header)
        try:
            fastavro.schemaless_writer(out, self.schema, record)
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
            msg = f"not a {self.noun} record: {error}"
            raise ContractError(msg) from error
        return out.getvalue()

    def decode(self, value: bytes | None) -> Any:  # noqa: ANN401 - a TypedDict of lrs.kernel.records
        """The record in the newest shape. Raises `ContractError` on other bytes, an unknown version or a cut record."""
        if value is None or value[:2] != _MARKER:
            msg = f"not a {self.noun} record: the Avro single-object marker is missing"
            raise ContractError(msg)
        known = self._writers.get(bytes(value[:_HEADER_BYTES]))
        if known is None:
            msg = f"not a {self.noun} record: unknown schema fingerprint {bytes(value[2:_HEADER_BYTES]).hex()}"
            raise (UnknownSchemaError if len(value) >= _HEADER_BYTES else ContractError)(msg)
        source = io.BytesIO(value)
        source.seek(_HEADER_BYTES)
        try:
            record = fastavro.schemaless_reader(source, *known)
        except (EOFError, ValueError, IndexError, KeyError, OverflowError, MemoryError, TypeError) as error:
            msg = f"not a {self.noun} record: {error or type(error).__name__}"
            raise ContractError(msg) from error
        if source.tell() != len(value):
            msg = f"not a {self.noun} record: {len(value) - source.tell()} bytes follow its end"
            raise ContractError(msg)
        return record


@cache
def codec(noun: str) -> Codec:
    """The process-wide codec of a noun."""
    return Codec(noun)
