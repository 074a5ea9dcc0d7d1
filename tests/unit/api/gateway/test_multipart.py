"""multipart/mixed: whatever is written in it is read again, byte for byte; whatever is not in its form is a 400."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.api.gateway.answers import HttpError
from lrs.api.gateway.multipart import boundary_of, read_parts
from lrs.kernel.errors import RefusedError

_TOKENS = st.text("abcXYZ019'()+_,-./:=? ", min_size=1, max_size=70).filter(lambda text: text == text.strip())
_NAMES = st.text("abc-XYZ", min_size=1, max_size=10)
_VALUES = st.text("abc/;=0 ", max_size=20).map(str.strip)
_HEADERS = st.dictionaries(_NAMES, _VALUES, max_size=4).filter(
    lambda headers: len({name.lower() for name in headers}) == len(headers)
)
_PARTS = st.lists(st.tuples(_HEADERS, st.binary(max_size=200)), max_size=6)


def _written(boundary: bytes, parts: list[tuple[dict[str, str], bytes]], *, colon: str = ": ") -> bytes:
    body = b""
    for headers, content in parts:
        lines = "".join(f"{name}{colon}{value}\r\n" for name, value in headers.items()).encode()
        body += b"\r\n--" + boundary + b"\r\n" + lines + b"\r\n" + content
    return body + b"\r\n--" + boundary + b"--"


@given(boundary=_TOKENS, parts=_PARTS, before=st.sampled_from([b"", b"a preamble"]), colon=st.sampled_from([":", ": "]))
def test_what_is_written_is_read_again(
    boundary: str, parts: list[tuple[dict[str, str], bytes]], before: bytes, colon: str
) -> None:
    if any(b"--" + boundary.encode() in content for _, content in parts):
        return
    body = _written(boundary.encode(), parts, colon=colon)
    named = boundary_of(f'multipart/mixed; charset=x; boundary="{boundary}"'.encode())
    assert named == boundary.encode()
    for form in (before + body, body[2:], body + b"\r\nan epilogue"):
        found = read_parts(form, named)
        assert [bytes(part.content) for part in found] == [content for _, content in parts]
        assert [dict(part.headers) for part in found] == [
            {name.lower().encode(): value.encode() for name, value in headers.items()} for headers, _ in parts
        ]


@given(st.binary(max_size=300), st.sampled_from([b"x", b"--", b"\r"]))
def test_any_other_bytes_are_parts_or_a_400(noise: bytes, boundary: bytes) -> None:
    for body in (noise, b"--x\r\n" + noise, b"--x\r\n" + noise + b"\r\n--x--", noise.replace(b"a", b"\r\n--x")):
        with suppress(HttpError):
            read_parts(body, boundary)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x--\r\n"[:4],
        b"--x\r\nA: b\r\n\r\ncontent",
        b"--x\r\nA: b\r\n\r\ncontent\r\n--x",
        b"--x\r\nA: b\r\n\r\ncontent\r\n--xy--",
        b"--x\r\nA b\r\n\r\ncontent\r\n--x--",
        b"--x\r\nA: b\r\n c\r\n\r\ncontent\r\n--x--",
        b"--x\r\nA: b\r\na: b\r\n\r\ncontent\r\n--x--",
        b"--x\r\nA: b\r\n--x--",
        b"--x\nA: b\n\ncontent\n--x--",
        b"--x\r\n" + b"A: b\r\n" * 5000 + b"\r\n\r\n--x--",
        b"--x\r\n" + b"".join(b"A%d: b\r\n" % number for number in range(31)) + b"\r\n\r\n--x--",
        b"--x\r\nA: \x00\r\n\r\ncontent\r\n--x--",
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_not_in_the_form_to_its_end_is_a_400(body: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        read_parts(body, b"x")
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "header", [b"multipart/mixed", b"multipart/mixed;", b"multipart/mixed; boundary=", b'multipart/mixed; boundary=""']
)
def test_a_header_without_a_boundary_is_a_400(header: bytes) -> None:
    with pytest.raises(HttpError, match="boundary"):
        boundary_of(header)


def test_an_unquoted_boundary_ends_where_its_parameter_does() -> None:
    assert boundary_of(b"multipart/mixed; boundary=-------314159; x=y") == b"-------314159"


def test_a_body_of_very_many_parts_is_too_large() -> None:
    with pytest.raises(RefusedError) as caught:
        read_parts(_written(b"x", [({}, b"")] * 1001), b"x")
    assert caught.value.reason == "too_large"


def test_no_part_is_copied() -> None:
    body = _written(b"x", [({"A": "b"}, b"content")])
    assert read_parts(body, b"x")[0].content.obj is body
