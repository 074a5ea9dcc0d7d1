"""Tokens remembered until they expire or the keys change; settings that contradict each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from lrs.api.gateway import bearer as module
from lrs.api.gateway.answers import HttpError
from lrs.api.gateway.authentication import Authentication
from lrs.api.gateway.bearer import Bearer, open_bearer
from lrs.api.gateway.issuer_keys import IssuerKeys
from lrs.api.gateway.key_sources import FileSource
from lrs.api.gateway.tokens import TokenRules
from lrs.cli.settings_loading import load_settings
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.settings import OidcSettings
from lrs.store.registry import Registry
from tests.support.issuer import AUDIENCE, ISSUER, Signer, key_set, signer

ONE = signer("ES256", "one")
SETTINGS = {"issuer": ISSUER, "audience": AUDIENCE}


class Door:
    """A `Bearer` over a file of keys, by clocks that the test turns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys_now, self.unix_now = 1000.0, 2_000_000_000.0
        self.keys = IssuerKeys(
            FileSource(path), refresh_seconds=300, refetch_seconds=10, kept_seconds=3600, clock=lambda: self.keys_now
        )
        rules = TokenRules.of(OidcSettings(issuer=ISSUER, audience=AUDIENCE))
        self.bearer = Bearer(rules, self.keys, clock=lambda: self.unix_now)

    def publish(self, *signers: Signer) -> None:
        self.path.write_bytes(key_set(*(one.jwk() for one in signers)))


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    made = Door(tmp_path / "keys.json")
    made.publish(ONE)
    yield made
    made.bearer.close()


async def test_a_token_is_remembered_only_after_it_was_verified(door: Door) -> None:
    token = ONE.token(exp=2_000_000_100).encode()
    assert door.bearer.recall(token) is None
    access = await door.bearer.verify(token)
    assert door.bearer.recall(token) is access
    assert door.bearer.recall(token[:-1]) is None


async def test_a_remembered_token_is_forgotten_when_it_expires(door: Door) -> None:
    token = ONE.token(exp=2_000_000_100).encode()
    access = await door.bearer.verify(token)
    door.unix_now = 2_000_000_129
    assert door.bearer.recall(token) is access
    door.unix_now = 2_000_000_130
    assert door.bearer.recall(token) is None


async def test_a_token_of_a_withdrawn_key_is_refused_though_it_was_remembered(door: Door) -> None:
    token = ONE.token(exp=2_000_000_100).encode()
    await door.bearer.verify(token)
    door.publish(signer("ES256", "two"))
    door.keys_now += 11
    with pytest.raises(HttpError, match="does not publish"):
        await door.bearer.verify(signer("ES256", "three").token().encode())
    assert door.bearer.recall(token) is None
    with pytest.raises(HttpError, match="does not publish"):
        await door.bearer.verify(token)


async def test_remembered_tokens_are_not_trusted_forever_while_the_issuer_is_away(door: Door) -> None:
    token = ONE.token(exp=2_000_000_100).encode()
    await door.bearer.verify(token)
    door.path.unlink()
    door.keys_now += 3601
    with pytest.raises(RetryError):
        door.bearer.recall(token)


async def test_a_token_that_names_no_key_is_taken_only_where_one_key_can_be_meant(door: Door) -> None:
    token = ONE.token(head={"kid": None}, exp=2_000_000_100).encode()
    assert (await door.bearer.verify(token)).credential.app == "drill-a"
    door.publish(ONE, signer("ES256", "two"))
    door.keys_now += 11
    with pytest.raises(HttpError, match="does not publish"):
        await door.bearer.verify(signer("ES256", "three").token().encode())
    with pytest.raises(HttpError, match="names no key"):
        await door.bearer.verify(token)


