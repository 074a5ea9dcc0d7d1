"""Data 2.6: signed statements."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.conformance.lrs import Lrs, refusal
from tests.conformance.parcels import MIXED, declaration, file_part, statements_part, written
from tests.conformance.statements import complete, inside, new_id, statement

SIGNATURE = "http://adlnet.gov/expapi/attachments/signature"


@cache
def key(_: str = "") -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate() -> str:
    """The key's own certificate, as x5c has it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "drill.example.jp")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key().public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key(), SHA256())
    )
    return base64.b64encode(made.public_bytes(Encoding.DER)).decode()


def signature(payload: object, algorithm: str = "RS256", **headers: Any) -> bytes:  # noqa: ANN401 - any header
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    secret: Any = key() if algorithm.startswith("RS") else b"a secret of more than thirty-two bytes length"
    return jwt.api_jws.encode(raw, secret, algorithm=algorithm, headers=headers).encode()


def sent(lrs: Lrs, whole: dict[str, Any], token: bytes, **declared: Any) -> httpx.Response:  # noqa: ANN401
    """POST a statement with its signature."""
    signed = {
        "usageType": SIGNATURE,
        "contentType": "application/octet-stream",
        "display": {"en": "Signature"},
        **declared,
    }
    attachment = declaration(token, **signed)
    others = whole.get("attachments", [])
    part = file_part(token).having("Content-Type", attachment["contentType"])
    body = written(statements_part({**whole, "attachments": [*others, attachment]}), part)
    return lrs.ask("POST", "statements", content=body, headers=MIXED)


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_a_statement_signed_by_rsa_is_taken(lrs: Lrs, algorithm: str) -> None:
    whole = statement(id=new_id())
    assert sent(lrs, whole, signature(whole, algorithm)).status_code == 200


def test_a_complete_statement_with_files_of_its_own_is_taken_when_signed(lrs: Lrs) -> None:
    whole = complete()
    assert sent(lrs, whole, signature(whole)).status_code == 200
    nested = {**inside(complete()), "id": new_id()}
    assert sent(lrs, nested, signature(nested)).status_code == 200


def test_a_signature_is_returned_with_its_statement(lrs: Lrs) -> None:
    whole = statement(id=new_id())
    token = signature(whole)
    sent(lrs, whole, token)
    answer = lrs.ask("GET", "statements", params={"statementId": whole["id"], "attachments": "true"})
    assert token in answer.content


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_another_algorithm_is_refused(lrs: Lrs, algorithm: str) -> None:
    whole = statement(id=new_id())
    if algorithm == "none":
        token = b".".join(
            base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in ({"alg": "none"}, whole)
        )
        assert "$.attachments" in refusal(sent(lrs, whole, token + b"."))["path"]
    else:
        assert "$.attachments" in refusal(sent(lrs, whole, signature(whole, algorithm)))["path"]


@pytest.mark.parametrize(
    "token",
    [b"", b"no JWS", b"a.b", b"a.b.c", b"e30.e30.e30", signature(b"{"), signature(b"not JSON"), signature([])],
    ids=["empty", "text", "two parts", "no base64", "no alg", "broken JSON", "no JSON", "array"],
)
def test_what_is_no_signature_of_a_statement_is_refused(lrs: Lrs, token: bytes) -> None:
    refusal(sent(lrs, statement(id=new_id()), token))


def test_a_signature_of_another_statement_is_refused(lrs: Lrs) -> None:
    whole = statement(id=new_id())
    refusal(sent(lrs, whole, signature({**whole, "verb": {"id": "http://adlnet.gov/expapi/verbs/passed"}})))


def test_a_signature_of_another_content_type_is_refused(lrs: Lrs) -> None:
    whole = statement(id=new_id())
    answer = sent(lrs, whole, signature(whole), contentType="text/plain")
    assert refusal(answer)["path"] == "$.attachments[0].contentType"


def test_what_the_record_store_sets_is_left_out_of_the_comparison(lrs: Lrs) -> None:
    whole = statement(id=new_id())
    payload = {**whole, "version": "1.0.0", "stored": "2026-04-08T09:00:00Z", "authority": {"openid": "https://a.jp"}}
    assert sent(lrs, whole, signature(payload)).status_code == 200


def test_digits_of_a_duration_beyond_hundredths_are_left_out_of_the_comparison(lrs: Lrs) -> None:
    whole = statement(id=new_id(), result={"duration": "PT1.1237S"})
    assert sent(lrs, whole, signature({**whole, "result": {"duration": "PT1.12S"}})).status_code == 200
    other = statement(id=new_id(), result={"duration": "PT1.1237S"})
    refusal(sent(lrs, other, signature({**other, "result": {"duration": "PT1.13S"}})))


def test_a_certificate_in_the_header_has_to_be_that_of_the_signing_key(lrs: Lrs) -> None:
    whole = statement(id=new_id())
    assert sent(lrs, whole, signature(whole, x5c=[certificate()])).status_code == 200
    other = statement(id=new_id())
    token = jwt.api_jws.encode(json.dumps(other).encode(), key("other"), "RS256", {"x5c": [certificate()]})
    refusal(sent(lrs, other, token.encode()))


def test_a_signed_statement_comes_with_its_signature(lrs: Lrs) -> None:
    attachment = declaration(b"a", usageType=SIGNATURE, contentType="application/octet-stream")
    assert lrs.refused(statement(attachments=[attachment])).startswith("$.attachments[0]")
