"""Documents over HTTP, in both versions: what a client of either sees, and who wins when many write at once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from email.utils import parsedate_to_datetime
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from lrs.kernel.settings import BrokerSettings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.registry import Registry
from lrs.store.registry.documents import Context, DocumentKey, DocumentKind
from processors.topic_admin import ensure_topics
from tests.support.broker import complete, new_zone_name
from tests.support.document_zone import Zone, document_zone

STATE, ACTIVITY, AGENT = "/xAPI/activities/state", "/xAPI/activities/profile", "/xAPI/agents/profile"
RESOURCES = [STATE, ACTIVITY, AGENT]
OCTETS = {"Content-Type": "application/octet-stream"}
NEW = {"If-None-Match": "*"}


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
        yield client


@pytest.fixture(params=RESOURCES)
def resource(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def _params(resource: str, **changes: str) -> dict[str, str]:
    """The parameters of a new document in a new context."""
    agent = {"account": {"homePage": "https://board.example.jp", "name": f"児童 {uuid.uuid4()}"}}
    about = {"activityId": f"https://drill.example.jp/{uuid.uuid4()}", "agent": json.dumps(agent)}
    given = {
        STATE: {**about, "stateId": "しおり/1?"},
        ACTIVITY: {"activityId": about["activityId"], "profileId": "profile"},
        AGENT: {"agent": about["agent"], "profileId": "profile"},
    }
    return {**given[resource], **changes}


def _without_id(params: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in params.items() if name not in {"stateId", "profileId"}}


async def test_a_document_is_put_read_and_deleted(app: httpx.AsyncClient, resource: str, version: str) -> None:
    params, content = _params(resource), bytes(range(256))
    made = await app.put(resource, params=params, content=content, headers={**NEW, **OCTETS})
    assert (made.status_code, made.content) == (204, b"")
    found = await app.get(resource, params=params)
    assert (found.status_code, found.content) == (200, content)
    assert found.headers["Content-Type"] == "application/octet-stream"
    assert found.headers["ETag"] == made.headers["ETag"] == f'"{hashlib.sha1(content).hexdigest()}"'  # noqa: S324
    assert found.headers["X-Experience-API-Version"] == version
    assert parsedate_to_datetime(found.headers["Last-Modified"])
    head = await app.head(resource, params=params)
    assert (head.status_code, head.content) == (200, b"")
    assert (head.headers["ETag"], head.headers["Content-Length"]) == (found.headers["ETag"], "256")
    assert (await app.delete(resource, params=params)).status_code == 204
    assert (await app.get(resource, params=params)).status_code == 404
    assert (await app.head(resource, params=params)).status_code == 404


async def test_a_large_document_and_an_empty_one_come_back(app: httpx.AsyncClient, resource: str) -> None:
    for content in (random.Random(1).randbytes(1024 * 1024), b""):
        params = _params(resource)
        assert (await app.post(resource, params=params, content=content, headers=OCTETS)).status_code == 204
        assert (await app.get(resource, params=params)).content == content
    refused = await app.post(resource, params=_params(resource), content=bytes(1024 * 1024 + 1), headers=OCTETS)
    assert refused.status_code == 413


async def test_compressed_transfer_does_not_touch_a_document_or_its_tag(app: httpx.AsyncClient, resource: str) -> None:
    params, content = _params(resource), json.dumps({"a": "x" * 50_000}).encode()
    await app.post(resource, params=params, content=content, headers={"Content-Type": "application/json"})
    found = await app.get(resource, params=params, headers={"Accept-Encoding": "gzip, br, zstd"})
    assert found.content == content
    assert found.headers["ETag"] == f'"{hashlib.sha1(content).hexdigest()}"'  # noqa: S324
    put = await app.put(resource, params=params, content=b"{}", headers={"If-Match": found.headers["ETag"]})
    assert put.status_code == 204


async def test_json_objects_are_merged_on_the_top_level(app: httpx.AsyncClient, resource: str) -> None:
    params = _params(resource)
    for sent in ({"car": {"make": "Ford", "model": "Escape"}, "n": 1}, {"car": {"make": "Dodge"}, "m": None}):
        assert (await app.post(resource, params=params, json=sent)).status_code == 204
    assert (await app.get(resource, params=params)).json() == {"car": {"make": "Dodge"}, "n": 1, "m": None}
    before = (await app.get(resource, params=params)).headers
    for content, kind in ((b"abcdefg", "not/json"), (b"{}{", "application/json"), (b"[1]", "application/json")):
        answer = await app.post(resource, params=params, content=content, headers={"Content-Type": kind})
        assert answer.status_code == 400
        assert answer.json()["rule"]
    assert (await app.get(resource, params=params)).headers["ETag"] == before["ETag"]


async def test_a_form_without_the_method_parameter_is_a_document_like_any_other(app: httpx.AsyncClient) -> None:
    params, form = _params(STATE), {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await app.post(STATE, params=params, content=b"a=b", headers=form)).status_code == 204
    found = await app.get(STATE, params=params)
    assert (found.content, found.headers["Content-Type"]) == (b"a=b", form["Content-Type"])
    assert (await app.post(STATE, params=params, json={"a": 1})).status_code == 400


@pytest.mark.parametrize("version", ["1.0.3"])
async def test_the_alternate_syntax_reaches_documents_too(app: httpx.AsyncClient, zone_of_apps: Zone) -> None:
    params = _params(STATE)
    async with httpx.AsyncClient(base_url=zone_of_apps.url, auth=zone_of_apps.auth["drill-a"], timeout=60) as bare:

        async def ask(method: str, **fields: str) -> httpx.Response:
            form = {**params, "X-Experience-API-Version": "1.0.3", **fields}
            return await bare.post(f"{STATE}?method={method}", data=form)

        put = await ask("PUT", content="歩み", **{"Content-Type": "text/plain; charset=utf-8", **NEW})
        assert put.status_code == 204, put.text
        found = await ask("GET")
        assert (found.status_code, found.text) == (200, "歩み")
        assert (await ask("PUT", content="x", **NEW)).status_code == 412
        smuggled = await ask("PUT", content="x", **{"Content-Type": "text/plain\r\nX-A: b"})
        assert (smuggled.status_code, smuggled.json()["path"]) == (400, "Content-Type")
        assert (await ask("DELETE", **{"If-Match": found.headers["ETag"]})).status_code == 204
    assert (await app.get(STATE, params=params)).status_code == 404


_PUT = {
    # what a PUT without a condition is answered: on a new document, on an existing one
    ("1.0.3", STATE): (204, 204),
    ("1.0.3", ACTIVITY): (400, 409),
    ("1.0.3", AGENT): (400, 409),
    ("2.0.0", STATE): (204, 409),
    ("2.0.0", ACTIVITY): (204, 409),
    ("2.0.0", AGENT): (204, 409),
}


async def test_put_without_a_condition_does_what_the_version_says(
    app: httpx.AsyncClient, resource: str, version: str
) -> None:
    on_new, on_existing = _PUT[version, resource]
    params = _params(resource)
    answer = await app.put(resource, params=params, content=b"first")
    assert answer.status_code == on_new
    if on_new == 400:
        assert answer.json()["path"] == "If-None-Match"
        await app.put(resource, params=params, content=b"first", headers=NEW)
    answer = await app.put(resource, params=params, content=b"second")
    assert answer.status_code == on_existing
    if on_existing == 409:
        assert "If-Match" in answer.json()["rule"]
    found = await app.get(resource, params=params)
    assert found.content == (b"second" if on_existing == 204 else b"first")


async def test_every_method_heeds_if_match(app: httpx.AsyncClient, resource: str) -> None:
    params = _params(resource)
    await app.post(resource, params=params, json={"a": 1})
    tag = (await app.get(resource, params=params)).headers["ETag"]
    for method in ("PUT", "POST", "DELETE"):
        answer = await app.request(method, resource, params=params, json={"b": 2}, headers={"If-Match": '"1234"'})
        assert (answer.status_code, answer.json()["path"]) == (412, "If-Match")
    assert (await app.get(resource, params=params)).headers["ETag"] == tag
    for method in ("PUT", "POST", "DELETE"):
        tag = (await app.get(resource, params=params)).headers["ETag"]
        answer = await app.request(method, resource, params=params, json={"b": 2}, headers={"If-Match": tag})
        assert answer.status_code == 204
    assert (await app.get(resource, params=params)).status_code == 404


async def test_who_has_a_document_is_told_that_it_did_not_change(app: httpx.AsyncClient, resource: str) -> None:
    params = _params(resource)
    await app.post(resource, params=params, json={"a": 1})
    tag = (await app.get(resource, params=params)).headers["ETag"]
    for method in ("GET", "HEAD"):
        answer = await app.request(method, resource, params=params, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
        assert "Content-Length" not in answer.headers
    # The connection is still in step.
    assert (await app.get(resource, params=params)).json() == {"a": 1}


async def test_lists_have_the_ids_of_a_context_since_a_moment(app: httpx.AsyncClient, resource: str) -> None:
    params = _params(resource)
    id_name = "stateId" if resource == STATE else "profileId"
    about = _without_id(params)
    assert (await app.get(resource, params=about)).json() == []
    for name in ("a", "図 1"):
        await app.post(resource, params={**about, id_name: name}, json={})
    listed = await app.get(resource, params=about)
    assert sorted(listed.json()) == ["a", "図 1"]
    assert listed.headers["Content-Type"] == "application/json"
    assert parsedate_to_datetime(listed.headers["Last-Modified"])
    assert len((await app.get(resource, params={**about, "since": "2020-01-01T00:00:00Z"})).json()) == 2
    assert (await app.get(resource, params={**about, "since": "2999-01-01T00:00:00Z"})).json() == []


async def test_all_states_of_a_context_are_deleted_together_but_not_profiles(
    app: httpx.AsyncClient, resource: str
) -> None:
    params = _params(resource)
    await app.post(resource, params=params, json={})
    answer = await app.delete(resource, params=_without_id(params))
    assert answer.status_code == (204 if resource == STATE else 400)
    assert len((await app.get(resource, params=_without_id(params))).json()) == (0 if resource == STATE else 1)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"activityId": "no IRI"}, "activityId"),
        ({"agent": "not JSON"}, "agent"),
        ({"agent": "true"}, "agent"),
        ({"agent": '{"objectType":"Group","mbox":"mailto:a@b.jp"}'}, "agent.objectType"),
        ({"registration": "true"}, "registration"),
        ({"stateId": ""}, "stateId"),
        ({"StateId": "a"}, "StateId"),
        ({"since": "2026-04-01T00:00:00Z"}, "since"),
    ],
)
async def test_a_bad_parameter_is_a_400_that_names_it(
    app: httpx.AsyncClient, changes: dict[str, str], path: str
) -> None:
    for method in ("GET", "PUT", "POST", "DELETE"):
        answer = await app.request(method, STATE, params={**_params(STATE), **changes})
        assert (answer.status_code, answer.json()["path"]) == (400, path)
        assert answer.json()["rule"]


async def test_an_agent_whose_percent_encoding_is_broken_is_a_400(app: httpx.AsyncClient, resource: str) -> None:
    agent = quote(json.dumps({"account": {"homePage": "https://a", "name": "a"}})).replace("%3A", "%22", 1)
    query = urlencode({name: value for name, value in _params(resource).items() if name != "agent"})
    answer = await app.post(f"{resource}?{query}&agent={agent}", json={})
    assert answer.status_code == 400


# --- apps ---


async def test_apps_do_not_see_each_others_documents_unless_they_may_read_all(
    zone_of_apps: Zone, resource: str, version: str
) -> None:
    params = _params(resource)
    about = _without_id(params)
    async with zone_of_apps.client("drill-a", version) as mine, zone_of_apps.client("drill-b", version) as theirs:
        await mine.post(resource, params=params, json={"of": "a"})
        assert (await theirs.get(resource, params=params)).status_code == 404
        assert (await theirs.get(resource, params=about)).json() == []
        assert (await theirs.delete(resource, params=params)).status_code == 204
        await theirs.post(resource, params=params, json={"of": "b"})
        assert (await mine.get(resource, params=params)).json() == {"of": "a"}
    async with zone_of_apps.client("reader", version) as reader:
        assert (await reader.get(resource, params=params)).json() == {"of": "b"}
        assert (await reader.get(resource, params=about)).json() == [params.get("stateId") or params["profileId"]]
        assert (await reader.post(resource, params=params, json={})).status_code == 403
    async with zone_of_apps.client("owner", version) as owner:
        await owner.post(resource, params=params, json={"of": "owner"})
        assert (await owner.get(resource, params=params)).json() == {"of": "owner"}


async def test_a_scope_opens_one_kind_of_documents(zone_of_apps: Zone, resource: str, version: str) -> None:
    async with zone_of_apps.client("states", version) as states, zone_of_apps.client("sender", version) as sender:
        answer = await states.post(resource, params=_params(resource), json={})
        assert answer.status_code == (204 if resource == STATE else 403)
        for method in ("GET", "PUT", "POST", "DELETE"):
            assert (await sender.request(method, resource, params=_params(resource))).status_code == 403


async def test_without_a_version_or_a_credential_no_document_is_answered(zone_of_apps: Zone, resource: str) -> None:
    async with httpx.AsyncClient(base_url=zone_of_apps.url, timeout=60) as client:
        headers = {"X-Experience-API-Version": "1.0.3"}
        assert (await client.get(resource, params=_params(resource), headers=headers)).status_code == 401
        auth = zone_of_apps.auth["drill-a"]
        assert (await client.get(resource, params=_params(resource), auth=auth)).status_code == 400
        patch = await client.patch(resource, params=_params(resource), auth=auth, headers=headers)
        assert patch.status_code == 405


# --- many writers ---


@pytest.mark.parametrize("version", ["2.0.0"])
async def test_of_eight_writers_of_each_of_forty_documents_exactly_one_wins_each_round(
    app: httpx.AsyncClient, resource: str
) -> None:
    documents = [_params(resource) for _ in range(40)]
    made = await asyncio.gather(
        *(app.put(resource, params=params, json={"round": 0}, headers=NEW) for params in documents for _ in range(2))
    )
    assert Counter(answer.status_code for answer in made) == {204: 40, 412: 40}
    tags = [(await app.get(resource, params=params)).headers["ETag"] for params in documents]
    for round_number in (1, 2):
        jobs = list(product(range(40), range(8)))
        random.Random(round_number).shuffle(jobs)
        bodies = [{"round": round_number, "writer": writer} for _, writer in jobs]
        answers = await asyncio.gather(
            *(
                app.put(resource, params=documents[number], json=body, headers={"If-Match": tags[number]})
                for (number, _), body in zip(jobs, bodies, strict=True)
            )
        )
        assert Counter(answer.status_code for answer in answers) == {204: 40, 412: 280}
        numbered = zip(jobs, answers, strict=True)
        won = {number: answer.headers["ETag"] for (number, _), answer in numbered if answer.status_code == 204}
        tags = [(await app.get(resource, params=params)).headers["ETag"] for params in documents]
        assert tags == [won[number] for number in range(40)]


async def test_no_merge_is_lost_among_posts_at_once(app: httpx.AsyncClient, resource: str) -> None:
    params = _params(resource)
    answers = await asyncio.gather(*(app.post(resource, params=params, json={str(n): n}) for n in range(60)))
    assert {answer.status_code for answer in answers} == {204}
    assert (await app.get(resource, params=params)).json() == {str(n): n for n in range(60)}


async def test_what_was_acknowledged_survives_a_kill(broker: BrokerSettings, zone: str, tmp_path: Any) -> None:  # noqa: ANN401
    with document_zone(broker, zone, tmp_path) as running:
        async with running.client("drill-a", "2.0.0") as client:
            sent = [_params(ACTIVITY) for _ in range(20)]
            answers = await asyncio.gather(*(client.post(ACTIVITY, params=one, json={}) for one in sent))
            assert {answer.status_code for answer in answers} == {204}
    registry = Registry.open(f"sqlite:///{ZoneFolder(tmp_path).registry}")
    for one in sent:
        context = Context(DocumentKind.ACTIVITY_PROFILE, one["activityId"])
        assert registry.documents.get(DocumentKey("drill-a", context, "profile")) is not None
    registry.close()


# --- hostile ---


async def test_whatever_a_request_holds_it_is_answered_and_never_by_a_5xx(app: httpx.AsyncClient) -> None:
    rng = random.Random(20260401)
    names = ["activityId", "agent", "stateId", "profileId", "registration", "since", "x", ""]
    values = ["", "a", "true", "{}", "[" * 3000, '{"mbox":"mailto:a@b.jp"}', "https://a.example/1", "\x00", "𝄞", "-1"]
    tags = ["*", '"a"', "", "é", "W/", '"' + "1" * 40 + '"', ",", "*, *"]
    kinds = ["application/json", "", "é", "text/plain", "application/json;" + "x" * 300]

    async def ask() -> int:
        resource = rng.choice(RESOURCES)
        params = {name: rng.choice([value, rng.choice(values)]) for name, value in _params(resource).items()}
        for _ in range(rng.randrange(3)):
            params[rng.choice(names)] = rng.choice(values)
        if rng.random() < 0.3 and params:
            params.pop(rng.choice(list(params)))
        query = urlencode(params)
        if rng.random() < 0.3:
            query = query.replace("%", rng.choice(["%%", "%f", "%ff"]), 1)
        headers = [(b"Content-Type", rng.choice(kinds).encode("latin-1"))]
        if rng.random() < 0.5:
            headers.append((rng.choice([b"If-Match", b"If-None-Match"]), rng.choice(tags).encode("latin-1")))
        body = rng.choice([b"", b"{}", b'{"a":1}', b"\xff", b"[" * 50_000, b'{"a":NaN}', b"null"])
        method = rng.choice(["GET", "HEAD", "PUT", "POST", "DELETE"])
        answer = await app.request(method, f"{resource}?{query}", content=body, headers=headers)
        if answer.status_code == 400 and method != "HEAD":
            assert answer.json()["path"]
            assert answer.json()["rule"]
        return answer.status_code

    counts = Counter([await ask() for _ in range(1500)])
    assert counts.keys() <= {200, 204, 304, 400, 404, 409, 412}
    assert counts[204]
    assert counts[400]
