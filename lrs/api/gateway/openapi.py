"""The OpenAPI 3.1 description of the HTTP interface: paths from `pages/openapi.json`, statements from their types."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

import lrs
from lrs.api.gateway.answers import Answer
from lrs.kernel.statements import shapes

if TYPE_CHECKING:
    from lrs.api.gateway.requests import Request

_FILE = Path(__file__).with_name("pages") / "openapi.json"
_REFERENCE = "#/components/schemas/{name}"
_TYPES = (
    shapes.Party,
    shapes.Verb,
    shapes.Activity,
    shapes.Reference,
    shapes.Result,
    shapes.Context2,
    shapes.Attachment,
    shapes.Envelope,
    shapes.SubStatement,
)
# What the types leave as bytes, because it is read part by part.
_PARTS = {
    "actor": {"$ref": "#/components/schemas/Party"},
    "verb": {"$ref": "#/components/schemas/Verb"},
    "result": {"$ref": "#/components/schemas/Result"},
    "context": {"$ref": "#/components/schemas/Context2"},
    "attachments": {"type": "array", "items": {"$ref": "#/components/schemas/Attachment"}},
    "authority": {"$ref": "#/components/schemas/Party"},
}
_OBJECTS = ("Activity", "Party", "Reference")


def description(url: str) -> dict[str, Any]:
    """The whole description, of the interface that is reached at `url`."""
    content: dict[str, Any] = orjson.loads(_FILE.read_bytes())
    content["info"]["version"] = lrs.__version__
    content["servers"] = [{"url": f"{url.rstrip('/')}/xAPI"}]
    content["components"]["schemas"].update(_statement_schemas())
    return content


class OpenApi:
    """The page with the description, made once."""

    def __init__(self, url: str) -> None:
        """`url` is where apps reach the interface."""
        self._answer = Answer(200, orjson.dumps(description(url)))

    async def page(self, _: Request) -> Answer:
        """The same for everybody."""
        return self._answer


def _statement_schemas() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template=_REFERENCE)
    schemas["Statement"] = schemas.pop("Envelope") | {"title": "Statement"}
    for name, objects in (("Statement", (*_OBJECTS, "SubStatement")), ("SubStatement", _OBJECTS)):
        properties = schemas[name]["properties"]
        properties.update({part: schema for part, schema in _PARTS.items() if part in properties})
        properties["object"] = {"anyOf": [{"$ref": _REFERENCE.format(name=one)} for one in objects]}
    return schemas
