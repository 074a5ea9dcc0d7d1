"""The gateway against its own OpenAPI description: requests made from the schemas, every answer as it is described."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from lrs.api.gateway.openapi import description
from tests.support.described import BASE, Answer, Described
from tests.support.http_zone import Zone
from tests.support.schema_strategies import Schemas, written

CONTENT = description("http://127.0.0.1")
DESCRIBED, SCHEMAS = Described(CONTENT), Schemas(CONTENT)
OPERATIONS = [(method, path) for path, item in CONTENT["paths"].items() for method in item]
# The same each time; SEED makes others, and what fails says its seed.
SEED = int(os.environ.get("SEED") or 4)
EXAMPLES = int(os.environ.get("EXAMPLES", "30"))
_UNSENDABLE = bytes((*range(32), 127))
_TYPES = ("application/json", "text/plain", "multipart/mixed; boundary=x", "application/octet-stream")


@pytest.fixture(scope="module")
def client(running: Zone) -> Iterator[httpx.Client]:
    """An app's client that sets no header of its own."""
    with httpx.Client(base_url=running.url, auth=running.auth, timeout=60, trust_env=False) as made:
        yield made


def _value(parameter: dict[str, Any]) -> st.SearchStrategy[str]:
    """What may be sent for a parameter: mostly what fits."""
    schema = parameter["schema"] if "schema" in parameter else parameter["content"]["application/json"]["schema"]
    fitting = SCHEMAS.fitting(schema).map(written)
    return st.one_of(fitting, fitting, fitting, SCHEMAS.odd(schema).map(written))


@st.composite
def _requests(draw: st.DrawFn, method: str, path: str) -> dict[str, Any]:
    operation = CONTENT["paths"][path][method]
    query: list[str] = []
    headers: dict[bytes, bytes] = {}
    for reference in operation["parameters"]:
        parameter = dict(SCHEMAS.resolved(reference))
        if not draw(st.integers(0, 9).map(bool)) if parameter.get("required") else draw(st.integers(0, 3)):
            continue
        value = draw(_value(parameter))
        if parameter["in"] == "query":
            query.append(f"{parameter['name']}={quote(value, errors='replace')}")
        else:
            headers[parameter["name"].encode()] = value.encode("ascii", "ignore").translate(None, _UNSENDABLE).strip()
    body = b""
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"].get("application/json", {"schema": {}})["schema"]
        made = draw(st.one_of(SCHEMAS.fitting(schema), SCHEMAS.odd(schema)))
        body = draw(st.one_of(st.just(json.dumps(made).encode()), st.binary(max_size=50)))
        headers[b"Content-Type"] = draw(st.sampled_from((*_TYPES[:1] * 5, *_TYPES))).encode()
        headers.pop(b"Content-Encoding", None) if draw(st.booleans()) else None
    target = f"{BASE}{path}" + (f"?{'&'.join(query)}" if query else "")
    return {"method": method.upper(), "url": target, "headers": headers, "content": body}


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
@seed(SEED)
@settings(max_examples=EXAMPLES, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_every_answer_is_described(client: httpx.Client, method: str, path: str, data: st.DataObject) -> None:
    request = data.draw(_requests(method, path))
    found = client.request(**request)
    answer = Answer(found.status_code, dict(found.headers), found.content)
    faults = [f"status {found.status_code}"] * (found.status_code >= 500)
    faults += DESCRIBED.faults(request["method"], request["url"], answer)
    assert not faults, (f"SEED={SEED}", request, found.text[:500])
