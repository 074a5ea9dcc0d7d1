"""Communication 3.3 and 4.0: versions of requests, and who may make them."""

from __future__ import annotations

import base64
import json

import httpx
import pytest

from tests.conformance.lrs import Lrs, Zone, refusal
from tests.conformance.statements import iri, learner, new_id, statement

RESOURCES = {
    "statements": {"statementId": new_id()},
    "activities": {"activityId": iri()},
    "activities/profile": {"activityId": iri(), "profileId": "a"},
    "activities/state": {"activityId": iri(), "agent": json.dumps(learner()), "stateId": "a"},
    "agents": {"agent": json.dumps(learner())},
    "agents/profile": {"agent": json.dumps(learner()), "profileId": "a"},
}
METHODS = {
    "statements": ["GET", "PUT", "POST"],
    "activities": ["GET"],
    "activities/profile": ["GET", "PUT", "POST", "DELETE"],
    "activities/state": ["GET", "PUT", "POST", "DELETE"],
    "agents": ["GET"],
    "agents/profile": ["GET", "PUT", "POST", "DELETE"],
}
EACH = pytest.mark.parametrize(("resource", "method"), [(one, method) for one in METHODS for method in METHODS[one]])


def ask(stranger: httpx.Client, resource: str, method: str, headers: dict[str, str]) -> httpx.Response:
    """A request with these headers only."""
    parameters = {} if (resource, method) == ("statements", "POST") else RESOURCES[resource]
    return stranger.request(method, f"/xAPI/{resource}", params=parameters, headers=headers, json=statement())


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


# --- 3.3: versions ---


@EACH
def test_a_request_in_no_known_version_is_refused_on_every_resource(
    place: Zone, stranger: httpx.Client, resource: str, method: str
) -> None:
    for version in (None, "", "0.9", "0.95", "1", "1.1.0", "2.1.0", "3.0.0", "latest"):
        headers = basic(*place.drill) | ({} if version is None else {"X-Experience-API-Version": version})
        answer = ask(stranger, resource, method, headers)
        assert refusal(answer)["path"] == "X-Experience-API-Version"


def test_a_request_without_a_version_is_answered_in_the_one_that_every_client_takes(
    place: Zone, stranger: httpx.Client
) -> None:
    answer = ask(stranger, "statements", "GET", basic(*place.drill))
    assert answer.headers["X-Experience-API-Version"] == "0.95"


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        ("1.0", "1.0.3"),
        ("1.0.0", "1.0.3"),
        ("1.0.1", "1.0.3"),
        ("1.0.2", "1.0.3"),
        ("1.0.3", "1.0.3"),
        ("1.0.9", "1.0.3"),
        ("2.0", "2.0.0"),
        ("2.0.0", "2.0.0"),
        ("2.0.7", "2.0.0"),
    ],
)
def test_every_patch_of_1_0_and_2_0_is_spoken_and_answered_with_the_latest(lrs: Lrs, given: str, answered: str) -> None:
    answer = lrs.ask("GET", "statements", params={"limit": "1"}, headers={"X-Experience-API-Version": given})
    assert (answer.status_code, answer.headers["X-Experience-API-Version"]) == (200, answered)


# --- 4.0: authentication ---


def denied(stranger: httpx.Client, resource: str, method: str, version: str, authorization: dict[str, str]) -> None:
    answer = ask(stranger, resource, method, {**authorization, "X-Experience-API-Version": version})
    assert answer.status_code == 401, authorization
    assert answer.headers["WWW-Authenticate"]
    assert answer.headers["X-Experience-API-Version"] == version


@EACH
@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_without_a_valid_credential_every_resource_is_a_401(
    place: Zone, stranger: httpx.Client, resource: str, method: str, version: str
) -> None:
    for authorization in ({}, basic("foo", "bar"), basic(place.drill[0], "bar")):
        denied(stranger, resource, method, version, authorization)


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_nothing_but_key_and_secret_in_the_form_of_basic_is_a_valid_credential(
    place: Zone, stranger: httpx.Client, version: str
) -> None:
    key, secret = place.drill
    encoded = base64.b64encode(f"{key}:{secret}".encode()).decode()
    for authorization in (
        basic(key, secret + "x"),
        basic(secret, key),
        basic(key, ""),
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(key.encode()).decode()},
        {"Authorization": f"Bearer {encoded}"},
        {"Authorization": encoded},
        {"Authorization": f"{key}:{secret}"},
    ):
        denied(stranger, "statements", "GET", version, authorization)


def test_what_came_without_a_credential_is_not_stored(lrs: Lrs, stranger: httpx.Client) -> None:
    whole = statement(id=new_id())
    answer = stranger.post("/xAPI/statements", json=whole, headers={"X-Experience-API-Version": lrs.version})
    assert answer.status_code == 401
    assert lrs.ask("GET", "statements", params={"statementId": whole["id"]}).status_code == 404


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_the_name_of_the_scheme_is_case_insensitive(lrs: Lrs, place: Zone, stranger: httpx.Client, scheme: str) -> None:
    authorization = basic(*place.drill)["Authorization"].replace("Basic", scheme)
    headers = {"Authorization": authorization, "X-Experience-API-Version": lrs.version}
    answer = stranger.get("/xAPI/statements", params={"limit": "1"}, headers=headers)
    assert answer.status_code == 200
