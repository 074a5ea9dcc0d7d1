"""What one app wrote, no other app sees, unless its scope says so: every way of asking for statements, both versions.

What a reader may not see must answer as what does not exist.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from lrs.api.gateway.cursors import write_cursor
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.statements.agents import agent_key
from lrs.kernel.statements.relations import about_agent
from lrs.kernel.statements.shapes import Account, Agent
from lrs.store.archive import Cursor, StatementFilter
from tests.support.tenants import (
    ACTIVITY,
    AGENT,
    BLIND,
    FILE,
    LISTS,
    MARK,
    NARROW,
    PARENT,
    SPY,
    VERSIONS,
    WIDE,
    WRITER,
    Tenants,
    attachment,
    marked,
    own,
    sees,
    tenants_of,
    void,
)

LISTED = {"attached", "plain", "other", "void"}


@pytest.fixture(scope="module")
def tenants(broker: BrokerSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenants]:
    with tenants_of(broker, tmp_path_factory.mktemp("zone")) as running:
        yield running


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=NARROW)
def narrow(request: pytest.FixtureRequest, tenants: Tenants, version: str) -> httpx.Client:
    """A client of another app that may read its own only."""
    return tenants.client(request.param, version)


@pytest.fixture(params=WIDE)
def wide(request: pytest.FixtureRequest, tenants: Tenants, version: str) -> httpx.Client:
    """A client of another app that may read every app's statements."""
    return tenants.client(request.param, version)


@pytest.fixture(params=BLIND)
def blind(request: pytest.FixtureRequest, tenants: Tenants, version: str) -> httpx.Client:
    """A client that may read no statement at all."""
    return tenants.client(request.param, version)


# --- statements ---


@pytest.mark.parametrize("parameter", ["statementId", "voidedStatementId"])
@pytest.mark.parametrize("more", [{}, {"attachments": "true"}, {"format": "ids"}])
def test_by_id_a_foreign_statement_is_answered_as_one_that_does_not_exist(
    narrow: httpx.Client, tenants: Tenants, parameter: str, more: dict[str, str]
) -> None:
    nobodys = narrow.get("/xAPI/statements", params={parameter: str(uuid.uuid4()), **more})
    assert nobodys.status_code == 404
    for statement_id in tenants.ids.values():
        answer = narrow.get("/xAPI/statements", params={parameter: statement_id, **more})
        assert (answer.status_code, answer.content) == (nobodys.status_code, nobodys.content)
        assert narrow.head("/xAPI/statements", params={parameter: statement_id, **more}).status_code == 404


@pytest.mark.parametrize("filters", LISTS)
def test_no_list_has_a_foreignmarked(narrow: httpx.Client, tenants: Tenants, filters: str) -> None:
    answer = narrow.get("/xAPI/statements", params=LISTS[filters])
    assert answer.status_code == 200
    assert sees(answer.text, tenants) == set()
    assert MARK not in answer.text


@pytest.mark.parametrize("filters", LISTS)
def test_the_same_lists_show_a_wide_scope_what_was_written(wide: httpx.Client, tenants: Tenants, filters: str) -> None:
    answer = wide.get("/xAPI/statements", params=LISTS[filters])
    assert answer.status_code == 200
    assert sees(answer.text, tenants) & LISTED


def test_a_wide_scope_reads_each_by_id_and_the_file(wide: httpx.Client, tenants: Tenants) -> None:
    for name in LISTED:
        assert wide.get("/xAPI/statements", params={"statementId": tenants.ids[name]}).status_code == 200
    assert wide.get("/xAPI/statements", params={"statementId": tenants.ids["gone"]}).status_code == 404
    assert wide.get("/xAPI/statements", params={"voidedStatementId": tenants.ids["gone"]}).status_code == 200
    params = {"statementId": tenants.ids["attached"], "attachments": "true"}
    assert FILE in wide.get("/xAPI/statements", params=params).content


def test_without_a_reading_scope_every_read_is_the_same_403(blind: httpx.Client, tenants: Tenants) -> None:
    asked: list[dict[str, str]] = [{"statementId": one} for one in tenants.ids.values()]
    asked += [{"voidedStatementId": tenants.ids["gone"]}, {"statementId": str(uuid.uuid4())}, {}, *LISTS.values()]
    answers = [blind.get("/xAPI/statements", params=params) for params in asked]
    answers.append(blind.get(f"{tenants.url}/xAPI/statements?{urlsplit(tenants.more).query}"))
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["error"] == "insufficient_scope"


def test_the_more_link_of_another_app_gives_nothing_of_it(narrow: httpx.Client, tenants: Tenants) -> None:
    answer = narrow.get(f"/xAPI/statements?{urlsplit(tenants.more).query}")
    assert MARK not in answer.text
    assert sees(answer.text, tenants) == set()


def test_a_more_link_that_anybody_can_write_gives_nothing_foreign(narrow: httpx.Client, tenants: Tenants) -> None:
    [parameter] = parse_qs(urlsplit(tenants.more).query)
    behind_all = Cursor(4_000_000_000_000, 0, 0)
    conditions = about_agent(agent_key(Agent(account=Account(**AGENT["account"]))), related=True, app="drill-a")
    for wanted in (StatementFilter(limit=100, app="drill-a"), StatementFilter((conditions,), limit=100)):
        token = write_cursor(wanted, behind_all, format="exact", attachments=True)
        answer = narrow.get("/xAPI/statements", params={parameter: token})
        assert answer.status_code == 200
        assert MARK not in answer.text
        assert sees(answer.text, tenants) == set()


