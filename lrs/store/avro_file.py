"""Avro data to an object container file, which the engine reads as an insert's body.

One datum is one block, so a datum that is cut off or too long is an error and cannot shift those behind it. Source:
Avro 1.12 specification, "Object container files".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lrs.kernel.avro_binary import long, recurring_long

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MAGIC = b"Obj\x01"
# Any 16 bytes will do: they tell that a block ended where it said.
_SYNC = b"\xa7ayumi/avro-sync"
_ONE = long(1)


class AvroFile:
    """Files of data of one schema. The names of its top-level fields become column names."""

    def __init__(self, schema: Any, columns: Mapping[str, str]) -> None:  # noqa: ANN401 - JSON
        """`schema` is a record's, parsed; `columns` renames fields: names are no part of a datum, so any will do."""
        fields = [{"name": columns.get(one["name"], one["name"]), "type": one["type"]} for one in schema["fields"]]
        text = json.dumps({"type": "record", "name": schema["name"], "fields": fields}).encode()
        entries = b"".join(
            long(len(part)) + part for entry in ((b"avro.schema", text), (b"avro.codec", b"null")) for part in entry
        )
        self.columns = [one["name"] for one in fields]
        self._header = _MAGIC + long(2) + entries + long(0) + _SYNC

    def write(self, data: Iterable[bytes]) -> bytes:
        """The file with these data, in order."""
        parts = [self._header]
        for datum in data:
            parts += (_ONE, recurring_long(len(datum)), datum, _SYNC)
        return b"".join(parts)
