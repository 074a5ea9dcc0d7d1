"""The parameters of the document resources, and the Agent that some of them are about."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from lrs.api.gateway.agent_parameter import read_agent
from lrs.api.gateway.answers import HttpError
from lrs.api.gateway.document_parameters import Asked, read_document_parameters
from lrs.kernel.statements.agents import agent_key
from lrs.store.registry.documents import Context, DocumentKind

AGENT = json.dumps({"objectType": "Agent", "account": {"homePage": "https://board.example.jp", "name": "児童1"}})
AGENT_KEY = "account\x1fhttps://board.example.jp\x1f児童1"
ACTIVITY = "https://drill.example.jp/items/1"
REGISTRATION = "6fa459ea-ee8a-3ca4-894e-db77e160355e"
STATE = {"activityId": ACTIVITY, "agent": AGENT, "stateId": "bookmark"}
GIVEN = {
    DocumentKind.STATE: STATE,
    DocumentKind.ACTIVITY_PROFILE: {"activityId": ACTIVITY, "profileId": "p"},
    DocumentKind.AGENT_PROFILE: {"agent": AGENT, "profileId": "p"},
}
KINDS = list(DocumentKind)
METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"]


def _read(kind: DocumentKind, method: str, **given: str) -> Asked:
    return read_document_parameters(kind, method, urlencode(given).encode())


def _refused(kind: DocumentKind, method: str, query: bytes | dict[str, str]) -> HttpError:
    raw = urlencode(query).encode() if isinstance(query, dict) else query
    with pytest.raises(HttpError) as caught:
        read_document_parameters(kind, method, raw)
    assert caught.value.status == 400
    assert caught.value.rule
    return caught.value


@pytest.mark.parametrize("method", METHODS)
def test_one_document_is_named_by_all_that_it_is_about(method: str) -> None:
    registration = bytes.fromhex(REGISTRATION.replace("-", ""))
    asked = _read(DocumentKind.STATE, method, **STATE, registration=REGISTRATION.upper())
    assert asked == Asked(Context(DocumentKind.STATE, ACTIVITY, AGENT_KEY, registration), "bookmark")
    asked = _read(DocumentKind.ACTIVITY_PROFILE, method, activityId=ACTIVITY, profileId="プロフィール")
    assert asked == Asked(Context(DocumentKind.ACTIVITY_PROFILE, ACTIVITY), "プロフィール")
    asked = _read(DocumentKind.AGENT_PROFILE, method, agent=AGENT, profileId="a/b?c=&\x00")
    assert asked == Asked(Context(DocumentKind.AGENT_PROFILE, agent_key=AGENT_KEY), "a/b?c=&\x00")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_what_a_document_is_about_is_required(kind: DocumentKind, method: str) -> None:
    for name in GIVEN[kind].keys() - {"stateId", "profileId"}:
        left = {key: value for key, value in GIVEN[kind].items() if key != name}
        assert _refused(kind, method, left).path == name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_all_of_a_context_can_be_listed_and_only_states_deleted_together(kind: DocumentKind, method: str) -> None:
    id_name = "stateId" if kind is DocumentKind.STATE else "profileId"
    left = {key: value for key, value in GIVEN[kind].items() if key != id_name}
    if method in {"GET", "HEAD"} or (method == "DELETE" and kind is DocumentKind.STATE):
        assert _read(kind, method, **left).document_id is None
    else:
        assert _refused(kind, method, left).path == id_name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["registration", "since", "stateid", "StateId", "profileID", "format", "", "x" * 500])
def test_a_parameter_that_a_resource_has_not_is_refused(kind: DocumentKind, name: str) -> None:
    if kind is DocumentKind.STATE and name == "registration":
        return
    assert _refused(kind, "PUT", {**GIVEN[kind], name: "x"}).path == (name[:80] or "query")


def test_a_registration_is_of_states_only_and_an_id_of_its_own_resource() -> None:
    assert _refused(DocumentKind.STATE, "GET", {**STATE, "profileId": "p"}).path == "profileId"
    assert _refused(DocumentKind.AGENT_PROFILE, "GET", {"agent": AGENT, "stateId": "s"}).path == "stateId"
    assert _refused(DocumentKind.AGENT_PROFILE, "GET", {"agent": AGENT, "activityId": ACTIVITY}).path == "activityId"


def test_since_is_of_lists_only() -> None:
    left = {"activityId": ACTIVITY, "agent": AGENT}
    asked = _read(DocumentKind.STATE, "GET", **left, since="2026-04-01T09:00:00.123+09:00")
    assert asked.since_ms == 1_775_001_600_123
    for method, given in (("DELETE", left), ("GET", STATE), ("POST", STATE)):
        assert _refused(DocumentKind.STATE, method, {**given, "since": "2026-04-01T00:00:00Z"}).path == "since"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("activityId", "items/1"),
        ("activityId", "true"),
        ("registration", "true"),
        ("registration", REGISTRATION[:-1]),
        ("registration", "{" + REGISTRATION + "}"),
        ("stateId", ""),
        ("activityId", ""),
        ("agent", ""),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_a_malformed_value_is_refused_by_name(method: str, name: str, value: str) -> None:
    assert _refused(DocumentKind.STATE, method, {**STATE, name: value}).path == name


@pytest.mark.parametrize(
    "value", ["true", "yesterday", "2026-04-01", "2026-04-01T00:00:00-00:00", "2026-04-01T09:00:00 09:00"]
)
def test_since_is_a_timestamp(value: str) -> None:
    for kind in KINDS:
        given = {key: one for key, one in GIVEN[kind].items() if key not in {"stateId", "profileId"}}
        assert _refused(kind, "GET", {**given, "since": value}).path == "since"


@pytest.mark.parametrize(
    ("query", "path"),
    [
        (b"stateId=a&stateId=b", "stateId"),
        (b"stateId=%ff", "query"),
        (b"stateId=%ed%a0%80", "query"),
        (b"stateId=\xff", "query"),
        (b"&".join(b"a%d=1" % number for number in range(60)), "query"),
        (b"stateId=" + b"x" * 70_000, "query"),
    ],
)
def test_a_query_string_that_is_none_or_repeats_itself_is_refused(query: bytes, path: str) -> None:
    assert _refused(DocumentKind.STATE, "GET", query).path == path


# --- the agent ---


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"mbox": "mailto:a@Example.com"}, "mbox\x1fmailto:a@example.com"),
        ({"mbox_sha1sum": "A" * 40, "name": "a"}, "mbox_sha1sum\x1f" + "a" * 40),
        ({"openid": "https://a.example/1", "objectType": "Agent"}, "openid\x1fhttps://a.example/1"),
        ({"account": {"homePage": "https://a.example", "name": "1"}}, "account\x1fhttps://a.example\x1f1"),
    ],
)
def test_an_agent_has_one_identifier(given: dict[str, Any], key: str) -> None:
    assert agent_key(read_agent(json.dumps(given))) == key


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("true", "agent"),
        ("not JSON", "agent"),
        ("[]", "agent"),
        ("null", "agent"),
        ("{}", "agent"),
        ('{"name":"a"}', "agent"),
        ('{"mbox":"mailto:a@b.c","openid":"https://a"}', "agent"),
        ('{"mbox":"mailto:a@b.c"', "agent"),
        ('{"mbox":"mailto:a@b.c"}x', "agent"),
        ('{"mbox":"a@b.c"}', "agent.mbox"),
        ('{"mbox":1}', "agent.mbox"),
        ('{"mbox":null}', "agent.mbox"),
        ('{"mbox":"mailto:a@b.c","mbox":"mailto:a@b.c"}', "agent.mbox"),
        ('{"mbox_sha1sum":"12"}', "agent.mbox_sha1sum"),
        ('{"openid":"a"}', "agent.openid"),
        ('{"account":{"name":"a"}}', "agent.account.homePage"),
        ('{"account":{"homePage":"a","name":"a"}}', "agent.account.homePage"),
        ('{"account":{"homePage":"https://a","name":"a","x":1}}', "agent.account.x"),
        ('{"objectType":"Group","mbox":"mailto:a@b.c"}', "agent.objectType"),
        ('{"objectType":"Person","mbox":["mailto:a@b.c"]}', "agent.objectType"),
        ('{"objectType":"agent","mbox":"mailto:a@b.c"}', "agent.objectType"),
        ('{"mbox":"mailto:a@b.c","member":[]}', "agent.member"),
        ('{"mbox":"mailto:a@b.c","name":"\\ud800"}', "agent"),
        ("[" * 100_000, "agent"),
        ('{"account":' * 100_000, "agent.account.account"),
    ],
)
def test_what_is_no_agent_is_refused_with_the_path_below_the_parameter(value: str, path: str) -> None:
    with pytest.raises(HttpError) as caught:
        read_agent(value)
    assert (caught.value.status, caught.value.path) == (400, path)
    assert "statement is" not in caught.value.rule
