"""What a POST makes of a document: merged on the top level, refused, or stored as a new one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.api.gateway.answers import HttpError
from lrs.api.gateway.merging import merged
from lrs.store.registry.documents import Content, Document, etag_of

MOST = 1000


def _document(content: bytes, content_type: str = "application/json") -> Document:
    return Document(etag_of(content), 1, content_type, content)


def _posted(content: bytes, content_type: str = "application/json") -> Content:
    return Content(content_type, content)


def test_a_property_of_the_posted_object_replaces_the_whole_of_the_existing_one() -> None:
    before = b'{"a": {"x": 1, "y": 2}, "b": [1, 2], "c": null}'
    after = merged(_document(before), _posted(b'{"a": {"x": 3}, "c": false, "d": {}}'), MOST)
    assert json.loads(after.content) == {"a": {"x": 3}, "b": [1, 2], "c": False, "d": {}}
    assert after.content_type == "application/json"


def test_values_stay_the_bytes_that_they_are() -> None:
    existing = b'{"long": 12345678901234567890.10, "exact": 1e400}'
    after = merged(
        _document(existing), _posted(b'{"text": "\\u6b69\\u307f", "zero": -0.0, "deep": [ {"a":1,"a":2} ]}'), MOST
    )
    for value in (b"12345678901234567890.10", b"1e400", b'"\\u6b69\\u307f"', b"-0.0", b'[ {"a":1,"a":2} ]'):
        assert value in after.content


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_objects = st.dictionaries(st.text(max_size=3), _values, max_size=5)


@given(before=_objects, posted=_objects, ascii_only=st.booleans())
def test_a_merge_is_that_of_two_dictionaries(
    *, before: dict[str, object], posted: dict[str, object], ascii_only: bool
) -> None:
    one, other = (json.dumps(value, ensure_ascii=ascii_only).encode() for value in (before, posted))
    after = merged(_document(one), _posted(other), 1_000_000)
    assert json.loads(after.content) == {**before, **posted}


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;x=y"]
)
def test_json_is_told_by_its_media_type_whatever_its_parameters(content_type: str) -> None:
    after = merged(_document(b"{}", content_type), _posted(b'{"a":1}', content_type), MOST)
    assert after == Content(content_type, b'{"a":1}')


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/jsonx", "x-application/json", "application/octet-stream"]
)
def test_either_of_another_type_is_refused(content_type: str) -> None:
    for document, posted in (
        (_document(b"{}", content_type), _posted(b"{}")),
        (_document(b"{}"), _posted(b"{}", content_type)),
    ):
        with pytest.raises(HttpError) as caught:
            merged(document, posted, MOST)
        assert (caught.value.status, caught.value.path) == (400, "Content-Type")


NOT_JSON = [
    b"",
    b"{",
    b'{"a":1}{',
    b'{"a":NaN}',
    b"\xff{}",
    b'{"a":"\xff"}',
    b'{"a":"\xed\xa0\x80"}',
    b'{"a":01}',
    b"\xef\xbb\xbf{}",
]
DEEP = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize("content", [*NOT_JSON, DEEP, b"[]", b"1", b'"a"', b"null"])
def test_either_that_is_no_json_object_is_refused(content: bytes) -> None:
    for document, posted in ((_document(content), _posted(b"{}")), (_document(b"{}"), _posted(content))):
        with pytest.raises(HttpError, match="no JSON object") as caught:
            merged(document, posted, MOST)
        assert (caught.value.status, caught.value.path) == (400, "body")


@pytest.mark.parametrize("content", [*NOT_JSON, DEEP])
def test_a_new_document_that_is_said_to_be_json_is_json(content: bytes) -> None:
    with pytest.raises(HttpError, match="no JSON"):
        merged(None, _posted(content), MOST)


@pytest.mark.parametrize(("content_type", "content"), [("text/plain", b"\xff{"), ("application/json", b" [1, 2]")])
def test_a_new_document_is_stored_as_it_is(content_type: str, content: bytes) -> None:
    posted = _posted(content, content_type)
    assert merged(None, posted, MOST) == posted


def test_a_merge_that_grows_beyond_the_limit_is_a_413() -> None:
    document = _document(b'{"a":"%s"}' % (b"x" * 600))
    assert len(merged(document, _posted(b'{"a":"%s"}' % (b"y" * 600)), MOST).content) < MOST
    with pytest.raises(HttpError) as caught:
        merged(document, _posted(b'{"b":"%s"}' % (b"y" * 600)), MOST)
    assert (caught.value.status, caught.value.path) == (413, "body")
