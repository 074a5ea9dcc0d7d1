"""Bodies within bounds, batches within bounds, versions, errors as answers."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from lrs.api.gateway.answers import HttpError, error_answer
from lrs.api.gateway.batches import Limits, count_statements, is_multipart, read_batch
from lrs.api.gateway.requests import Bodies, Request
from lrs.api.gateway.versions import refuse_version, spoken
from lrs.kernel.errors import AyumiError, RefusedError, RetryError, StopError
from lrs.kernel.statements import XapiVersion

_STATEMENT = (
    b'{"actor":{"mbox":"mailto:a@example.com"},"verb":{"id":"http://example.com/v"},'
    b'"object":{"id":"http://example.com/o"}}'
)
_LIMITS = Limits(max_statements=3, max_statement_bytes=1000)


def _request(parts: list[bytes], headers: list[tuple[bytes, bytes]] | None = None) -> Request:
    messages: Iterator[dict[str, Any]] = iter(
        {"type": "http.request", "body": part, "more_body": number < len(parts)} for number, part in enumerate(parts, 1)
    )

    async def receive() -> dict[str, Any]:
        return next(messages, {"type": "http.disconnect"})

    scope = {"method": "POST", "path": "/", "query_string": b"", "headers": headers or []}
    return Request(scope, receive)


async def _read(bodies: Bodies, request: Request) -> bytes:
    try:
        return await bodies.read(request)
    finally:
        bodies.release(request)


async def test_a_body_in_parts_is_read_whole() -> None:
    assert await _read(Bodies(10, 100), _request([b"123", b"", b"4567890"])) == b"1234567890"


@pytest.mark.parametrize(
    "more", [[(b"content-length", b"41")], [(b"content-length", b"11"), (b"expect", b"100-continue")]]
)
async def test_a_body_far_too_large_or_not_yet_sent_is_refused_unread(more: list[tuple[bytes, bytes]]) -> None:
    request = _request([], more)
    with pytest.raises(RefusedError, match="at most 10 bytes") as caught:
        await _read(Bodies(10, 100), request)
    assert error_answer(caught.value).status == 413


@pytest.mark.parametrize("parts", [[b"12345678", b"901", b"5"], [b"12345678901"], [b"12345678"] * 1_000_000])
async def test_a_body_too_large_is_read_a_while_forgotten_and_refused(parts: list[bytes]) -> None:
    request = _request(parts)
    with pytest.raises(RefusedError, match="at most 10 bytes"):
        await Bodies(10, 100).read(request)
    assert request.taken <= 10


async def test_bodies_under_way_together_are_bounded_and_given_back() -> None:
    bodies, first = Bodies(10, 15), _request([b"1234567890"])
    await bodies.read(first)
    with pytest.raises(RetryError, match="20 bytes are under way"):
        await _read(bodies, _request([b"1234567890"]))
    bodies.release(first)
    assert await _read(bodies, _request([b"1234567890"])) == b"1234567890"


async def test_a_body_that_is_cut_off_is_not_taken_for_whole() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    request = _request([])
    request.receive = receive
    with pytest.raises(HttpError, match="ended before the body"):
        await _read(Bodies(10, 100), request)


@pytest.mark.parametrize(
    ("kind", "multipart"),
    [
        (b"application/json", False),
        (b"application/json; charset=UTF-8", False),
        (b"Application/JSON", False),
        (b"multipart/mixed; boundary=x", True),
        (b"Multipart/Mixed", True),
    ],
)
def test_json_and_multipart_are_taken_and_told_apart(kind: bytes, *, multipart: bool) -> None:
    assert is_multipart(kind) is multipart


@pytest.mark.parametrize(
    "kind", [b"", b"text/plain", b"multipart/form-data; boundary=x", b"application/jsonp", b"\xff"]
)
def test_any_other_content_type_is_a_400_that_names_the_header(kind: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        is_multipart(kind)
    assert (caught.value.status, caught.value.path) == (400, "Content-Type")


def test_a_batch_and_a_single_statement_are_told_apart() -> None:
    assert [len(read_batch(body, XapiVersion.V1, _LIMITS)[0]) for body in (_STATEMENT, b" [" + _STATEMENT + b"]")] == [
        1,
        1,
    ]
    assert read_batch(b"[]", XapiVersion.V1, _LIMITS) == ([], True)


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b",".join([_STATEMENT] * 4) + b"]",
        b"[" + b",".join([b"{}"] * 40) + b"]",
        b"[" + b" ,\n".join([b"0"] * 100_000) + b"]",
        b"[" + b",".join([b"[" * 50 + b"]" * 50] * 5000) + b"]",
    ],
    ids=["valid", "empty objects", "numbers", "arrays"],
)
def test_more_elements_than_allowed_are_too_large_whatever_they_are(body: bytes) -> None:
    with pytest.raises(RefusedError) as caught:
        read_batch(body, XapiVersion.V1, _LIMITS)
    assert caught.value.reason == "too_large"


def test_a_statement_over_the_limit_is_named_by_its_place() -> None:
    large = _STATEMENT.replace(b"http://example.com/o", b"http://example.com/" + b"o" * 1000)
    with pytest.raises(RefusedError) as caught:
        read_batch(b"[" + _STATEMENT + b"," + large + b"]", XapiVersion.V1, _LIMITS)
    assert (caught.value.reason, caught.value.path) == ("too_large", "$[1]")


@pytest.mark.parametrize(
    ("body", "count"),
    [
        *((b"[1,2,3]", 3), (b"[]", 1), (b"{}", 1), (b"[1,", 1), (b"", 1), (b"\xff", 1), (b"[" * 9999, 1)),
        *((b"[1,2,3,4]", 4), (b"[" + b"{}," * 900_000 + b"{}]", 4), (b"[" + b"0," * 8_000_000, 4)),
    ],
    ids=lambda one: repr(one[:20]) if isinstance(one, bytes) else str(one),
)
def test_a_refused_body_counts_the_statements_it_held_at_least_one_and_no_more_than_one_too_many(
    body: bytes, count: int
) -> None:
    assert count_statements(body, 3) == count


@pytest.mark.parametrize("element", [b"{}", b"[0]", b'{"a":"b"}'])
def test_what_is_refused_for_its_size_is_taken_apart_in_no_more_memory_than_it_has_itself(element: bytes) -> None:
    inner = b",".join([element] * (2_000_000 // (len(element) + 1)))
    for body in (b"[" + inner + b"]", b"[[" + inner + b"]]", b'[{"result":{"extensions":{"a:b":[' + inner + b"]}}}]"):
        tracemalloc.start()
        with pytest.raises(RefusedError) as caught:
            read_batch(body, XapiVersion.V1, _LIMITS)
        count_statements(body, 3)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (caught.value.reason, most < len(body)) == ("too_large", True)


@pytest.mark.parametrize(
    ("header", "version"),
    [
        (b"1.0", "1.0.3"),
        (b"1.0.0", "1.0.3"),
        (b"1.0.3", "1.0.3"),
        (b"1.0.9", "1.0.3"),
        (b"2.0", "2.0.0"),
        (b"2.0.0", "2.0.0"),
        (b"2.0.1", "2.0.0"),
    ],
)
def test_a_version_is_answered_in_its_own_family(header: bytes, version: str) -> None:
    assert spoken(header) == version


@pytest.mark.parametrize("header", [None, b"", b"0.95", b"1.1.0", b"3.0.0", b"1.0.x", b"\xff", b"1.0.3 "])
def test_any_other_version_is_refused_by_name_of_the_header(header: bytes | None) -> None:
    assert spoken(header) is None
    assert "X-Experience-API-Version" in str(refuse_version(header))


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (RefusedError("not_json", "r"), 400, "not_json"),
        (RefusedError("invalid", "r (xAPI Data 2.4.1)", path="$.id"), 400, "invalid"),
        (RefusedError("too_large", "r"), 413, "too_large"),
        (RefusedError("conflict", "r"), 409, "conflict"),
        (RetryError("broker", "away", after_seconds=2), 503, "unavailable"),
        (StopError("p", remedy="r"), 500, "internal_error"),
    ],
)
def test_each_error_has_its_status_and_says_reason_path_rule_and_document(
    error: AyumiError, status: int, reason: str
) -> None:
    answer = error_answer(error)
    body = json.loads(answer.body)
    assert answer.status == status
    assert body["error"] == reason
    assert set(body) == {"error", "path", "rule", "doc"}
    assert body["doc"].startswith("https://")


def test_a_retry_says_when() -> None:
    assert (b"retry-after", b"2") in error_answer(RetryError("broker", "away", after_seconds=2)).headers
