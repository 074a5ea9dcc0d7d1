"""GET of agents over HTTP: a Person for everybody, with the names that the caller may see."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from lrs.kernel.settings import BrokerSettings
from processors.topic_admin import ensure_topics
from tests.support.broker import complete, new_zone_name
from tests.support.document_zone import Zone, document_zone, ready

AGENTS = "/xAPI/agents"


@pytest.fixture(scope="module")
def zone_of_apps(broker: BrokerSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zone]:
    name = new_zone_name()
    complete(ensure_topics(broker, name))
    with document_zone(broker, name, tmp_path_factory.mktemp("zone")) as running:
        yield running


@pytest.fixture(params=["1.0.3", "2.0.0"])
def version(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
async def app(zone_of_apps: Zone, version: str) -> AsyncIterator[httpx.AsyncClient]:
    async with zone_of_apps.client("drill-a", version) as client:
        await ready(client)
        yield client


def _account() -> dict[str, Any]:
    return {"homePage": "https://board.example.jp", "name": str(uuid.uuid4())}


async def _send(client: httpx.AsyncClient, actor: dict[str, Any]) -> None:
    statement = {"actor": actor, "verb": {"id": "https://a.example/v"}, "object": {"id": "https://a.example/1"}}
    answer = await client.post("/xAPI/statements", json=statement)
    assert answer.status_code == 200, answer.text


async def _person(client: httpx.AsyncClient, agent: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    answer = await client.get(AGENTS, params={"agent": json.dumps(agent)})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mbox", "mailto:a@board.example.jp"),
        ("mbox_sha1sum", "a" * 40),
        ("openid", "https://a.example/1"),
        ("account", {"homePage": "https://a.example", "name": "1"}),
    ],
)
async def test_an_agent_that_nobody_knows_is_a_person_with_what_was_asked(
    app: httpx.AsyncClient, name: str, value: object
) -> None:
    assert await _person(app, {name: value}) == {"objectType": "Person", name: [value]}
    asked = {"objectType": "Agent", "name": "花子", name: value}
    assert await _person(app, asked) == {"objectType": "Person", "name": ["花子"], name: [value]}


async def test_names_that_were_sent_are_there_at_once_each_once_the_latest_first(app: httpx.AsyncClient) -> None:
    account = _account()
    for name in ("花子", "Hanako", "花子"):
        await _send(app, {"account": account, "name": name})
    await _send(app, {"account": account})
    assert await _person(app, {"account": account, "name": "はなこ"}) == {
        "objectType": "Person",
        "name": ["花子", "Hanako", "はなこ"],
        "account": [account],
    }


async def test_names_of_other_apps_are_seen_only_by_who_may_read_them(zone_of_apps: Zone, version: str) -> None:
    account = _account()
    async with zone_of_apps.client("drill-a", version) as mine, zone_of_apps.client("drill-b", version) as theirs:
        await ready(mine)
        await _send(mine, {"account": account, "name": "一"})
        assert "name" not in await _person(theirs, {"account": account})
        await _send(theirs, {"account": account, "name": "二"})
        assert (await _person(mine, {"account": account}))["name"] == ["一"]
    async with zone_of_apps.client("reader", version) as reader, zone_of_apps.client("states", version) as states:
        assert sorted((await _person(reader, {"account": account}))["name"]) == ["一", "二"]
        assert (await states.get(AGENTS, params={"agent": json.dumps({"account": account})})).status_code == 403


async def test_a_person_has_a_tag_and_head_answers_like_get(app: httpx.AsyncClient) -> None:
    params = {"agent": json.dumps({"account": _account()})}
    get, head = await app.get(AGENTS, params=params), await app.head(AGENTS, params=params)
    assert get.headers["ETag"] == head.headers["ETag"] == f'"{hashlib.sha1(get.content).hexdigest()}"'  # noqa: S324
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(get.content))


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({}, "agent"),
        ({"agent": ""}, "agent"),
        ({"agent": "not JSON"}, "agent"),
        ({"agent": '{"name":"Rick James","objectType":"Agent"}'}, "agent"),
        ({"agent": '{"objectType":"Group","mbox":"mailto:a@b.jp"}'}, "agent.objectType"),
        ({"agent": '{"mbox":["mailto:a@b.jp"]}'}, "agent.mbox"),
        ({"agent": '{"mbox":"mailto:a@b.jp"}', "format": "exact"}, "format"),
        ({"Agent": '{"mbox":"mailto:a@b.jp"}'}, "Agent"),
    ],
)
async def test_what_asks_for_no_agent_is_a_400_that_names_the_parameter(
    app: httpx.AsyncClient, params: dict[str, str], path: str
) -> None:
    answer = await app.get(AGENTS, params=params)
    assert (answer.status_code, answer.json()["path"]) == (400, path)
    assert answer.json()["rule"]


async def test_agents_can_only_be_read(app: httpx.AsyncClient) -> None:
    for method in ("PUT", "POST", "DELETE"):
        assert (await app.request(method, AGENTS)).status_code == 405
