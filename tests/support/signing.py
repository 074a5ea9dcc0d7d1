"""Keys, certificates and signatures for tests of signed statements."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

SIGNATURE = "http://adlnet.gov/expapi/attachments/signature"


@cache
def rsa_key(name: str) -> RSAPrivateKey:  # noqa: ARG001 - one key a name
    """A key of 2048 bits."""
    return generate_private_key(65537, 2048)


def certificate(subject: str, issuer: str) -> x509.Certificate:
    """The certificate of a name's key, signed by the issuer's key."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(rsa_key(subject).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now - timedelta(days=1))  # dates are not looked at
    )
    return builder.sign(rsa_key(issuer), SHA256())


def x5c(*certificates: x509.Certificate) -> list[str]:
    """The JOSE header with a chain, the signer's certificate first."""
    return [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in certificates]


def signed(
    statement: dict[str, Any] | bytes, *, key: str = "signer", algorithm: str = "RS256", **headers: object
) -> bytes:
    """The JWS of a statement in compact form."""
    payload = statement if isinstance(statement, bytes) else json.dumps(statement).encode()
    secret = "a secret of at least sixty-four bytes, for what is not to be used: 0123456789"
    return (
        jwt.PyJWS()
        .encode(payload, secret if algorithm.startswith("HS") else rsa_key(key), algorithm, headers=headers)
        .encode()
    )


def signature_of(token: bytes, sha2: str) -> dict[str, Any]:
    """The attachment that declares a signature."""
    return {
        "usageType": SIGNATURE,
        "display": {"en": "signature"},
        "contentType": "application/octet-stream",
        "length": len(token),
        "sha2": sha2,
    }


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
