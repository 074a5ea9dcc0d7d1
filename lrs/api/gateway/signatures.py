"""Signed statements: is the signature well formed, and is it of this statement? (xAPI 1.0.3 Data 2.6).

It catches mistakes of who signs. Whether the signer is to be trusted is for those to decide who read the statement.
"""

from __future__ import annotations

import base64
import binascii
from itertools import pairwise
from typing import Any

import jwt
import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements import Statement, XapiVersion, read_statement
from lrs.kernel.statements.attachments import SIGNATURE
from lrs.kernel.statements.rules import broken

_HASHES: dict[str, HashAlgorithm] = {"RS256": SHA256(), "RS384": SHA384(), "RS512": SHA512()}
_SECTION = "Data 2.6"
_MOST_BYTES = 2 * 1024 * 1024
_MOST_CERTIFICATES = 10
_KEY_BITS = range(1024, 16_385)
_jws = jwt.PyJWS(algorithms=list(_HASHES))


class _Usage(msgspec.Struct):
    usageType: str = ""  # noqa: N815 - the standard's name


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_usage = msgspec.json.Decoder(_Usage).decode
_encode = msgspec.json.Encoder().encode


def check_signature(token: bytes, statement: Statement, version: XapiVersion, path: str) -> None:
    """Raise `RefusedError` at `path` unless `token` is a JWS by RSA whose payload is the statement without it.

    Compact serialization only. With an x5c header the signature must be that of the first certificate's key, and each
    certificate be signed by the next one; neither their dates nor their root are looked at.
    """
    header, payload, signature = _read(token, path)
    try:
        signed = _comparable(payload, version)
    except RefusedError as error:
        rule = f"a signature's payload is the statement as it was signed; at {error.path}: {error.rule}"
        raise RefusedError(Refusal.INVALID, rule, path=path) from error
    if signed != _comparable(statement.raw, version):
        raise broken(path, "a signature's payload is the statement that it is attached to", _SECTION)
    if "x5c" in header:
        chain = _certificates(header["x5c"], path)
        _verify(token.rpartition(b".")[0], signature, _HASHES[header["alg"]], chain, path)


def _read(token: bytes, path: str) -> tuple[dict[str, Any], bytes, bytes]:
    """Header, payload and signature; the last is not verified."""
    if len(token) > _MOST_BYTES:
        raise broken(path, f"a signature has at most {_MOST_BYTES} bytes", _SECTION)
    try:
        found = _jws.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise broken(path, "a signature is a JSON web signature in compact form", _SECTION) from error
    header = found["header"]
    if str(header.get("alg")) not in _HASHES or "crit" in header or "b64" in header:
        raise broken(path, "a signature's alg is RS256, RS384 or RS512, without extensions", _SECTION)
    return header, found["payload"], found["signature"]


def _comparable(raw: bytes, version: XapiVersion) -> bytes:
    """Equal for equal statements, whatever of it the record store sets, and without its signatures."""
    read_statement(raw, version)
    fields = _fields(raw)
    for name in ("id", "stored", "authority", "version"):
        fields.pop(name, None)
    others = [one for one in _items(fields.pop("attachments", b"[]")) if _usage(one).usageType != SIGNATURE]
    if others:
        return read_statement(_encode(fields | {"attachments": others}), version).digest
    return read_statement(_encode(fields), version).digest


def _certificates(given: object, path: str) -> list[x509.Certificate]:
    rule = f"x5c holds 1 to {_MOST_CERTIFICATES} certificates, in the base64 form of DER (RFC 7515 4.1.6)"
    if not isinstance(given, list) or not 0 < len(given) <= _MOST_CERTIFICATES:
        raise broken(path, rule, _SECTION)
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in given]
    except (TypeError, ValueError, binascii.Error, UnsupportedAlgorithm) as error:
        raise broken(path, rule, _SECTION) from error


def _verify(
    signed: bytes, signature: bytes, algorithm: HashAlgorithm, chain: list[x509.Certificate], path: str
) -> None:
    """Not by the JWT library: it complains about keys below 2048 bits, which the standard's own example has."""
    try:
        key = chain[0].public_key()
        if not isinstance(key, RSAPublicKey) or key.key_size not in _KEY_BITS:
            raise broken(path, "the key of the first certificate is an RSA key of 1024 to 16384 bits", _SECTION)
        key.verify(signature, signed, PKCS1v15(), algorithm)
        for certificate, issuer in pairwise(chain):
            certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError) as error:
        rule = "a signature is that of the first certificate of its x5c, and each of them is signed by the next"
        raise broken(path, rule, _SECTION) from error
