"""What a token must be, and the access that it gives."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lrs.api.gateway.access import Account, Action
from lrs.api.gateway.answers import HttpError
from lrs.api.gateway.key_set import ALGORITHMS, read_key_set
from lrs.api.gateway.tokens import MAX_BYTES, TokenRules, Verified, read_head, read_token
from lrs.kernel.errors import StopError
from lrs.kernel.settings import OidcSettings
from lrs.store.registry.scopes import Scope
from tests.support.issuer import AUDIENCE, ISSUER, claims, forged, key_set, signer

SIGNER = signer("ES256", "one")


def _rules(**changes: Any) -> TokenRules:  # noqa: ANN401 - OidcSettings'
    return TokenRules.of(OidcSettings(issuer=ISSUER, audience=AUDIENCE, **changes))


def _read(token: str, rules: TokenRules | None = None, *, algorithm: str = "ES256") -> Verified:
    [key] = read_key_set(key_set(signer(algorithm, "one").jwk()))
    return read_token(token.encode(), read_head(token.encode()), key, rules or _rules())


def _refusal(token: str, rules: TokenRules | None = None) -> HttpError:
    with pytest.raises(HttpError) as caught:
        _read(token, rules)
    return caught.value


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_signed_by_any_allowed_algorithm_gives_its_app_and_scopes(algorithm: str) -> None:
    verified = _read(signer(algorithm, "one").token(), algorithm=algorithm)
    assert verified.access.credential.app == "drill-a"
    assert verified.access.credential.scopes == (Scope.STATEMENTS_WRITE, Scope.STATEMENTS_READ_MINE, Scope.STATE)
    assert verified.access.visible_app == "drill-a"


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT", "JWT", None])
def test_an_access_token_says_so_or_says_only_that_it_is_a_jwt(typ: str | None) -> None:
    assert _read(SIGNER.token(head={"typ": typ})).access.credential.app == "drill-a"


NOW = time.time()
WRONG_CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"exp": NOW - 31}, "expired"),
    "expires at no time": ({"exp": None}, "lacks the claim exp"),
    "expires at a word": ({"exp": "tomorrow"}, "cannot be read"),
    "expires at no number": ({"exp": float("nan")}, "cannot be read"),
    "expires never": ({"exp": float("inf")}, "cannot be read"),
    "not yet valid": ({"nbf": NOW + 86_400}, "not valid yet"),
    "issued tomorrow": ({"iat": NOW + 86_400}, "not valid yet"),
    "of another issuer": ({"iss": ISSUER + "/"}, "another issuer"),
    "of no issuer": ({"iss": None}, "lacks the claim iss"),
    "for another": ({"aud": "https://elsewhere.example.jp"}, "another audience"),
    "for several others": ({"aud": ["a", "b"]}, "another audience"),
    "for no one": ({"aud": None}, "lacks the claim aud"),
    "for a number": ({"aud": 5}, "another audience"),
    "naming no app": ({"azp": None}, "names no app"),
    "naming an app by a number": ({"azp": 5}, "names no app"),
    "naming an app by a list": ({"azp": ["drill-a"]}, "names no app"),
    "naming an app that cannot be one": ({"azp": "Drill A"}, "app has no name"),
    "naming nobody": ({"sub": ""}, "printable"),
    "naming a person by a control character": ({"sub": "a\nb"}, "printable"),
    "naming a person by half a character": ({"sub": "\ud800"}, "printable"),
    "naming a person at length": ({"sub": "x" * 256}, "printable"),
    "naming a person by a number": ({"sub": 5}, "cannot be read"),
}


@pytest.mark.parametrize("name", WRONG_CLAIMS)
def test_a_token_with_a_wrong_claim_is_a_401_that_names_it(name: str) -> None:
    changes, said = WRONG_CLAIMS[name]
    error = _refusal(SIGNER.token(**changes))
    assert (error.status, error.reason) == (401, "invalid_token")
    assert said in error.rule
    [(header, value)] = error.headers
    assert header == b"www-authenticate"
    assert value.startswith(b'Bearer realm="ayumi", error="invalid_token", error_description="')


def test_clocks_may_differ_by_the_leeway() -> None:
    skewed = SIGNER.token(exp=time.time() - 20, nbf=time.time() + 20, iat=time.time() + 20)
    assert _read(skewed).expires_at > time.time()
    assert _refusal(skewed, _rules(leeway_seconds=5)).status == 401


def test_a_token_is_good_until_it_expires_and_the_leeway_is_over() -> None:
    assert _read(SIGNER.token(exp=4_000_000_000)).expires_at == 4_000_000_030


def test_an_audience_among_others_is_enough() -> None:
    assert _read(SIGNER.token(aud=["account", AUDIENCE])).access.credential.app == "drill-a"


def test_a_token_of_another_key_is_refused() -> None:
    error = _refusal(signer("ES256", "two").token(head={"kid": "one"}))
    assert "signature is not the issuer's" in error.rule


def test_a_changed_token_is_refused() -> None:
    head, _, signature = SIGNER.token().split(".")
    body = forged({}, claims(azp="drill-b")).split(".")[1]
    assert "signature" in _refusal(f"{head}.{body}.{signature}").rule


def test_a_token_of_one_kind_of_key_does_not_fit_another() -> None:
    token = signer("EdDSA", "one").token()
    assert _refusal(token).status == 401


UNREADABLE = {
    "empty": "",
    "one word": "secret",
    "two parts": "a.b",
    "four parts": "a.b.c.d",
    "encrypted": "a.b.c.d.e",
    "not base64url": "a+/.b.c",
    "a header that is no JSON": "YWJj.e30.e30",
    "a header that is a list": "W10.e30.e30",
    "a header of lists in lists": "W1tb" * 4000 + ".e30.e30",
    "too large": "a." + "b" * MAX_BYTES + ".c",
    "no algorithm": forged({"typ": "JWT"}, claims()),
    "an algorithm that is a list": forged({"alg": ["ES256"]}, claims()),
    "algorithm none": forged({"alg": "none"}, claims()),
    "algorithm None": forged({"alg": "None"}, claims()),
    "HMAC with the public key": forged({"alg": "HS256", "kid": "one"}, claims(), SIGNER.pem()),
    "HMAC with the published JSON": forged({"alg": "HS256", "kid": "one"}, claims(), str(SIGNER.jwk()).encode()),
    "an algorithm of the family": forged({"alg": "RS512", "kid": "one"}, claims()),
    "a logout token": SIGNER.token(head={"typ": "logout+jwt"}),
    "a critical extension": SIGNER.token(head={"crit": ["exp"]}),
    "a detached body": SIGNER.token(head={"crit": ["b64"]}),
    "a key name that is a number": forged({"alg": "ES256", "kid": 5}, claims()),
    "a body that is no object": forged({"alg": "ES256", "kid": "one"}, [1]),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_token_of_the_issuer_is_a_401_that_repeats_none_of_it(name: str) -> None:
    token = UNREADABLE[name]
    error = _refusal(token)
    assert (error.status, error.reason, error.path) == (401, "invalid_token", "Authorization")
    if len(token) > 20:
        assert not any(part[:20].encode() in error.headers[0][1] for part in token.split(".") if len(part) > 20)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ({"alg": "none"}, "(alg)"),
        ({"alg": "HS256", "kid": "one"}, "(alg)"),
        ({"alg": "RS512", "kid": "one"}, "(alg)"),
        ({"alg": "ES256", "typ": "logout+jwt"}, "(typ)"),
        ({"alg": "ES256", "crit": ["b64"], "b64": True}, "(crit or kid)"),
    ],
)
def test_a_header_is_judged_before_any_key_is_looked_for(head: dict[str, Any], said: str) -> None:
    with pytest.raises(HttpError) as caught:
        read_head(forged(head, claims()).encode())
    assert said in caught.value.rule


# --- app, scopes, person ---


@pytest.mark.parametrize(
    ("changes", "app"),
    [
        ({"azp": "drill-b"}, "drill-b"),
        ({"azp": None, "client_id": "drill-c"}, "drill-c"),
        ({"client_id": "x"}, "drill-a"),
    ],
)
def test_the_first_app_claim_that_a_token_has_names_the_app(changes: dict[str, Any], app: str) -> None:
    assert _read(SIGNER.token(**changes)).access.credential.app == app


def test_listed_clients_stand_for_their_apps_and_others_are_refused() -> None:
    rules = _rules(apps="0oA=B=drill-a xYz9=drill-b")
    assert _read(SIGNER.token(azp="xYz9"), rules).access.credential.app == "drill-b"
    assert _read(SIGNER.token(azp="0oA=B"), rules).access.credential.app == "drill-a"
    assert "not one of those" in _refusal(SIGNER.token(azp="drill-a"), rules).rule


@pytest.mark.parametrize("apps", ["drill-a", "=drill-a", "client=", "client=Drill A", "client=DRILL"])
def test_a_pair_that_names_no_app_stops_the_start(apps: str) -> None:
    with pytest.raises(StopError, match="AYUMI_OIDC__APPS"):
        _rules(apps=apps)


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("statements/write", (Scope.STATEMENTS_WRITE,)),
        (["all/read", "email", 5], (Scope.ALL_READ,)),
        ("all  openid\tstate", (Scope.STATE, Scope.ALL)),
        ("openid profile state", (Scope.STATE,)),
    ],
)
def test_a_token_has_the_scopes_that_are_known_here(scope: object, granted: tuple[Scope, ...]) -> None:
    assert _read(SIGNER.token(scope=scope)).access.credential.scopes == granted


def test_with_a_prefix_only_words_with_it_count_and_profile_does_too() -> None:
    verified = _read(SIGNER.token(scope="xapi:profile state profile"), _rules(scope_prefix="xapi:"))
    assert verified.access.allowed == {Action.PROFILE_READ, Action.PROFILE_WRITE}


def test_scopes_are_read_from_the_named_claim() -> None:
    token = SIGNER.token(scp=["state"], scope="all")
    assert _read(token, _rules(scope_claim="scp")).access.credential.scopes == (Scope.STATE,)


@pytest.mark.parametrize("scope", [None, "", "openid profile", "STATE", 5, {"state": 1}, [["state"]]])
def test_a_token_without_a_scope_of_ours_is_a_403(scope: object) -> None:
    error = _refusal(SIGNER.token(scope=scope))
    assert (error.status, error.reason) == (403, "insufficient_scope")
    assert b'error="insufficient_scope"' in error.headers[0][1]


def test_a_token_of_a_person_names_them_at_the_issuer() -> None:
    token = _read(SIGNER.token(sub="u-1")).access.token
    assert token is not None
    assert token.user == Account(ISSUER, "u-1")


@pytest.mark.parametrize(
    ("changes", "claim"), [({"sub": "drill-a"}, "sub"), ({"sub": None}, "sub"), ({"sub": "u"}, "")]
)
def test_a_token_of_an_app_names_no_person(changes: dict[str, Any], claim: str) -> None:
    token = _read(SIGNER.token(**changes), _rules(user_claim=claim)).access.token
    assert token is not None
    assert token.user is None
