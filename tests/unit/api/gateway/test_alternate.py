"""The alternate request syntax: a form is unwrapped into the request that it stands for, or it is a 400."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.api.gateway.alternate import is_alternate, unwrap
from lrs.api.gateway.answers import HttpError
from lrs.api.gateway.requests import Bodies, Request
from lrs.kernel.errors import RefusedError

_FORM = (b"content-type", b"application/x-www-form-urlencoded")
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_AS_HEADERS = {"content", "authorization", "x-experience-api-version", "content-type", "content-length"} | {
    "if-match",
    "if-none-match",
}


def _request(query: str, body: bytes, *headers: tuple[bytes, bytes], method: str = "POST") -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"method": method, "path": "/", "query_string": query.encode(), "headers": [*headers]}
    return Request(scope, receive)


async def _unwrapped(query: str, fields: dict[str, str], *headers: tuple[bytes, bytes]) -> Request:
    request = _request(query, urlencode(fields).encode(), _FORM, *headers)
    await unwrap(request, Bodies(10_000_000, 20_000_000))
    return request


@given(
    fields=st.dictionaries(_TEXT.filter(lambda name: name.lower() not in _AS_HEADERS), _TEXT, max_size=5),
    content=_TEXT,
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
)
async def test_fields_become_the_query_and_content_the_body(fields: dict[str, str], content: str, method: str) -> None:
    request = await _unwrapped(f"method={method}", {**fields, "content": content})
    assert request.method == method
    assert dict(parse_qsl(request.query.decode(), keep_blank_values=True)) == fields
    assert request.body == content.encode()


async def test_the_named_headers_are_taken_from_the_form_and_win_over_the_real_ones() -> None:
    given_headers = {
        "Authorization": "Basic YTpi",
        "X-Experience-API-Version": "1.0.2",
        "Content-Type": "text/plain",
        "If-Match": '"1"',
        "If-None-Match": "*",
    }
    request = await _unwrapped(
        "method=PUT",
        {**given_headers, "content": "x", "stateId": "1"},
        (b"x-experience-api-version", b"0.9"),
        (b"authorization", b"Basic zzz"),
        (b"accept-language", b"ja"),
    )
    assert request.version == "1.0.3"
    assert request.query == b"stateId=1"
    assert {name: request.headers[name.lower().encode()].decode() for name in given_headers} == given_headers
    assert request.headers[b"accept-language"] == b"ja"


async def test_content_without_a_type_is_json_and_the_form_type_is_gone() -> None:
    request = await _unwrapped("method=PUT", {"content": "{}"})
    assert request.headers[b"content-type"] == b"application/json"


@pytest.mark.parametrize(
    ("query", "body", "header", "method", "path"),
    [
        ("method=PUT", b"content=x", _FORM, "PUT", "method"),
        ("method=PATCH", b"content=x", _FORM, "POST", "method"),
        ("method=put", b"content=x", _FORM, "POST", "method"),
        ("method=PUT&statementId=1", b"content=x", _FORM, "POST", "method"),
        ("statementId=1&method=PUT", b"content=x", _FORM, "POST", "method"),
        ("method", b"content=x", _FORM, "POST", "method"),
        ("method=PUT", b"", _FORM, "POST", "content"),
        ("method=POST", b"a=b", _FORM, "POST", "content"),
        ("method=PUT", b'{"actor":{}}', _FORM, "POST", "body"),
        ("method=PUT", b"content=%ff", _FORM, "POST", "body"),
        ("method=PUT", b"content=\xff", _FORM, "POST", "body"),
        ("method=PUT", b"content=a&content=b", _FORM, "POST", "content"),
        ("method=GET", b"&".join(b"a%d=1" % number for number in range(51)), _FORM, "POST", "body"),
        ("method=GET", b"Authorization=%E6%AD%A9", _FORM, "POST", "Authorization"),
        ("method=PUT", b"content=x", (b"content-type", b"application/json"), "POST", "Content-Type"),
        ("method=PUT", b"content=x", (b"x-experience-api-version", b"2.0.0"), "POST", "method"),
        ("method=PUT", b"content=x&X-Experience-API-Version=2.0.0", _FORM, "POST", "method"),
    ],
)
async def test_a_form_that_stands_for_no_request_is_a_400(
    query: str, body: bytes, header: tuple[bytes, bytes], method: str, path: str
) -> None:
    with pytest.raises(HttpError) as caught:
        await unwrap(_request(query, body, header, method=method), Bodies(1000, 2000))
    assert (caught.value.status, caught.value.path) == (400, path)


@given(st.binary(max_size=200))
async def test_any_bytes_are_a_form_or_a_4xx(body: bytes) -> None:
    with suppress(HttpError):
        await unwrap(_request("method=GET", body, _FORM), Bodies(1000, 2000))


async def test_a_huge_form_is_too_large_before_it_is_decoded() -> None:
    with pytest.raises(RefusedError) as caught:
        await unwrap(_request("method=PUT", b"content=" + b"%41" * 1_500_000, _FORM), Bodies(10_000_000, 20_000_000))
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize(
    ("query", "alternate"),
    [
        (b"method=GET", True),
        (b"a=b&method=", True),
        (b"method", True),
        (b"", False),
        (b"statementId=1", False),
        (b"activity=http://example.com/?method=GET", False),
        (b"xmethod=GET", False),
        (b"Method=GET", False),
    ],
)
def test_only_the_parameter_itself_counts(query: bytes, *, alternate: bool) -> None:
    assert is_alternate(query) is alternate
