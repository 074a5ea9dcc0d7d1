"""The OpenAPI 3.1 description of the HTTP interface: paths from `pages/openapi.json`, statements from their types.

What types cannot say of a statement's parts, that file adds to them.
"""

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


# What may be answered to any request before it is looked at: see `connections`.
_TO_EVERY_REQUEST = {"408": "Late", "414": "LongUrl", "431": "LargeHead"}


def description(url: str) -> dict[str, Any]:
    """The whole description, of the interface that is reached at `url`."""
    content: dict[str, Any] = orjson.loads(_FILE.read_bytes())
    content["info"]["version"] = lrs.__version__
    content["servers"] = [{"url": f"{url.rstrip('/')}/xAPI"}]
    components = content["components"]
    components["schemas"] = _merged(_statement_schemas(), components["schemas"])
    for path, item in content["paths"].items():
        _complete(path, item)
    for response in components["responses"].values():
        _add_headers(response, "Version", "ConsistentThrough")
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


def _complete(path: str, item: dict[str, Any]) -> None:
    """Add what is the same everywhere: HEAD, OPTIONS, and the headers and errors of every answer."""
    for operation in item.values():
        operation["responses"] |= {status: _shared("responses", name) for status, name in _TO_EVERY_REQUEST.items()}
        for response in operation["responses"].values():
            if "$ref" not in response:
                _add_headers(response, "Version", *(("ConsistentThrough",) if path == "/statements" else ()))
    get = item["get"]
    item["head"] = _head(get)
    item["options"] = {
        "operationId": _named(get, "optionsOf"),
        "summary": "What may be asked of this resource",
        "security": [],
        "parameters": [],
        "responses": {"204": _shared("responses", "Options")},
    }


def _head(get: dict[str, Any]) -> dict[str, Any]:
    """HEAD is GET without the body."""
    bare = {
        status: response if "$ref" in response else {key: response[key] for key in response if key != "content"}
        for status, response in get["responses"].items()
    }
    named = {"operationId": _named(get, "head"), "summary": f"{get['summary']}: the headers alone"}
    return {**get, **named, "responses": bare}


def _named(get: dict[str, Any], verb: str) -> str:
    return f"{verb}{get['operationId'].removeprefix('get')}"


def _add_headers(response: dict[str, Any], *names: str) -> None:
    fields = {"Version": "X-Experience-API-Version", "ConsistentThrough": "X-Experience-API-Consistent-Through"}
    response["headers"] = response.get("headers", {}) | {fields[name]: _shared("headers", name) for name in names}


def _shared(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Both, where both have an object merged all the way down."""
    both = {
        key: _merged(under[key], over[key])
        if isinstance(under[key], dict) and isinstance(over[key], dict)
        else over[key]
        for key in under.keys() & over.keys()
    }
    return under | over | both
