"""The route table: paths to resources, and the OpenAPI description that says the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from lrs.api.gateway.answers import Answer
from lrs.api.gateway.calls import Call
from lrs.api.gateway.cors import Cors
from lrs.api.gateway.landing import Landing
from lrs.api.gateway.openapi import OpenApi, description
from lrs.api.gateway.requests import Request
from lrs.api.gateway.routes import Route, Routes, document_route, open_routes, read_route

URL = "https://lrs.example.jp/a"


async def _handler(_: Call) -> Answer:
    return Answer(204)


def _routes() -> Routes:
    return Routes(
        [
            Route("/xAPI/statements", dict.fromkeys(("GET", "HEAD", "POST", "PUT"), _handler)),
            document_route("/xAPI/activities/state", _handler),
            document_route("/xAPI/activities/profile", _handler),
            document_route("/xAPI/agents/profile", _handler),
            read_route("/xAPI/activities", _handler),
            read_route("/xAPI/agents", _handler),
            *open_routes(Landing(operator="大阪市", url=URL), OpenApi(URL)),
        ]
    )


def _request(path: str, query: bytes = b"", **headers: bytes) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    given = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return Request({"method": "GET", "path": path, "query_string": query, "headers": given}, receive)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/xAPI/statements", "/xAPI/statements"),
        ("/xAPI/statements/", "/xAPI/statements"),
        ("/xAPI//statements", "/xAPI/statements"),
        ("//xAPI//activities//state//", "/xAPI/activities/state"),
        ("/xAPI/", "/xAPI"),
        ("/", "/"),
        ("///", "/"),
        ("/xapi/statements", None),
        ("/xAPI/statement", None),
        ("/xAPI/statements/x", None),
        ("", None),
    ],
)
def test_a_path_finds_its_resource_with_a_slash_too_many_but_not_in_another_case(path: str, name: str | None) -> None:
    found = _routes().find(path)
    assert (found.name if found else None) == name


def _operations(content: dict[str, Any]) -> set[tuple[str, str]]:
    methods = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
    return {(path, method) for path, item in content["paths"].items() for method in item if method in methods}


def test_the_description_has_each_resource_and_method_of_the_table_and_no_other() -> None:
    served = {
        (route.name.removeprefix("/xAPI") or "/", method.lower())
        for route in _routes()
        for method in (*route.methods, "OPTIONS")
        if route.name.startswith("/xAPI")
    }
    assert _operations(description(URL)) == served


def test_every_route_that_answers_get_answers_head() -> None:
    assert all(("GET" in route.methods) == ("HEAD" in route.methods) for route in _routes())


def _walk(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def test_every_reference_of_the_description_leads_somewhere_and_every_component_is_used() -> None:
    content = description(URL)
    references = {node["$ref"] for node in _walk(content) if "$ref" in node}
    for reference in references:
        target: Any = content
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
    defined = {
        f"#/components/{kind}/{name}"
        for kind, components in content["components"].items()
        if kind != "securitySchemes"
        for name in components
    }
    assert references == defined


def test_operations_have_names_of_their_own_and_say_their_version_and_errors() -> None:
    content = description(URL)
    operations = [content["paths"][path][method] for path, method in _operations(content)]
    assert len({one["operationId"] for one in operations}) == len(operations)
    for one in operations:
        if "security" not in one:
            assert {"$ref": "#/components/parameters/Version"} in one["parameters"]
            assert {"400", "401", "403", "503"} <= one["responses"].keys()


async def test_the_description_is_served_with_the_address_of_the_interface() -> None:
    answer = await OpenApi(URL).page(_request("/xAPI/openapi.json"))
    content = orjson.loads(answer.body)
    assert (content["openapi"], content["servers"]) == ("3.1.0", [{"url": "https://lrs.example.jp/a/xAPI"}])
    assert content["components"]["schemas"]["Statement"]["required"] == ["actor", "verb", "object"]


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        (b"", b"", "ja"),
        (b"", b"en-US,en;q=0.9,ja;q=0.8", "en"),
        (b"", b"de-DE,ja;q=0.8", "ja"),
        (b"lang=en", b"ja", "en"),
        (b"lang=xx", b"en", "en"),
        (b"lang=%ff", b"\xff", "ja"),
    ],
)
async def test_the_page_speaks_the_visitors_language(query: bytes, accepted: bytes, language: str) -> None:
    landing = Landing(operator="大阪市 <教育委員会>", url=URL)
    answer = await landing.page(_request("/xAPI/", query, accept_language=accepted))
    page = answer.body.decode()
    assert answer.content_type == b"text/html; charset=utf-8"
    assert f'<html lang="{language}">' in page
    assert "https://lrs.example.jp/a/xAPI/" in page
    assert "大阪市 &lt;教育委員会&gt;" in page
    assert len(re.findall("<h1>", page)) == 1


@pytest.mark.parametrize("path", ["/", "/xAPI"])
async def test_the_way_to_the_page_is_relative_so_that_a_proxy_may_have_a_path_of_its_own(path: str) -> None:
    found = _routes().find(path)
    assert found is not None
    assert found.page is not None
    answer = await found.page(_request(path))
    assert (answer.status, answer.headers) == (303, ((b"location", b"xAPI/"),))


@pytest.mark.parametrize(
    ("allowed", "origin", "answered"),
    [
        ("*", b"https://app.example.jp", b"*"),
        ("https://app.example.jp, https://b.example.jp", b"https://b.example.jp", b"https://b.example.jp"),
        ("https://app.example.jp", b"https://evil.example", None),
        ("", b"https://app.example.jp", None),
    ],
)
def test_pages_of_allowed_origins_may_read_answers(allowed: str, origin: bytes, answered: bytes | None) -> None:
    headers = dict(Cors(allowed).headers(origin))
    assert headers.get(b"access-control-allow-origin") == answered
    assert b"access-control-allow-credentials" not in headers
    assert (headers.get(b"vary") == b"origin") is (allowed != "*")
