"""The multipart answer: what is in it, and that nothing a statement says can break out of its header line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lrs.api.gateway.answers import Answer
from lrs.api.gateway.attachments import Attachments
from lrs.store.objects import Objects

SHA2 = hashlib.sha256(b"file").hexdigest()


@pytest.fixture
async def attachments(tmp_path: Path) -> AsyncIterator[Attachments]:
    opened = Attachments(Objects(tmp_path, min_free_mb=1))
    await opened.keep("drill-a", {SHA2: memoryview(b"file")})
    yield opened
    opened.close()


def _raw(kind: str = "text/plain", sha2: str = SHA2) -> bytes:
    declared = {"usageType": "http://example.com/u", "contentType": kind, "sha2": sha2}
    return json.dumps({"object": {"id": "http://example.com/o"}, "attachments": [declared]}).encode()


async def _whole(answer: Answer) -> bytes:
    return answer.body if answer.stream is None else b"".join([piece async for piece in answer.stream.pieces()])


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ("text/plain; a=\r\nX-Evil: 1", "application/octet-stream"),
        ("text/plain; a=\n\nbody", "application/octet-stream"),
        ("text/plain; a=\x00", "application/octet-stream"),
        ("text/plain; a=歩", "application/octet-stream"),
    ],
)
async def test_a_type_that_is_no_header_value_is_not_written_as_one(
    attachments: Attachments, kind: str, written: str
) -> None:
    body = await _whole(await attachments.answer(b"{}", [("drill-a", _raw(kind))], ()))
    head = body.split(b"\r\n--")[1].partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    assert head == [
        f"Content-Type: {written}".encode(),
        b"Content-Transfer-Encoding: binary",
        f"X-Experience-API-Hash: {SHA2}".encode(),
    ]


async def test_the_length_is_known_before_and_a_hash_in_capitals_is_the_same(attachments: Attachments) -> None:
    answer = await attachments.answer(b"{}", [("drill-a", _raw()), ("drill-a", _raw(sha2=SHA2.upper()))], ())
    assert answer.stream is not None
    body = await _whole(answer)
    assert (answer.stream.size, body.count(b"file")) == (len(body), 1)


@pytest.mark.parametrize("statements", [[], [("drill-b", _raw())], [("drill-a", _raw(sha2="0" * 64))]])
async def test_what_the_store_does_not_have_for_the_app_is_left_out(
    attachments: Attachments, statements: list[tuple[str, bytes]]
) -> None:
    answer = await attachments.answer(b'{"x":1}', statements, ((b"a", b"b"),))
    boundary = answer.content_type.removeprefix(b"multipart/mixed; boundary=")
    assert answer.body == (
        b"--" + boundary + b'\r\nContent-Type: application/json\r\n\r\n{"x":1}\r\n--' + boundary + b"--\r\n"
    )
    assert answer.headers == ((b"a", b"b"),)
