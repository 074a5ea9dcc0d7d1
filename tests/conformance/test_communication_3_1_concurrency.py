"""Communication 3.1: documents that several change."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from tests.conformance.documents import ANY, PROFILES, RESOURCES, STATE, Documents
from tests.conformance.lrs import JSON, Lrs, refusal

EACH = pytest.mark.parametrize("resource", RESOURCES)


@EACH
def test_the_etag_is_the_quoted_sha1_of_the_content(lrs: Lrs, resource: str) -> None:
    documents = Documents(lrs, resource)
    documents.put(b'{"a":1}')
    assert documents.etag() == f'"{hashlib.sha1(documents.content()).hexdigest()}"'  # noqa: S324 - as the standard has it


@EACH
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_an_if_match_that_fits_is_carried_out_and_another_is_a_412(lrs: Lrs, resource: str, method: str) -> None:
    documents = Documents(lrs, resource)
    documents.put(b'{"a":1}')
    stale = documents.etag()
    fresh = documents.ask("PUT", content=b'{"a":2}', headers={**JSON, "If-Match": stale})
    assert fresh.status_code == 204
    refusal(documents.ask(method, content=b'{"a":3}', headers={**JSON, "If-Match": stale}), 412)
    assert documents.content() == b'{"a":2}'
    answer = documents.ask(method, content=b'{"a":4}', headers={**JSON, "If-Match": documents.etag()})
    assert answer.status_code == 204
    if method == "DELETE":
        assert documents.ask("GET").status_code == 404
    else:
        assert documents.content() == b'{"a":4}'


@EACH
def test_if_match_of_a_document_that_is_not_there_is_a_412(lrs: Lrs, resource: str) -> None:
    for tag in ('"0000000000000000000000000000000000000000"', "*"):
        refusal(Documents(lrs, resource).ask("PUT", content=b"{}", headers={**JSON, "If-Match": tag}), 412)


@EACH
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_if_none_match_of_a_document_that_is_there_is_a_412(lrs: Lrs, resource: str, method: str) -> None:
    documents = Documents(lrs, resource)
    documents.put(b'{"a":1}')
    refusal(documents.ask(method, content=b'{"a":2}', headers={**JSON, **ANY}), 412)
    assert documents.content() == b'{"a":1}'


@pytest.mark.parametrize("resource", PROFILES)
def test_a_put_over_a_profile_that_says_nothing_is_a_409_that_explains_it(lrs: Lrs, resource: str) -> None:
    documents = Documents(lrs, resource)
    documents.put(b'{"a":1}')
    body = refusal(documents.ask("PUT", content=b'{"a":2}', headers=JSON), 409)
    assert "If-Match" in body["path"] + body["rule"]
    assert documents.content() == b'{"a":1}'


def test_a_put_over_a_state_that_says_nothing_replaces_it_in_1_0_3_and_is_a_409_in_2_0(lrs: Lrs) -> None:
    documents = Documents(lrs, STATE)
    documents.put(b'{"a":1}')
    answer = documents.ask("PUT", content=b'{"a":2}', headers=JSON)
    assert answer.status_code == (409 if lrs.is_v2 else 204)
    assert documents.content() == (b'{"a":1}' if lrs.is_v2 else b'{"a":2}')


@EACH
def test_a_put_of_a_new_document_that_says_nothing_is_taken_but_for_profiles_in_1_0_3(lrs: Lrs, resource: str) -> None:
    documents = Documents(lrs, resource)
    answer = documents.ask("PUT", content=b"{}", headers=JSON)
    refused = resource in PROFILES and not lrs.is_v2
    assert answer.status_code == (400 if refused else 204)
    assert documents.ask("GET").status_code == (404 if refused else 200)


@EACH
def test_a_document_says_when_it_was_changed(lrs: Lrs, resource: str) -> None:
    documents = Documents(lrs, resource)
    began = datetime.now(UTC).replace(microsecond=0)
    documents.put()
    done = datetime.now(UTC)
    answer = documents.ask("GET")
    changed = parsedate_to_datetime(answer.headers["Last-Modified"])
    assert began <= changed <= done
    assert changed.tzinfo == datetime.now(changed.tzinfo).tzinfo


@EACH
def test_a_get_that_names_what_it_has_is_a_304(lrs: Lrs, resource: str) -> None:
    documents = Documents(lrs, resource)
    documents.put()
    answer = documents.ask("GET", headers={"If-None-Match": documents.etag()})
    assert (answer.status_code, answer.content) == (304, b"")
