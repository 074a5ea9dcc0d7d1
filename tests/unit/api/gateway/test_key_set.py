"""Which published keys are used, and for which algorithm."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lrs.api.gateway.key_set import ALGORITHMS, read_key_set
from tests.support.issuer import key_set, signer


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_of_each_allowed_algorithm_is_used_for_it_alone(algorithm: str) -> None:
    keys = read_key_set(key_set(signer(algorithm, "one").jwk()))
    assert [name for name in ALGORITHMS if keys.fitting("one", name)] == [algorithm]


def test_an_rsa_key_that_names_no_algorithm_is_used_for_both_of_its_kind() -> None:
    jwk = signer("RS256", "one").jwk()
    del jwk["alg"]
    keys = read_key_set(key_set(jwk))
    assert [name for name in ALGORITHMS if keys.fitting("one", name)] == ["RS256", "PS256"]


def test_keys_are_told_apart_by_name() -> None:
    keys = read_key_set(key_set(signer("ES256", "one").jwk(), signer("ES256", "two").jwk()))
    assert [key.kid for key in keys.fitting("two", "ES256")] == ["two"]
    assert keys.fitting("three", "ES256") == []


def test_a_token_without_a_key_name_may_mean_any_fitting_key() -> None:
    keys = read_key_set(key_set(signer("ES256", "one").jwk(), signer("ES256", "two").jwk(), signer("RS256", "3").jwk()))
    assert [key.kid for key in keys.fitting(None, "ES256")] == ["one", "two"]


def _weak_rsa() -> dict[str, Any]:
    key = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 - the point
    return {**jwt.get_algorithm_by_name("RS256").to_jwk(key, as_dict=True), "key_ops": ["verify"]}


def _other_curve() -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    return jwt.get_algorithm_by_name("ES384").to_jwk(key, as_dict=True)


def _private() -> dict[str, Any]:
    return jwt.get_algorithm_by_name("ES256").to_jwk(signer("ES256", "one").private, as_dict=True)


UNUSABLE: dict[str, Any] = {
    "for encryption": {**signer("RS256", "one").jwk(), "use": "enc"},
    "for signing only": {**signer("RS256", "one").jwk(), "key_ops": ["sign"]},
    "operations that are no list": {**signer("RS256", "one").jwk(), "key_ops": "verify"},
    "of another algorithm": {**signer("RS256", "one").jwk(), "alg": "RS512"},
    "an algorithm that is no word": {**signer("RS256", "one").jwk(), "alg": ["RS256"]},
    "a shared secret": {"kty": "oct", "k": "c2VjcmV0", "kid": "one", "alg": "HS256"},
    "a secret that says RS256": {"kty": "oct", "k": "c2VjcmV0", "kid": "one", "alg": "RS256"},
    "a short RSA key": _weak_rsa(),
    "a curve that is not allowed": _other_curve(),
    "a published private key": _private(),
    "not on its curve": {**signer("ES256", "one").jwk(), "x": "AAAA"},
    "without its numbers": {"kty": "RSA", "kid": "one"},
    "numbers that are none": {**signer("RS256", "one").jwk(), "n": 5},
    "a name that is no text": {**signer("RS256", "one").jwk(), "kid": 5},
    "a kind that is no word": {"kty": ["RSA"]},
    "no object": 5,
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_key_that_cannot_be_used_is_passed_over(name: str) -> None:
    assert [key.kid for key in read_key_set(key_set(UNUSABLE[name], signer("EdDSA", "good").jwk()))] == ["good"]
    with pytest.raises(ValueError, match="no key in it"):
        read_key_set(key_set(UNUSABLE[name]))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"keys":{}}', b'{"jwks":[]}', b'{"keys":[]}', b"\xff"])
def test_what_is_no_key_set_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the JSON library's words or ours
        read_key_set(body)


def test_no_more_than_a_hundred_keys_are_looked_at() -> None:
    others = [json.loads('{"kty":"oct"}')] * 100
    with pytest.raises(ValueError, match="no key in it"):
        read_key_set(key_set(*others, signer("EdDSA", "late").jwk()))
