"""A refused statement's way through a whole zone: listed, shown, on the pages of operator and vendor, replayed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Noun, partition_of, topic_name
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.dead_letters import SOURCES
from processors.topic_admin import ensure_topics
from tests.support.ayumi import RunningZone, ayumi, up
from tests.support.broker import complete, new_zone_name
from tests.support.log import received, send, send_received, statement
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

HOSTILE = '<script>alert("x")</script>\u202e\x1b[2J'
PAGE = {"Accept": "text/html"}
FIRST_CAME_IN_MS = 1_780_000_000_000


class Place(NamedTuple):
    """A zone that runs on the session's broker, and the credential of its app `drill`."""

    zone: RunningZone
    broker: BrokerSettings
    name: str
    auth: tuple[str, str]

    @property
    def url(self) -> str:
        url: str = self.zone.state["addresses"]["gateway"]
        return url

    @property
    def token(self) -> str:
        return ZoneFolder(self.zone.folder).operator_token.read_text("ascii").strip()

    def refused(self, command: str, *words: str) -> Any:  # noqa: ANN401 - JSON
        done = ayumi("refused", command, str(self.zone.folder), *words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    async def letters(self, count: int, **asked: str) -> list[dict[str, Any]]:
        """The letters once there are so many."""
        found: list[dict[str, Any]] = []

        async def are_there() -> bool:
            nonlocal found
            async with httpx.AsyncClient(headers={"Authorization": f"Bearer {self.token}"}, timeout=60) as client:
                found = (await client.get(f"{self.url}/operator/refused", params=asked)).json()["letters"]
            return len(found) >= count

        await eventually(are_there)
        assert len(found) == count
        return found


def settings_of(broker: BrokerSettings, name: str, **more: str) -> dict[str, str]:
    return {
        "AYUMI_BROKER__BOOTSTRAP_SERVERS": broker.bootstrap_servers or f"127.0.0.1:{broker.port}",
        "AYUMI_BROKER__PARTITIONS": str(broker.partitions),
        "AYUMI_ZONE__NAME": name,
        "AYUMI_GATEWAY__READ_WAIT_SECONDS": "30",
        **more,
    }


@pytest.fixture(scope="module")
def ours(broker: BrokerSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    name = new_zone_name()
    complete(ensure_topics(broker, name))
    folder = tmp_path_factory.mktemp("refused") / "zone"
    auth = credential(folder, "drill")
    with up(folder, settings_of(broker, name)) as zone:
        complete(zone.ready())
        yield Place(zone, broker, name, auth)


def credential(folder: Path, app: str) -> tuple[str, str]:
    made = json.loads(ayumi("credential", "add", app, "--dir", str(folder), "--json").stdout)
    return made["key"], made["secret"]


def app_name() -> str:
    return f"app-{uuid.uuid4().hex[:8]}"


async def test_a_refused_statement_is_listed_shown_and_on_the_operators_pages(ours: Place) -> None:
    app, one = app_name(), os.urandom(16)
    bad = statement(one, verb={"id": "no IRI"}, result={"response": HOSTILE})
    await send_received(ours.broker, ours.name, [received(one, bad, app=app, stored_at_ms=FIRST_CAME_IN_MS)])
    [listed] = await ours.letters(1, app=app)
    assert listed["statement_id"] == str(uuid.UUID(bytes=one))
    assert (listed["reason"], listed["path"], listed["stored_at"]) == (
        "invalid",
        "$.verb.id",
        "2026-05-28T20:26:40.000Z",
    )
    place = f"{listed['partition']}/{listed['offset']}"

    page = ours.refused("list", "--app", app, "--reason", "invalid", "--since", "1h")
    assert (page["letters"], page["counts"]["total"], page["after"]) == ([listed], 1, None)
    text = ayumi("refused", "list", str(ours.zone.folder), "--app", app).stdout
    assert f" {place} " in text
    shown = ours.refused("show", place)
    assert json.loads(shown["statement"].replace("\\u202e", "\u202e")) == json.loads(bad)
    told = ayumi("refused", "show", str(ours.zone.folder), place)
    assert "no IRI" in told.stdout
    assert not {"\x1b", "\u202e"} & set(told.stdout)

    async with httpx.AsyncClient(base_url=ours.url, headers=PAGE, auth=("operator", ours.token), timeout=60) as browser:
        front = await browser.get("/operator/refused", params={"app": app, "lang": "en"})
        assert (front.status_code, "Breaks a rule of xAPI" in front.text) == (200, True)
        [link] = re.findall(rf'href="([^"]*{place}[^"]*)"', front.text)
        detail = await browser.get(f"/operator/{link}")
        assert (detail.status_code, "no IRI" in detail.text) == (200, True)
        assert "<script" not in detail.text
        assert "\u202e" not in detail.text
        assert "&lt;script&gt;" in detail.text
        assert "default-src 'none'" in detail.headers["Content-Security-Policy"]
        japanese = await browser.get("/operator/refused", headers={"Accept-Language": "ja,en;q=0.5"})
        assert "受け付けなかったステートメント" in japanese.text


async def test_a_letter_of_each_source_is_shown_by_the_place_under_which_it_is_listed(ours: Place) -> None:
    for source in SOURCES:
        await send(ours.broker, topic_name(ours.name, Noun(source)), 1, [(None, b"none of ours")])
    listed: dict[str, str] = {}

    async def all_are_listed() -> bool:
        text = await asyncio.to_thread(lambda: ayumi("refused", "list", str(ours.zone.folder)).stdout)
        places = re.findall(r"^\S+  (\S*[0-9]+/[0-9]+) ", text, re.MULTILINE)
        listed.update({place.rpartition(":")[0] or "received": place for place in places})
        return set(listed) == set(SOURCES)

    await eventually(all_are_listed, 60)
    for source, place in listed.items():
        assert ours.refused("show", place)["source"] == source


async def test_only_the_operators_token_opens_the_operators_view(ours: Place) -> None:
    async with httpx.AsyncClient(base_url=ours.url, timeout=60) as client:
        for auth in (None, ours.auth, ("operator", ours.token[:-1]), ("operator", "")):
            answer = await client.get("/operator/refused", auth=auth)
            assert answer.status_code == 401
            assert answer.headers.get_list("WWW-Authenticate")[0].startswith("Bearer")
        # Whatever a browser would send along by itself replays nothing.
        assert (await client.post("/operator/refused/replay", auth=("operator", ours.token))).status_code == 401


async def test_a_vendor_sees_its_own_apps_letters_and_no_others(ours: Place) -> None:
    mine, theirs, other = os.urandom(16), os.urandom(16), app_name()
    await send_received(ours.broker, ours.name, [received(mine, b"{}"), received(theirs, b"{}", app=other)])
    [foreign] = await ours.letters(1, app=other)
    async with httpx.AsyncClient(base_url=ours.url, auth=ours.auth, timeout=60) as vendor:

        async def is_there() -> bool:
            listed = (await vendor.get("/vendor/refused")).json()
            assert {one["app"] for one in listed["letters"]} <= {"drill"}
            assert set(listed["counts"]["apps"]) <= {"drill"}
            return str(uuid.UUID(bytes=mine)) in [one["statement_id"] for one in listed["letters"]]

        await eventually(is_there)
        [own] = [
            one
            for one in (await vendor.get("/vendor/refused")).json()["letters"]
            if one["statement_id"] == str(uuid.UUID(bytes=mine))
        ]
        assert (await vendor.get(detail_path(own))).json()["statement"] == "{}"
        assert (await vendor.get(detail_path(own), headers=PAGE)).status_code == 200
        assert (await vendor.get(detail_path(foreign))).status_code == 404
        assert (await vendor.get("/vendor/refused", params={"app": other})).status_code == 400
        assert (await vendor.get("/vendor/refused", auth=(ours.auth[0], "no"))).status_code == 401
        page = await vendor.get("/vendor/refused", headers=PAGE)
        assert (page.status_code, other in page.text) == (200, False)


def detail_path(letter: dict[str, Any]) -> str:
    return f"/vendor/refused/{letter['source']}/{letter['partition']}/{letter['offset']}"


async def test_a_replay_stores_what_is_good_and_leaves_the_rest(ours: Place) -> None:
    app = "drill"
    good, taken, repeated, bad = (os.urandom(16) for _ in range(4))
    numbers = ours.broker.partitions
    topic = topic_name(ours.name, Noun.RECEIVED)
    await send_received(ours.broker, ours.name, [received(taken, app=app), received(repeated, app=app)])
    for one, raw in ((good, None), (taken, statement(taken, content=1)), (repeated, None), (bad, b"{}")):
        # On a partition that is not theirs; by now the id of one is taken by other content, that of another is stored.
        elsewhere = (partition_of(one, numbers) + 1) % numbers
        letter = received(one, raw, app=app, stored_at_ms=FIRST_CAME_IN_MS)
        await send(ours.broker, topic, elsewhere, [letter])
    await ours.letters(4, app=app, reason="wrong_partition")
    before = await balance(ours)

    report = ours.refused("replay", "--app", app, "--reason", "wrong_partition")
    assert report == {"read": 4, "replayed": 1, "stored": 1, "refused": {"conflict": 1, "invalid": 1}}
    headers = {"X-Experience-API-Version": "1.0.3"}
    async with httpx.AsyncClient(base_url=ours.url, auth=ours.auth, headers=headers, timeout=60) as client:
        found = await client.get("/xAPI/statements", params={"statementId": str(uuid.UUID(bytes=good))})
    assert found.status_code == 200
    assert found.json()["stored"].startswith("2026-05-28T20:26:40")
    assert (await balance(ours))["received"] == before["received"] + 1

    again = ours.refused("replay", "--app", app, "--reason", "wrong_partition")
    assert again == {"read": 2, "replayed": 0, "stored": 0, "refused": {"conflict": 1, "invalid": 1}}
    assert (await balance(ours))["received"] == before["received"] + 1
    everything = await ours.letters(4, app=app, reason="wrong_partition", all="1")
    assert sum(one["replayed_at"] is not None for one in everything) == 2


async def balance(ours: Place) -> dict[str, int]:
    """What the accounts say once they come out."""
    done = ayumi("reconcile", str(ours.zone.folder), "--json")
    assert done.returncode == 0, done.stdout
    found: dict[str, int] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--reason", "ugly"), "reason: 'ugly' is not one of not_json, invalid, "),
        (("--since", "yesterday"), "since: 'yesterday' is no time: it is 90m, 2h, 3d"),
        (("--since", "2026-05-01T09:00:00"), "is no time"),
        (("--since", "2099-01-01T00:00:00+09:00"), "lies in the future"),
        (("--app", "a" * 200), "app: an app's name has 1 to 128"),
        (("--limit", "-3"), "--limit"),
    ],
)
@pytest.mark.parametrize("command", ["list", "replay"])
def test_a_filter_that_makes_no_sense_is_refused_by_its_name(
    tmp_path: Path, command: str, words: tuple[str, str], told: str
) -> None:
    done = ayumi("refused", command, str(tmp_path), *words)
    assert (done.returncode, told in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_a_zone_that_does_not_run_is_told_with_how_to_start_it(tmp_path: Path) -> None:
    for words in (("list", str(tmp_path)), ("show", str(tmp_path), "1/2"), ("replay", str(tmp_path))):
        done = ayumi("refused", *words)
        assert (done.returncode, f"ayumi up {tmp_path}" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "query", ["since=0", "limit=0", "limit=99999", "after=1-2-3-x", "app=a&app=b", "reason=x", "nonsense=1", "lang=fr"]
)
async def test_a_parameter_that_makes_no_sense_is_a_400_that_names_it(ours: Place, query: str) -> None:
    async with httpx.AsyncClient(
        base_url=ours.url, headers={"Authorization": f"Bearer {ours.token}"}, timeout=60
    ) as client:
        answer = await client.get(f"/operator/refused?{query}")
    assert (answer.status_code, answer.json()["path"]) == (400, query.partition("=")[0])


async def test_a_statement_that_was_too_large_is_stored_once_the_limit_is_raised(
    broker: BrokerSettings, zone: str, tmp_path: Path
) -> None:
    folder, one = tmp_path / "zone", os.urandom(16)
    auth = credential(folder, "drill")
    large = received(one, statement(one, result={"response": "long " * 500}), stored_at_ms=FIRST_CAME_IN_MS)
    with up(folder, settings_of(broker, zone, AYUMI_GATEWAY__MAX_STATEMENT_KB="1")) as small:
        await small.ready()
        ours = Place(small, broker, zone, auth)
        await send_received(broker, zone, [large])
        [letter] = await ours.letters(1)
        assert letter["reason"] == "too_large"
        assert ours.refused("replay") == {"read": 1, "replayed": 0, "stored": 0, "refused": {"too_large": 1}}
    with up(folder, settings_of(broker, zone, AYUMI_GATEWAY__MAX_STATEMENT_KB="16")) as raised:
        await raised.ready()
        ours = Place(raised, broker, zone, auth)
        assert ours.refused("replay") == {"read": 1, "replayed": 1, "stored": 0, "refused": {}}
        headers = {"X-Experience-API-Version": "1.0.3"}
        async with httpx.AsyncClient(base_url=ours.url, auth=auth, headers=headers, timeout=60) as client:
            found = await client.get("/xAPI/statements", params={"statementId": str(uuid.UUID(bytes=one))})
        assert found.json()["result"]["response"] == "long " * 500
        assert ours.refused("replay")["read"] == 0
        assert await ours.letters(0) == []
        found_balance = await balance(ours)
        assert (found_balance["received"], found_balance["archived"], found_balance["refused"]) == (2, 1, 1)
