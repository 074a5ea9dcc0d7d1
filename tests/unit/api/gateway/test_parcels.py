"""Statements with attachments as they come: files and declarations fit each other, or the request is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from lrs.api.gateway.answers import HttpError
from lrs.api.gateway.declared import declared, may_declare
from lrs.api.gateway.parcels import check_files, read_parcel
from lrs.kernel.errors import RefusedError
from lrs.kernel.statements import XapiVersion, read_statement
from tests.support.signing import signature_of, signed

STATEMENT: dict[str, Any] = {
    "actor": {"mbox": "mailto:a@example.com"},
    "verb": {"id": "http://example.com/v"},
    "object": {"id": "http://example.com/o"},
}
CONTENT = b"here is a simple attachment\r\n--not-the-boundary\r\n\x00\xff"


def _attachment(content: bytes = CONTENT, algorithm: str = "sha256", **changes: object) -> dict[str, Any]:
    return {
        "usageType": "http://example.com/u",
        "display": {"en": "file"},
        "contentType": "text/plain",
        "length": 1,
        "sha2": hashlib.new(algorithm, content).hexdigest(),
        **changes,
    }


def _part(content: bytes = CONTENT, **headers: str) -> bytes:
    given = {
        "Content-Type": "text/plain",
        "Content-Transfer-Encoding": "binary",
        "X-Experience-API-Hash": hashlib.sha256(content).hexdigest(),
    }
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}:{value}\r\n" for name, value in given.items() if value)
    return lines.encode() + b"\r\n" + content


def _body(statements: object, *parts: bytes, kind: str = "application/json") -> bytes:
    first = f"Content-Type:{kind}\r\n\r\n{json.dumps(statements)}".encode()
    return b"".join(b"\r\n--x\r\n" + part for part in (first, *parts)) + b"\r\n--x--"


def _files(*parts: bytes) -> Mapping[str, memoryview]:
    return read_parcel(b"multipart/mixed; boundary=x", _body(STATEMENT, *parts)).files


def _check(statements: list[dict[str, Any]], files: Mapping[str, memoryview]) -> None:
    read = [read_statement(json.dumps(one).encode(), XapiVersion.V1) for one in statements]
    check_files(read, files, XapiVersion.V1, is_array=True)


def test_statements_and_files_are_taken_apart() -> None:
    parcel = read_parcel(b"multipart/mixed; boundary=x", _body([STATEMENT], _part(), _part(b"other"), _part()))
    assert json.loads(parcel.statements) == [STATEMENT]
    assert {sha2: bytes(content) for sha2, content in parcel.files.items()} == {
        hashlib.sha256(one).hexdigest(): one for one in (CONTENT, b"other")
    }


@pytest.mark.parametrize("algorithm", ["sha224", "sha256", "sha384", "sha512"])
def test_any_sha_2_hash_will_do_in_either_case(algorithm: str) -> None:
    sha2 = hashlib.new(algorithm, CONTENT).hexdigest()
    files = _files(_part(X_Experience_API_Hash=sha2.upper()))
    assert list(files) == [sha2]
    _check([{**STATEMENT, "attachments": [_attachment(algorithm=algorithm, sha2=sha2.upper())]}], files)


@pytest.mark.parametrize(
    ("part", "rule"),
    [
        (_part(Content_Transfer_Encoding="base64"), "is binary"),
        (_part(Content_Transfer_Encoding=""), "is binary"),
        (_part(X_Experience_API_Hash=""), "SHA-2 hash"),
        (_part(X_Experience_API_Hash="0" * 40), "SHA-2 hash"),
        (_part(X_Experience_API_Hash="g" * 64), "SHA-2 hash"),
        (_part(X_Experience_API_Hash="0" * 64), "not the hash"),
        (b"Content-Type: application/json\r\n\r\n" + json.dumps(STATEMENT).encode(), "is binary"),
    ],
)
def test_a_part_that_is_no_attachment_is_a_400_that_names_it(part: bytes, rule: str) -> None:
    with pytest.raises(HttpError, match=rule) as caught:
        _files(_part(), part)
    assert (caught.value.status, caught.value.path) == (400, "body, part 3")


@pytest.mark.parametrize("body", [b"\r\n--x--", _body(STATEMENT, kind="text/plain"), b"--x\r\n\r\n{}\r\n--x--"])
def test_without_json_in_the_first_part_the_body_is_a_400(body: bytes) -> None:
    with pytest.raises(HttpError, match="first part") as caught:
        read_parcel(b"multipart/mixed; boundary=x", body)
    assert caught.value.status == 400


def test_an_attachment_has_bytes_or_a_url_wherever_it_is_declared() -> None:
    by_url = _attachment(b"elsewhere", fileUrl="http://example.com/f")
    sub = {**STATEMENT, "objectType": "SubStatement", "attachments": [_attachment()]}
    _check([{**STATEMENT, "attachments": [_attachment(), by_url]}, {**STATEMENT, "object": sub}], _files(_part()))
    _check([{**STATEMENT, "attachments": [by_url]}], {})
    for statement, path in (
        ({**STATEMENT, "attachments": [by_url, _attachment()]}, "$[1].attachments[1]"),
        ({**STATEMENT, "object": sub}, "$[1].object.attachments[0]"),
    ):
        with pytest.raises(RefusedError, match="fileUrl") as caught:
            _check([STATEMENT, statement], {})
        assert (caught.value.reason, caught.value.path) == ("invalid", path)


def test_a_file_that_nobody_declares_is_a_400() -> None:
    with pytest.raises(HttpError) as caught:
        _check([STATEMENT], _files(_part()))
    assert (caught.value.status, caught.value.path) == (400, "X-Experience-API-Hash")


def test_the_declared_length_and_type_are_not_compared_with_the_part() -> None:
    _check([{**STATEMENT, "attachments": [_attachment(length=999, contentType="image/png")]}], _files(_part()))


def test_a_signature_is_sent_along_and_is_that_of_its_statement() -> None:
    token = signed(STATEMENT)
    declared_as = signature_of(token, hashlib.sha256(token).hexdigest())
    statement = {**STATEMENT, "attachments": [declared_as]}
    _check([statement], _files(_part(token)))
    with pytest.raises(RefusedError, match="sent as a part"):
        _check([{**STATEMENT, "attachments": [{**declared_as, "fileUrl": "http://example.com/f"}]}], {})
    with pytest.raises(RefusedError, match="attached to") as caught:
        _check([STATEMENT, {**statement, "verb": {"id": "http://example.com/other"}}], _files(_part(token)))
    assert caught.value.path == "$[1].attachments[0]"


def test_declarations_are_found_behind_escapes_and_without_them_nothing_is_read() -> None:
    raw = json.dumps({**STATEMENT, "attachments": [_attachment()]}).encode()
    for form in (raw, raw.replace(b'"attachments"', b'"\\u0061ttachments"')):
        assert [path for path, _ in declared(form)] == [".attachments[0]"]
    assert not may_declare(json.dumps({**STATEMENT, "result": {"response": "解答"}}).encode())


@pytest.mark.parametrize("text", [b"plain", b"ends with a line\r\n", b"--", b"\r\n"])
def test_files_whose_boundaries_a_client_has_tied_to_them_are_taken_apart(text: bytes) -> None:
    files = [text + name for name in (b"1", b"", b"3\r\n")] + [b"last"]
    first = b"--x\r\nContent-Type:application/json\r\n\r\n" + json.dumps(STATEMENT).encode() + b"\r\n"
    body = first + b"".join(b"--x\r\n" + _part(one) for one in files) + b"\r\n--x--\r\n"
    found = read_parcel(b"multipart/mixed; boundary=x", body).files
    assert {sha2: bytes(content) for sha2, content in found.items()} == {
        hashlib.sha256(one).hexdigest(): one for one in files
    }


def test_a_file_that_holds_the_boundary_within_a_line_stays_whole() -> None:
    content = b"a--x\r\nContent-Type: text/plain\r\n\r\nb"
    [(sha2, found)] = _files(_part(content)).items()
    assert (sha2, bytes(found)) == (hashlib.sha256(content).hexdigest(), content)


@pytest.mark.parametrize(
    "tied", [b"--x\r\n" + _part(b"b").replace(b"b", b"c"), b"--x\r\nno header\r\n\r\nb", b"--x\r\n"]
)
def test_files_tied_together_that_are_not_what_their_hashes_say_are_refused(tied: bytes) -> None:
    with pytest.raises(HttpError) as refused:
        _files(_part(b"a") + tied)
    assert (refused.value.status, refused.value.path.startswith("body, part")) == (400, True)
