"""Whether an answer is one that the gateway's own OpenAPI description promises: status, headers, media type, body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import jsonschema_rs
import orjson

BASE = "/xAPI"
# What HTTP itself says of any answer, and what browsers of other origins are told: not part of the interface.
_OF_HTTP = frozenset(
    {"allow", "cache-control", "connection", "content-encoding", "content-length", "content-type", "date", "vary"}
)
_OF_CORS = "access-control-"


class Answer(NamedTuple):
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Described:
    """The description, ready to check answers by it."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content
        self._validator = cache(self._compiled)

    def faults(self, method: str, target: str, answer: Answer) -> Iterator[str]:
        """Everything about an answer to `method target` that the description does not say; nothing when it fits."""
        path = urlsplit(target).path.removeprefix(BASE).rstrip("/") or "/"
        item = self._content["paths"].get(path)
        if item is None or method.lower() not in item:
            yield from self._missing(answer, 404 if item is None else 405)
            return
        response = item[method.lower()]["responses"].get(str(answer.status))
        if response is None:
            yield f"status {answer.status} is not described"
            return
        response = self._resolved(response)
        yield from self._headers(response.get("headers", {}), answer.headers)
        if method == "HEAD" or "content" not in response:
            if answer.body:
                yield "a body is not described"
        else:
            yield from self._body(response["content"], answer)

    def _missing(self, answer: Answer, status: int) -> Iterator[str]:
        """No such resource, or not this method of it; a bad head or a form is refused before that is seen."""
        if answer.status not in {status, 400, 401, 408, 413, 414, 431}:
            yield f"status {answer.status} where there is no such operation"
        if answer.body:
            yield from self._errors({"$ref": "#/components/schemas/Error"}, answer.body)

    def _headers(self, described: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[str]:
        known = {name.lower(): self._resolved(header) for name, header in described.items()}
        for name in given:
            if name not in known and name not in _OF_HTTP and not name.startswith(_OF_CORS):
                yield f"the header {name} is not described"
        for name, header in known.items():
            if name in given:
                value: object = given[name]
                if header["schema"].get("type") == "integer" and given[name].isdigit():
                    value = int(given[name])
                yield from (f"the header {name}: {fault}" for fault in self._faults(header["schema"], value))
            elif header.get("required"):
                yield f"the header {name} is missing"

    def _body(self, described: Mapping[str, Any], answer: Answer) -> Iterator[str]:
        kind = answer.headers.get("content-type", "").partition(";")[0]
        content = described.get(kind, described.get("*/*"))
        if content is None:
            yield f"the media type {kind} is not described"
        elif kind == "application/json" and kind in described:
            yield from self._errors(content["schema"], answer.body)

    def _errors(self, schema: Mapping[str, Any], body: bytes) -> Iterator[str]:
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            yield f"the body is no JSON: {error}"
            return
        yield from (f"the body: {fault}" for fault in self._faults(schema, value))

    def _faults(self, schema: Mapping[str, Any], value: object) -> Sequence[str]:
        errors = self._validator(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)).iter_errors(value)
        return [f"{error.message[:200]} at {list(error.instance_path)}" for error in errors]

    def _compiled(self, schema: bytes) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(orjson.loads(schema) | {"components": self._content["components"]})

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in node:
            return node
        found: Any = self._content
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return self._resolved(found)
