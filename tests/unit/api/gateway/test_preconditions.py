"""If-Match and If-None-Match: which of them hold of which document."""

from __future__ import annotations

import pytest

from lrs.api.gateway.answers import HttpError
from lrs.api.gateway.preconditions import quoted, read_preconditions
from lrs.store.registry.documents import Document, etag_of

DOCUMENT = Document(etag_of(b"x"), 1, "text/plain", b"x")
TAG = DOCUMENT.etag
OTHER = "1" * 40


def _status(name: str, value: str, document: Document | None) -> int:
    conditions = read_preconditions({name.lower().encode(): value.encode("latin-1")})
    assert conditions.given
    try:
        conditions.check(document)
    except HttpError as error:
        return error.status if error.path == name else 0
    return 200


@pytest.mark.parametrize(
    ("value", "existing", "missing"),
    [
        ("*", 200, 412),
        (f'"{TAG}"', 200, 412),
        (f'W/"{TAG}"', 200, 412),
        (f' "{OTHER}" ,  "{TAG}"', 200, 412),
        (TAG, 200, 412),
        (TAG.upper(), 200, 412),
        (f'"{OTHER}"', 412, 412),
        ('"1234"', 412, 412),
        ('""', 412, 412),
        (f'"{TAG.upper()}"', 412, 412),
        (f'"{TAG}x"', 412, 412),
    ],
)
def test_if_match_holds_of_a_document_with_one_of_the_tags(value: str, existing: int, missing: int) -> None:
    assert _status("If-Match", value, DOCUMENT) == existing
    assert _status("If-Match", value, None) == missing


@pytest.mark.parametrize(
    ("value", "existing"),
    [("*", 412), (f'"{TAG}"', 412), (f'"{OTHER}", W/"{TAG}"', 412), (f'"{OTHER}"', 200), ('"1234"', 200)],
)
def test_if_none_match_holds_of_a_document_without_any_of_the_tags_and_of_none(value: str, existing: int) -> None:
    assert _status("If-None-Match", value, DOCUMENT) == existing
    assert _status("If-None-Match", value, None) == 200


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize(
    "value", ["", " ", "1234", '"', '"a', "'a'", "*, *", '"*"', f'"{TAG}",', 'w/"a"', '"a" "b"', '"\xe9"']
)
def test_what_is_no_list_of_tags_is_a_400_that_names_the_header(name: str, value: str) -> None:
    with pytest.raises(HttpError) as caught:
        read_preconditions({name.lower().encode(): value.encode("latin-1")})
    assert (caught.value.status, caught.value.path) == (400, name)


def test_both_headers_must_hold() -> None:
    conditions = read_preconditions({b"if-match": quoted(TAG), b"if-none-match": b"*"})
    with pytest.raises(HttpError, match="If-None-Match"):
        conditions.check(DOCUMENT)
    with pytest.raises(HttpError, match="If-Match"):
        conditions.check(None)


def test_without_a_header_everything_may_go_on() -> None:
    conditions = read_preconditions({})
    assert not conditions.given
    conditions.check(None)
    conditions.check(DOCUMENT)
    assert not conditions.seen(DOCUMENT)


def test_who_has_the_document_is_told_by_if_none_match_only() -> None:
    assert read_preconditions({b"if-none-match": quoted(TAG)}).seen(DOCUMENT)
    assert not read_preconditions({b"if-none-match": quoted(OTHER)}).seen(DOCUMENT)
    assert not read_preconditions({b"if-match": quoted(TAG)}).seen(DOCUMENT)
