"""Documents belong to the app that wrote them, and a write needs its scope."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from lrs.kernel.settings import BrokerSettings
from tests.support.tenants import DOCUMENTS, MARK, VERSIONS, WRITER, Tenants, own, parcel, tenants_of


@pytest.fixture(scope="module")
def tenants(broker: BrokerSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenants]:
    with tenants_of(broker, tmp_path_factory.mktemp("zone")) as running:
        yield running


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _list_of(named: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in named.items() if name not in {"stateId", "profileId"}}


def _documents_scope(client: httpx.Client, path: str) -> bool:
    return client.get(path, params=_list_of(DOCUMENTS[path])).status_code == 200


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("reader", ["default", "mine and documents", "all its own", "statements and documents"])
def test_a_foreign_document_is_as_one_that_does_not_exist(
    tenants: Tenants, version: str, reader: str, path: str
) -> None:
    named = DOCUMENTS[path]
    client = tenants.client(reader, version)
    for method in ("GET", "HEAD"):
        assert client.request(method, path, params=named).status_code == 404
    assert client.get(path, params=_list_of(named)).json() == []
    assert client.get(path, params={**_list_of(named), "since": "2020-01-01T00:00:00Z"}).json() == []
    # Made as if nobody had it, and gone again without touching the other one.
    made = client.put(path, params=named, json={"own": True}, headers={"If-None-Match": "*"})
    assert made.status_code == 204
    assert client.get(path, params=named).json() == {"own": True}
    assert client.post(path, params=named, json={"more": True}).status_code == 204
    assert client.get(path, params=named).json() == {"own": True, "more": True}
    assert client.request("DELETE", path, params=named).status_code == 204
    if path == "/xAPI/activities/state":
        assert client.request("DELETE", path, params=_list_of(named)).status_code == 204
    assert client.get(path, params=named).status_code == 404
    writer = tenants.client(WRITER, version)
    assert writer.get(path, params=named).json() == {"secret": MARK}


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("reader", ["all/read", "all"])
def test_the_scopes_that_read_all_read_every_apps_documents(
    tenants: Tenants, version: str, reader: str, path: str
) -> None:
    named = DOCUMENTS[path]
    client = tenants.client(reader, version)
    assert client.get(path, params=named).json() == {"secret": MARK}
    [document_id] = set(named.values()) - set(_list_of(named).values())
    assert document_id in client.get(path, params=_list_of(named)).json()


@pytest.mark.parametrize("path", DOCUMENTS)
def test_what_reads_all_writes_over_nobody(tenants: Tenants, version: str, path: str) -> None:
    named = DOCUMENTS[path]
    client = tenants.client("all/read", version)
    for method in ("PUT", "POST", "DELETE"):
        answer = client.request(method, path, params=named, json={"other": 1}, headers={"If-None-Match": "*"})
        assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    client = tenants.client("all", version)
    assert client.put(path, params=named, json={"other": 1}, headers={"If-None-Match": "*"}).status_code == 204
    assert client.get(path, params=named).json() == {"other": 1}
    assert client.request("DELETE", path, params=named).status_code == 204
    assert client.get(path, params=named).json() == {"secret": MARK}


@pytest.mark.parametrize(
    ("reader", "allowed"),
    [
        ("mine", set()),
        ("statements", set()),
        ("writer", set()),
        ("state", {"/xAPI/activities/state"}),
        ("profile", {"/xAPI/activities/profile", "/xAPI/agents/profile"}),
    ],
)
def test_documents_need_the_scope_of_their_kind(tenants: Tenants, reader: str, allowed: set[str]) -> None:
    client = tenants.client(reader)
    for path, named in DOCUMENTS.items():
        expected = 404 if path in allowed else 403
        assert client.get(path, params=named).status_code == expected
        if path not in allowed:
            assert client.get(path, params=_list_of(named)).status_code == 403
            assert client.request("DELETE", path, params=named).status_code == 403
            assert client.put(path, params=named, json={}).status_code == 403


# --- writing ---


@pytest.mark.parametrize("reader", ["mine", "statements", "all/read", "state", "profile"])
def test_without_the_scope_no_statement_is_taken(tenants: Tenants, reader: str) -> None:
    client = tenants.client(reader)
    one = own()
    answers = [client.post("/xAPI/statements", json=one)]
    answers.append(client.put("/xAPI/statements", params={"statementId": one["id"]}, json=one))
    answers.append(client.post("/xAPI/statements", content=parcel(one)[0], headers=parcel(one)[1]))
    form = {"X-Experience-API-Version": "1.0.3", "Content-Type": "application/json", "content": json.dumps(one)}
    answers.append(client.post("/xAPI/statements", params={"method": "PUT"}, data={**form, "statementId": one["id"]}))
    assert [answer.status_code for answer in answers] == [403] * 4
    assert {answer.json()["error"] for answer in answers} == {"insufficient_scope"}
    writer = tenants.client(WRITER)
    assert writer.put("/xAPI/statements", params={"statementId": one["id"]}, json=one).status_code == 204
