"""A set of public signing keys as an issuer publishes it (RFC 7517), and which algorithm each may be used with."""

from __future__ import annotations

from typing import Any, NamedTuple

import jwt
import orjson

_MIN_RSA_BITS = 2048
_MAX_KEYS = 100
# What kind of key an algorithm needs. Nothing else is ever accepted: `none` and the symmetric ones are not here, and a
# public key can never be taken for a shared secret.
_KINDS: dict[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
ALGORITHMS = tuple(_KINDS)


class SigningKey(NamedTuple):
    """One key. `kid` is its name where it has one, `thumb` its JSON, which tells two keys apart."""

    kid: str | None
    algorithms: frozenset[str]
    key: Any
    thumb: bytes


class KeySet(tuple[SigningKey, ...]):
    """The usable keys of one publication."""

    __slots__ = ()

    def fitting(self, kid: str | None, algorithm: str) -> list[SigningKey]:
        """The keys that a token with this header may be signed with; a token without `kid` may mean any."""
        return [one for one in self if algorithm in one.algorithms and kid in {None, one.kid}]


def read_key_set(body: bytes) -> KeySet:
    """The usable signing keys of a JWK set; others are passed over. Raises `ValueError` when there is none."""
    document = orjson.loads(body)
    published = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(published, list):
        raise ValueError("it is not a JWK set: an object with an array `keys` (RFC 7517 section 5)")  # noqa: TRY004 - of the content, not of a type
    keys = KeySet(key for key in map(_signing_key, published[:_MAX_KEYS]) if key is not None)
    if not keys:
        raise ValueError(f"no key in it is a public signing key for one of {', '.join(ALGORITHMS)}")
    return keys


def _signing_key(jwk: object) -> SigningKey | None:
    # A set with private halves ("d") was published by mistake: whoever read it can sign.
    if not isinstance(jwk, dict) or "d" in jwk or not _for_signatures(jwk):
        return None
    algorithms = [name for name, kind in _KINDS.items() if kind == (jwk.get("kty"), _curve(jwk))]
    if "alg" in jwk:
        algorithms = [name for name in algorithms if name == jwk["alg"]]
    kid = jwk.get("kid")
    if not algorithms or not (kid is None or isinstance(kid, str)):
        return None
    try:
        key = jwt.PyJWK(jwk, algorithms[0]).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if jwk["kty"] == "RSA" and key.key_size < _MIN_RSA_BITS:
        return None
    return SigningKey(kid, frozenset(algorithms), key, orjson.dumps(jwk, option=orjson.OPT_SORT_KEYS))


def _curve(jwk: dict[str, Any]) -> str | None:
    return None if jwk.get("kty") == "RSA" else jwk.get("crv")


def _for_signatures(jwk: dict[str, Any]) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    return jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations
