"""Signed statements: a signature belongs to its statement and to its certificate, or it is refused."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.api.gateway.signatures import check_signature
from lrs.kernel.errors import RefusedError
from lrs.kernel.statements import XapiVersion, read_statement
from tests.support.signing import certificate, signature_of, signed, x5c

BOTH = [XapiVersion.V1, XapiVersion.V2]
STATEMENT: dict[str, Any] = {
    "id": "33cff416-e331-4c9d-969e-5373a1756120",
    "actor": {"mbox": "mailto:a@example.com"},
    "verb": {"id": "http://example.com/v", "display": {"en": "did"}},
    "object": {"id": "http://example.com/o"},
    "result": {"duration": "PT1.50S"},
    "timestamp": "2026-04-01T12:00:00Z",
}
FILE = {
    "usageType": "http://example.com/u",
    "display": {"en": "file"},
    "contentType": "text/plain",
    "length": 1,
    "sha2": "0" * 64,
    "fileUrl": "http://example.com/f",
}


def _check(token: bytes, statement: dict[str, Any], version: XapiVersion = XapiVersion.V1) -> None:
    attachments = [*statement.get("attachments", []), signature_of(token, hashlib.sha256(token).hexdigest())]
    sent = json.dumps({**statement, "attachments": attachments}).encode()
    check_signature(token, read_statement(sent, version), version, "$.attachments[0]")


def _refused(token: bytes, statement: dict[str, Any]) -> str:
    with pytest.raises(RefusedError) as caught:
        _check(token, statement)
    assert (caught.value.reason, caught.value.path) == ("invalid", "$.attachments[0]")
    return caught.value.rule


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_a_statement_signed_by_rsa_is_taken_without_a_certificate(version: XapiVersion, algorithm: str) -> None:
    _check(signed(STATEMENT, algorithm=algorithm), STATEMENT, version)


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(
    "changes",
    [
        {"stored": "2026-04-01T12:00:00Z"},
        {"version": "1.0.0"},
        {"authority": {"mbox": "mailto:b@example.com"}},
        {"result": {"duration": "PT1.501S"}},
        {"verb": {"id": "http://example.com/v"}},
        {"timestamp": "2026-04-01T21:00:00+09:00"},
        {"id": "33CFF416-E331-4C9D-969E-5373A1756120"},
    ],
)
def test_what_does_not_count_in_a_statement_does_not_count_in_its_signature(
    version: XapiVersion, changes: dict[str, Any]
) -> None:
    _check(signed(STATEMENT | changes), STATEMENT, version)


def test_other_attachments_are_signed_too() -> None:
    _check(signed({**STATEMENT, "attachments": [FILE]}), {**STATEMENT, "attachments": [FILE]})
    assert "attached to" in _refused(signed(STATEMENT), {**STATEMENT, "attachments": [FILE]})
    assert "attached to" in _refused(signed({**STATEMENT, "attachments": [FILE]}), STATEMENT)


@pytest.mark.parametrize(
    "changes",
    [
        {"actor": {"mbox": "mailto:b@example.com"}},
        {"result": {"duration": "PT2S"}},
        {"object": {"id": "http://example.com/p"}},
        {"timestamp": "2026-04-01T12:00:01Z"},
        {"context": {"language": "ja"}},
    ],
)
def test_the_signature_of_another_statement_is_refused(changes: dict[str, Any]) -> None:
    assert "attached to" in _refused(signed(STATEMENT | changes), STATEMENT)


@pytest.mark.parametrize(
    "payload", [b"", b"text", b"[]", b'{"actor":1}', b"\xff", b'{"actor":{}}', json.dumps(STATEMENT).encode()[:-1]]
)
def test_a_payload_that_is_no_statement_is_refused_with_the_reason(payload: bytes) -> None:
    assert "the statement as it was signed" in _refused(signed(payload), STATEMENT)


@pytest.mark.parametrize(
    "token",
    [
        signed(STATEMENT, algorithm="HS256"),
        signed(STATEMENT, crit=["exp"], exp=1),
        b"",
        b"a",
        b"a.b",
        b"a.b.c",
        b"....",
        b"\xff.\xff.\xff",
        signed(STATEMENT).replace(b".", b"!"),
        json.dumps({"payload": "", "signatures": []}).encode(),
        base64.urlsafe_b64encode(b'{"alg":["RS256"]}').rstrip(b"=") + b".e30.AAAA",
        base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=") + b".e30.",
        base64.urlsafe_b64encode(b"[" * 100_000).rstrip(b"=") + b".e30.AAAA",
        b"A" * (2 * 1024 * 1024 + 1),
    ],
    ids=lambda token: repr(token[:20]),
)
def test_what_is_no_compact_jws_by_rsa_is_refused(token: bytes) -> None:
    _refused(token, STATEMENT)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_and_nothing_else(token: bytes) -> None:
    _refused(token, STATEMENT)


def test_with_a_certificate_the_signature_is_that_of_its_key() -> None:
    chain = x5c(certificate("signer", "issuer"), certificate("issuer", "issuer"))
    _check(signed(STATEMENT, x5c=chain), STATEMENT)
    _check(signed(STATEMENT, x5c=chain[:1]), STATEMENT)
    assert "first certificate" in _refused(signed(STATEMENT, key="other", x5c=chain), STATEMENT)


def test_a_chain_whose_certificates_are_not_signed_by_the_next_is_refused() -> None:
    chain = x5c(certificate("signer", "issuer"), certificate("other", "other"))
    assert "signed by the next" in _refused(signed(STATEMENT, x5c=chain), STATEMENT)


@pytest.mark.parametrize("chain", ["text", [], [1], ["!!"], ["AAAA"], x5c(certificate("signer", "signer")) * 11])
def test_a_chain_of_something_else_is_refused(chain: object) -> None:
    assert "certificates" in _refused(signed(STATEMENT, x5c=chain), STATEMENT)