def test_a_page_of_ones_own_goes_on_with_ones_own(tenants: Tenants, version: str) -> None:
    client = tenants.client(SPY, version)
    sent = [own() for _ in range(5)]
    assert client.post("/xAPI/statements", json=sent).status_code == 200
    found: set[str] = set()
    page = client.get("/xAPI/statements", params={"limit": "2"}).json()
    while True:
        found |= {one["id"] for one in page["statements"]}
        if not page["more"]:
            break
        page = client.get(f"/xAPI/statements?{urlsplit(page['more']).query}").json()
    assert {one["id"] for one in sent} <= found
    assert not found & set(tenants.ids.values())


def test_a_reference_does_not_tell_whether_its_foreign_target_matches(tenants: Tenants, version: str) -> None:
    client = tenants.client(SPY, version)
    reference: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:spy@board.example.jp"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/commented"},
        "object": {"objectType": "StatementRef", "id": tenants.ids["plain"]},
    }
    assert client.post("/xAPI/statements", json=reference).status_code == 200
    for filters in ("verb", "agent", "activity", "registration", "activity anywhere", "agent anywhere"):
        answer = client.get("/xAPI/statements", params=LISTS[filters])
        assert reference["id"] not in answer.text, filters


def test_an_app_voids_nothing_that_another_wrote(tenants: Tenants, version: str) -> None:
    writer, other = tenants.client(WRITER, version), tenants.client(SPY, version)
    target = marked()
    assert writer.post("/xAPI/statements", json=target).status_code == 200
    other.post("/xAPI/statements", json=void(target["id"]))
    assert writer.get("/xAPI/statements", params={"statementId": target["id"]}).status_code == 200
    assert target["id"] in writer.get("/xAPI/statements", params={"limit": "20"}).text
    assert writer.post("/xAPI/statements", json=void(target["id"])).status_code == 200
    assert writer.get("/xAPI/statements", params={"statementId": target["id"]}).status_code == 404


def test_an_id_that_another_app_has_is_a_409_which_tells_no_more_than_that(
    narrow: httpx.Client, tenants: Tenants
) -> None:
    # Ids are the zone's: two statements of one id cannot be, whoever wrote the first. This cannot be hidden.
    may_write = narrow.post("/xAPI/statements", json=own()).status_code == 200
    answer = narrow.post("/xAPI/statements", json=own(id=tenants.ids["plain"]))
    assert answer.status_code == (409 if may_write else 403)
    assert MARK not in answer.text
    assert "drill-a" not in answer.text


def test_declaring_the_hash_of_a_foreign_file_does_not_give_it(tenants: Tenants, version: str) -> None:
    client = tenants.client(SPY, version)
    assert client.post("/xAPI/statements", json=own(attachments=[attachment()])).status_code == 400
    spying = own(attachments=[attachment(fileUrl="https://elsewhere.example.jp/file")])
    assert client.post("/xAPI/statements", json=spying).status_code == 200
    answer = client.get("/xAPI/statements", params={"statementId": spying["id"], "attachments": "true"})
    assert answer.status_code == 200
    assert spying["id"] in answer.text
    assert FILE not in answer.content


# --- activities and agents ---


def test_a_foreign_definition_is_not_shown(narrow: httpx.Client, version: str) -> None:
    for activity in (ACTIVITY, PARENT):
        answer = narrow.get("/xAPI/activities", params={"activityId": activity})
        unknown = narrow.get("/xAPI/activities", params={"activityId": f"{activity}-nobodys"})
        assert answer.status_code == unknown.status_code
        assert MARK not in answer.text
        assert answer.text.replace(activity, "") == unknown.text.replace(f"{activity}-nobodys", ""), version


def test_a_foreign_name_of_an_agent_is_not_shown(narrow: httpx.Client) -> None:
    answer = narrow.get("/xAPI/agents", params={"agent": json.dumps(AGENT)})
    assert answer.status_code == 200
    assert MARK not in answer.text


def test_a_wide_scope_is_shown_definitions_and_names(wide: httpx.Client) -> None:
    assert MARK in wide.get("/xAPI/activities", params={"activityId": ACTIVITY}).text
    assert MARK in wide.get("/xAPI/agents", params={"agent": json.dumps(AGENT)}).text


def test_without_a_reading_scope_there_are_no_activities_and_agents(blind: httpx.Client) -> None:
    assert blind.get("/xAPI/activities", params={"activityId": ACTIVITY}).status_code == 403
    assert blind.get("/xAPI/agents", params={"agent": json.dumps(AGENT)}).status_code == 403


def test_the_alternate_syntax_reads_no_more_than_the_plain_one(narrow: httpx.Client, tenants: Tenants) -> None:
    form = {"X-Experience-API-Version": narrow.headers["X-Experience-API-Version"]}
    for params in ({"statementId": tenants.ids["plain"]}, {"voidedStatementId": tenants.ids["gone"]}):
        answer = narrow.post("/xAPI/statements", params={"method": "GET"}, data={**form, **params})
        assert answer.status_code in {400, 404}  # 2.0 has no alternate syntax
        assert MARK not in answer.text
    answer = narrow.post("/xAPI/statements", params={"method": "GET"}, data=form)
    assert MARK not in answer.text