async def test_memory_is_bounded_and_the_least_used_token_goes_first(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CACHED", 2)
    first, second, third = (ONE.token(exp=2_000_000_100, jti=str(number)).encode() for number in range(3))
    await door.bearer.verify(first)
    await door.bearer.verify(second)
    assert door.bearer.recall(first) is not None
    await door.bearer.verify(third)
    assert [door.bearer.recall(token) is not None for token in (first, second, third)] == [True, False, True]


async def test_no_log_holds_anything_of_a_token(door: Door) -> None:
    tokens = [ONE.token(sub="u-1"), ONE.token(exp=1), signer("ES256", "unknown").token()]
    with capture_logs() as lines:
        await door.bearer.verify(tokens[0].encode())
        for token in tokens[1:]:
            with pytest.raises(HttpError):
                await door.bearer.verify(token.encode())
        door.publish()
        door.keys_now += 301
        with pytest.raises(RetryError):
            await door.bearer.verify(tokens[2].encode())
    assert {line["event"] for line in lines} == {"issuer_keys_fetched", "issuer_keys_unavailable"}
    assert not any(part in str(lines) for token in tokens for part in token.split("."))


# --- settings ---


def test_without_an_issuer_no_token_is_taken() -> None:
    assert open_bearer(OidcSettings()) is None


CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no audience": ({"audience": "", "jwks_url": "https://login.example.jp/keys"}, "AYUMI_OIDC__AUDIENCE"),
    "no keys": ({}, "AYUMI_OIDC__JWKS_URL or AYUMI_OIDC__JWKS_FILE"),
    "two places of keys": ({"jwks_url": "https://login.example.jp/keys", "jwks_file": "/k"}, "AYUMI_OIDC__JWKS_FILE"),
    "keys over http": ({"jwks_url": "http://login.example.jp/keys"}, "AYUMI_OIDC__JWKS_URL"),
    "keys over ftp": ({"jwks_url": "ftp://127.0.0.1/keys"}, "AYUMI_OIDC__JWKS_URL"),
    "keys behind a password": ({"jwks_url": "https://u:secret@login.example.jp/"}, "AYUMI_OIDC__JWKS_URL"),
    "keys at no host": ({"jwks_url": "https:///keys"}, "AYUMI_OIDC__JWKS_URL"),
    "keys at a broken address": ({"jwks_url": "https://[::1/keys"}, "AYUMI_OIDC__JWKS_URL"),
    "an issuer over http": ({"issuer": "http://login.example.jp"}, "AYUMI_OIDC__ISSUER"),
    "certificates that are not there": (
        {"jwks_url": "https://login.example.jp/keys", "ca_file": "/nonexistent.pem"},
        "AYUMI_OIDC__CA_FILE",
    ),
    "an app without a name": ({"jwks_file": "/k", "apps": "client"}, "AYUMI_OIDC__APPS"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_settings_that_contradict_each_other_stop_the_start_and_name_the_setting(name: str) -> None:
    changes, setting = CONTRADICTIONS[name]
    with pytest.raises(StopError) as caught:
        open_bearer(OidcSettings.model_validate({**SETTINGS, **changes}))
    assert setting in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:9"])
def test_loopback_needs_no_https(host: str) -> None:
    assert open_bearer(OidcSettings(**SETTINGS, jwks_url=f"http://{host}/keys")) is not None


def test_the_algorithms_are_no_setting(tmp_path: Path) -> None:
    (tmp_path / "ayumi.toml").write_text('[oidc]\nalgorithms = "none"\n')
    with pytest.raises(StopError, match="AYUMI_OIDC__ALGORITHMS is not a setting"):
        load_settings(tmp_path)


# --- the header ---


async def test_a_token_is_no_scheme_where_no_issuer_is_set(tmp_path: Path) -> None:
    registry = Registry.open(f"sqlite:///{tmp_path}/registry.sqlite")
    authentication = Authentication(registry.credentials)
    try:
        with pytest.raises(HttpError) as caught:
            await authentication.authenticate(b"Bearer " + ONE.token().encode())
        assert (caught.value.status, caught.value.rule) == (401, "the scheme is Basic")
        assert [value.split()[0] for _, value in caught.value.headers] == [b"Basic"]
    finally:
        authentication.close()
        registry.close()


@pytest.mark.parametrize("header", [None, b"", b"Bearer", b"Digest abc", b"Basic", b"Basic !!", b"Basic YQ=="])
async def test_both_ways_in_are_named_to_who_uses_neither_rightly(
    door: Door, tmp_path: Path, header: bytes | None
) -> None:
    registry = Registry.open(f"sqlite:///{tmp_path}/registry.sqlite")
    authentication = Authentication(registry.credentials, door.bearer)
    try:
        with pytest.raises(HttpError) as caught:
            await authentication.authenticate(header)
        schemes = {value.split()[0] for _, value in caught.value.headers}
        assert caught.value.status == 401
        assert schemes == ({b"Bearer"} if header == b"Bearer" else {b"Basic", b"Bearer"})
    finally:
        authentication.close()
        registry.close()
