"""Bearer tokens of a real issuer over HTTP: its keys on a web server of its own, a real zone behind the gateway."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from lrs.kernel.settings import BrokerSettings, GatewaySettings, OidcSettings, Settings, ZoneSettings
from processors.topic_admin import ensure_topics
from tests.support.broker import complete, new_zone_name
from tests.support.issuer import AUDIENCE, ISSUER, Issuer, claims, forged, issuer, key_set, signer
from tests.support.lrs_process import lrs_process
from tests.support.waiting import eventually

RSA, EC = signer("RS256", "rsa"), signer("ES256", "ec")
VERSIONS = ["1.0.3", "2.0.0"]
HOME = AUDIENCE
_kids = itertools.count()


class Zone(NamedTuple):
    """A zone that trusts an issuer, and a client of it."""

    url: str
    issuer: Issuer
    client: httpx.AsyncClient


@pytest.fixture(scope="module")
def zone_of_issuer(broker: BrokerSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Issuer]]:
    name = new_zone_name()
    complete(ensure_topics(broker, name))
    with issuer() as running:
        settings = Settings(
            zone=ZoneSettings(name=name, operator="osaka", host="127.0.0.1", public_url=HOME),
            broker=broker,
            gateway=GatewaySettings(port=0, read_wait_seconds=30, publish_seconds=30),
            oidc=OidcSettings(
                issuer=ISSUER,
                audience=AUDIENCE,
                jwks_url=running.jwks_url,
                refresh_seconds=0.3,
                refetch_seconds=0.1,
                kept_seconds=60,
            ),
        )
        with lrs_process(tmp_path_factory.mktemp("zone"), settings) as (url, _):
            yield url, running


@pytest.fixture
async def running(zone_of_issuer: tuple[str, Issuer]) -> AsyncIterator[Zone]:
    """The zone, ready; the issuer shows its two keys and the zone knows them."""
    url, found = zone_of_issuer
    found.come_back()
    found.redirect("")
    found.publish(RSA, EC)

    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        zone = Zone(url, found, client)

        async def known() -> bool:
            unknown = EC.token(head={"kid": "of nobody"})  # a 503 for as long as the issuer is thought to be away
            tokens = (RSA.token(), EC.token(), unknown)
            return [(await _get(zone, one)).status_code for one in tokens] == [200, 200, 401]

        await eventually(known)
        yield zone


async def _ask(zone: Zone, method: str, token: str | bytes, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's
    version = options.pop("version", "1.0.3")
    bearer = b"Bearer " + (token.encode() if isinstance(token, str) else token)
    headers: list[tuple[bytes, bytes]] = [(b"X-Experience-API-Version", version.encode()), (b"Authorization", bearer)]
    return await zone.client.request(method, "/xAPI/statements", headers=headers, **options)


async def _get(zone: Zone, token: str | bytes, **params: str) -> httpx.Response:
    return await _ask(zone, "GET", token, params={"limit": "1", **params} if "statementId" not in params else params)


async def _post(zone: Zone, token: str, version: str = "1.0.3") -> str:
    statement = {
        "actor": {"account": {"homePage": "https://board.example.jp", "name": "u1"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": "https://drill.example.jp/items/1"},
    }
    answer = await _ask(zone, "POST", token, json=statement, version=version)
    assert answer.status_code == 200, answer.text
    [statement_id] = answer.json()
    return str(statement_id)


async def _authority(zone: Zone, token: str, statement_id: str, version: str) -> Any:  # noqa: ANN401 - JSON
    found = await _ask(zone, "GET", token, params={"statementId": statement_id}, version=version)
    assert found.status_code == 200, found.text
    return found.json()["authority"]


def _agent(home_page: str, name: str) -> dict[str, Any]:
    return {"objectType": "Agent", "account": {"homePage": home_page, "name": name}}


def _claims_wrong(answer: httpx.Response, said: str) -> None:
    assert answer.status_code == 401, answer.text
    assert answer.json()["error"] == "invalid_token"
    assert said in answer.json()["rule"]
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="ayumi", error="invalid_token", error_description="')


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_an_app_writes_by_token_has_the_app_as_its_authority(running: Zone, version: str) -> None:
    token = RSA.token()
    statement_id = await _post(running, token, version)
    assert await _authority(running, token, statement_id, version) == _agent(HOME, "drill-a")


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_a_person_writes_through_an_app_has_both_as_its_authority(running: Zone, version: str) -> None:
    token = EC.token(sub="u-日本")
    statement_id = await _post(running, token, version)
    members = [_agent(HOME, "drill-a"), _agent(ISSUER, "u-日本")]
    assert await _authority(running, token, statement_id, version) == {"objectType": "Group", "member": members}


async def test_a_person_reads_what_their_app_wrote_for_them_and_nobody_elses(running: Zone) -> None:
    person = f"u-{uuid.uuid4()}"
    mine, others = EC.token(sub=person), EC.token(sub=f"{person}-other")
    own, foreign, of_app = await _post(running, mine), await _post(running, others), await _post(running, EC.token())
    listed = await _get(running, mine, limit="0")
    assert [one["id"] for one in listed.json()["statements"]] == [own]
    assert (await _get(running, mine, statementId=own)).status_code == 200
    for statement_id in (foreign, of_app):
        assert (await _get(running, mine, statementId=statement_id)).status_code == 404
    by_app = await _get(running, EC.token(), limit="0")
    assert {own, foreign, of_app} <= {one["id"] for one in by_app.json()["statements"]}


async def test_a_token_and_a_basic_credential_of_one_app_are_the_same_app(running: Zone) -> None:
    statement_id = await _post(running, RSA.token(azp="drill-b", sub="drill-b"))
    assert (await _get(running, EC.token(azp="drill-b", sub="drill-b"), statementId=statement_id)).status_code == 200
    assert (await _get(running, EC.token(), statementId=statement_id)).status_code == 404


async def test_a_token_is_refused_what_it_has_no_scope_for(running: Zone) -> None:
    answer = await _ask(running, "POST", RSA.token(scope="statements/read"), json=[])
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert answer.headers["WWW-Authenticate"].endswith('scope="statements/write"')
    answer = await _get(running, RSA.token(scope="statements/write"))
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    answer = await _get(running, RSA.token(scope="openid email"))
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")


async def test_expired_early_and_foreign_tokens_are_told_what_is_wrong(running: Zone) -> None:
    now = time.time()
    _claims_wrong(await _get(running, RSA.token(exp=now - 31)), "expired")
    _claims_wrong(await _get(running, RSA.token(nbf=now + 300)), "not valid yet")
    _claims_wrong(await _get(running, RSA.token(aud="https://elsewhere.example.jp")), "another audience")
    _claims_wrong(await _get(running, RSA.token(iss="https://elsewhere.example.jp")), "another issuer")
    _claims_wrong(await _get(running, RSA.token(azp="No App")), "app")


async def test_a_clock_that_is_off_by_less_than_the_leeway_does_no_harm(running: Zone) -> None:
    now = time.time()
    assert (await _get(running, RSA.token(exp=now - 10))).status_code == 200
    assert (await _get(running, RSA.token(iat=now + 20, nbf=now + 20))).status_code == 200


async def test_forged_tokens_are_refused(running: Zone) -> None:
    for head, secret in (
        ({"alg": "none"}, b""),
        ({"alg": "none", "kid": "rsa"}, b"x"),
        ({"alg": "HS256", "kid": "rsa"}, RSA.pem()),
        ({"alg": "HS256", "kid": "rsa"}, RSA.pem().strip()),
        ({"alg": "HS256", "kid": "rsa"}, key_set(RSA.jwk())),
        ({"alg": "RS256", "kid": "rsa"}, RSA.pem()),
        ({"alg": "RS256", "kid": "rsa", "jwk": signer("RS256", "mine").jwk()}, b"x"),
    ):
        answer = await _get(running, forged(head, claims(), secret))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    unsigned = forged({"alg": "none"}, claims()).rpartition(".")[0] + "."
    assert (await _get(running, unsigned)).status_code == 401
    own_key = signer("RS256", "mine").token(head={"kid": "rsa", "jwk": signer("RS256", "mine").jwk()})
    assert (await _get(running, own_key)).status_code == 401


@pytest.mark.parametrize(
    "token",
    [b"x", b"a.b.c", b"\xff\xfe", b'"', b"a b", b"W1tb" * 2000 + b".e30.e30", b"a." + b"b" * 20_000 + b".c"],
)
async def test_what_is_no_token_is_a_401(running: Zone, token: bytes) -> None:
    assert (await _get(running, token)).status_code == 401


async def test_a_new_key_is_used_as_soon_as_a_token_names_it(running: Zone) -> None:
    fresh = signer("EdDSA", f"fresh-{next(_kids)}")
    _claims_wrong(await _get(running, fresh.token()), "does not publish")
    running.issuer.publish(RSA, EC, fresh)
    token = fresh.token()

    async def accepted() -> bool:
        return (await _get(running, token)).status_code == 200

    await eventually(accepted)


async def test_a_withdrawn_key_ends_the_tokens_that_it_signed(running: Zone) -> None:
    token = RSA.token(jti=str(uuid.uuid4()))
    assert (await _get(running, token)).status_code == 200
    running.issuer.publish(EC)

    async def refused() -> bool:
        return (await _get(running, token)).status_code == 401

    await eventually(refused)
    assert (await _get(running, EC.token())).status_code == 200


async def test_however_many_tokens_name_unknown_keys_the_issuer_is_asked_at_its_own_pace(running: Zone) -> None:
    before, began = running.issuer.fetches, time.monotonic()
    for number in range(100):
        assert (await _get(running, EC.token(head={"kid": f"unknown-{number}"}))).status_code == 401
    spent = time.monotonic() - began
    assert running.issuer.fetches - before <= spent / 0.1 + 2


async def test_while_the_issuer_is_away_known_keys_do_and_unknown_ones_wait(running: Zone) -> None:
    running.issuer.go_away()
    before = running.issuer.fetches

    async def noticed() -> bool:
        answer = await _get(running, EC.token(head={"kid": "unknown"}))
        return answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1

    await eventually(noticed)
    assert running.issuer.fetches > before
    assert (await _get(running, EC.token(jti=str(uuid.uuid4())))).status_code == 200
    running.issuer.come_back()

    async def back() -> bool:
        return (await _get(running, EC.token(head={"kid": "unknown"}))).status_code == 401

    await eventually(back)


async def test_a_redirect_of_the_keys_is_not_followed(running: Zone) -> None:
    fresh = signer("EdDSA", f"fresh-{next(_kids)}")
    running.issuer.publish(RSA, EC, fresh)
    running.issuer.redirect(running.issuer.jwks_url + "-elsewhere")

    async def away() -> bool:
        return (await _get(running, EC.token(head={"kid": "unknown"}))).status_code == 503

    known = (await _get(running, fresh.token())).status_code == 200
    await eventually(away)
    assert known or (await _get(running, fresh.token())).status_code == 503


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"keys":[]}', b"[" * 100_000, b" " * 2_000_000])
async def test_nonsense_instead_of_keys_leaves_the_known_ones_in_use(running: Zone, body: bytes) -> None:
    running.issuer.show(body)

    async def noticed() -> bool:
        return (await _get(running, EC.token(head={"kid": "unknown"}))).status_code == 503

    await eventually(noticed)
    assert (await _get(running, EC.token(jti=str(uuid.uuid4())))).status_code == 200


async def test_no_metric_holds_anything_of_a_token(running: Zone) -> None:
    tokens = [EC.token(sub="person-in-metrics"), EC.token(exp=1), EC.token(head={"kid": "kid-in-metrics"})]
    for token in tokens:
        await _get(running, token)
    text = (await running.client.get("/metrics")).text
    assert 'ayumi_gateway_key_fetches_total{result="fetched"}' in text
    for token in tokens:
        assert not any(part in text for part in token.split("."))
    assert "in-metrics" not in text
