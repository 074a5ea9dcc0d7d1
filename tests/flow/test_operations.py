"""The operator's page and `ayumi top` tell the truth: held against what the simulator sent, under load and after it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from lrs.kernel.settings import BrokerSettings
from producers.simulator.run import Plan
from tests.support.ayumi import RunningZone, ayumi, up
from tests.support.broker import complete
from tests.support.sending import Sending
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.alone, pytest.mark.timeout(400)]

# A load that is longer than anything shown may be old.
PLAN = Plan(count=14_000, rate=400)
NAMES = ("received", "archived", "refused", "duplicate", "published", "withheld", "loaded", "retracted")
# How old a page may be: a look takes a tenth of the time, and on a busy machine a second or two.
RECENT_SECONDS = 20.0
# What was so long before a look is in it: the look takes its time, and tallies are written every half second.
LOOK_SECONDS = 5.0
_TOTAL = r'class="hop hop-{}">.*?<dd class="total">([\d,]+) in all</dd>'
_COUNTERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "archived": ("gateway", "ayumi_recorder_statements_total", {"outcome": "archived"}),
    "refused": ("gateway", "ayumi_recorder_statements_total", {"outcome": "refused"}),
    "duplicate": ("gateway", "ayumi_recorder_statements_total", {"outcome": "duplicate"}),
    "published": ("board", "ayumi_loader_rows_total", {"outcome": "published"}),
    "loaded": ("board", "ayumi_loader_rows_total", {"outcome": "published"}),
    "withheld": ("board", "ayumi_loader_rows_total", {"outcome": "withheld"}),
    "retracted": ("board", "ayumi_loader_retracted_total", {}),
}


@dataclass(frozen=True)
class Look:
    """What somebody saw who asked and was answered at these times; `at` is what it says of its own time."""

    asked: float
    answered: float
    at: float
    totals: dict[str, int]


@dataclass
class Loaded:
    """A zone that took a load: what was shown meanwhile and where, what it had counted itself, and what was sent."""

    zone: RunningZone
    shown: list[dict[str, Any]] = field(default_factory=list)
    looks: dict[str, list[Look]] = field(default_factory=lambda: {"page": [], "json": [], "top": []})
    counted: list[tuple[float, dict[str, int]]] = field(default_factory=lambda: [(0.0, {})])
    sending: Sending = field(default_factory=lambda: Sending(PLAN))
    truth: dict[str, Any] = field(default_factory=dict)
    resent: int = 0
    sent_at: float = 0.0

    @property
    def expected(self) -> dict[str, int]:
        """What must have become of everything."""
        return {name: self.truth["counts"][name] for name in NAMES}

    @property
    def token(self) -> str:
        return (self.zone.folder / "keys" / "operator.token").read_text("ascii").strip()

    def ask(self, part: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's
        """As the operator."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.get(
            self.zone.state["addresses"][part] + path, headers=headers, trust_env=False, timeout=60, **options
        )

    def now(self) -> dict[str, Any]:
        """What the page shows, as JSON."""
        found: dict[str, Any] = self.ask("board", "/operator/now").raise_for_status().json()
        return found

    def least(self, at: float) -> dict[str, int]:
        """What must be in a look at that time: what was acknowledged before, and what the parts had counted."""
        before = at - LOOK_SECONDS
        counted = max((mark for mark in self.counted if mark[0] <= before), key=lambda mark: mark[0])[1]
        return {"received": self.sending.acknowledged(before)["received"], **counted}

    def look(self) -> None:
        """Count, and look at everything that shows it."""
        metrics = {part: self.ask(part, "/metrics").text for part in ("gateway", "board")}
        counts = {name: count_of(metrics[part], sample, labels) for name, (part, sample, labels) in _COUNTERS.items()}
        self.counted.append((time.time(), counts))
        began = time.time()
        self.shown.append(self.now())
        self.looks["json"].append(Look(began, time.time(), self.shown[-1]["at"], totals(self.shown[-1])))
        began = time.time()
        at, seen = read_page(self.ask("board", "/operator?lang=en").text)
        self.looks["page"].append(Look(began, time.time(), at, seen))

    def look_at_top(self) -> None:
        """In a terminal: a process that takes a second to start."""
        began = time.time()
        seen = top_once(self.zone.folder)[1]
        self.looks["top"].append(Look(began, time.time(), seen["at"], totals(seen)))


def totals(seen: dict[str, Any]) -> dict[str, int]:
    return {name: seen["streams"][name]["total"] for name in NAMES}


def count_of(text: str, name: str, labels: dict[str, str]) -> int:
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples if one.name == name]
    return int(sum(one.value for one in samples if one.labels == labels))


def read_page(text: str) -> tuple[float, dict[str, int]]:
    """Its time, in whole seconds, and what it says of the three hops that have a figure of their own."""
    at = re.search(r'<time datetime="([^"]+)"', text)
    found = {name: re.search(_TOTAL.format(name), text, re.DOTALL) for name in ("received", "archived", "loaded")}
    assert at, text
    shown = {name: int(one[1].replace(",", "")) for name, one in found.items() if one}
    return datetime.fromisoformat(at[1]).timestamp(), shown


def top_once(folder: Path) -> tuple[int, dict[str, Any]]:
    done = ayumi("top", str(folder), "--once", "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """A zone under the simulator's load, with faults of every kind; asked all the while, and then left to settle."""
    with up(tmp_path_factory.mktemp("operations") / "zone") as zone:
        found = Loaded(zone)
        complete(_load(found))
        yield found


async def _load(found: Loaded) -> None:
    await found.zone.ready()
    sending = asyncio.ensure_future(found.sending.run(found.zone.folder))
    while not sending.done():
        await asyncio.to_thread(found.look)
        if found.shown[-1]["streams"]["received"]["total"] > len(found.looks["top"]) * PLAN.count // 4:
            await asyncio.to_thread(found.look_at_top)
        await asyncio.sleep(0.2)
    report, found.sent_at = await sending, time.time()
    found.truth, found.resent = report.truth.summary(), report.resent
    assert (report.unsent, report.surprises) == (0, [])

    async def settled() -> bool:
        await asyncio.to_thread(found.look)
        return totals(found.shown[-1]) == found.expected

    try:
        await eventually(settled, 120)
    except AssertionError as error:
        raise AssertionError(f"{totals(found.shown[-1])} is not {found.expected}") from error


def test_what_is_shown_after_the_load_is_what_was_sent(loaded: Loaded) -> None:
    code, seen = top_once(loaded.zone.folder)
    assert totals(seen) == totals(loaded.now()) == loaded.expected
    assert min(loaded.expected.values()) > 0
    assert {one["reason"]: one["total"] for one in seen["refused"]} == loaded.truth["refused_by_reason"]
    assert seen["withheld"] == loaded.truth["withheld_by_reason"]
    assert code == (1 if seen["state"] == "bad" else 0)
    assert read_page(loaded.ask("board", "/operator?lang=en").text)[1] == {
        name: loaded.expected[name] for name in ("received", "archived", "loaded")
    }


@pytest.mark.parametrize("where", ["page", "json", "top"])
def test_under_load_what_is_shown_is_what_was_acknowledged_and_sent_a_moment_ago(loaded: Loaded, where: str) -> None:
    bit: set[str] = set()
    for look in loaded.looks[where]:
        assert look.asked - RECENT_SECONDS <= look.at <= look.answered
        # The page tells its time without the fraction of the second.
        least, most = loaded.least(look.at), loaded.sending.sent(look.at + 1)
        for name, count in look.totals.items():
            assert least.get(name, 0) <= count <= most[name] + loaded.resent, f"{name} at {look.at}"
            if least.get(name, 0) and look.answered < loaded.sent_at:
                bit.add(name)
    assert bit >= {"received", "archived", "loaded"}
    assert {name: loaded.sending.sent(time.time())[name] for name in NAMES} == loaded.expected


@pytest.mark.parametrize("where", ["page", "json", "top"])
def test_under_load_no_count_goes_back_or_is_beyond_that_of_the_hop_before(loaded: Loaded, where: str) -> None:
    rows = [look.totals for look in loaded.looks[where]]
    for name in rows[0]:
        values = [row[name] for row in rows]
        assert values == sorted(values), name
    for row in rows:
        settled = sum(row.get(name, 0) for name in ("archived", "refused", "duplicate"))
        assert settled <= row["received"]
        assert row["loaded"] + row.get("withheld", 0) <= row["archived"]
    assert any(0 < row["received"] < loaded.expected["received"] for row in rows)
    assert any(0 < row["loaded"] < loaded.expected["loaded"] for row in rows)


def test_under_load_rates_are_shown_and_nothing_is_called_missing(loaded: Loaded) -> None:
    assert max(seen["streams"]["received"]["per_second"] for seen in loaded.shown) > 0
    assert {seen["accounts"]["state"] for seen in loaded.shown} <= {"unknown", "checking", "balanced"}


def test_each_app_shows_what_it_sent(loaded: Loaded) -> None:
    sent: Counter[str] = Counter()
    for row in loaded.truth["by_app"]:
        if row["outcome"] not in {"rejected", "repeated"}:
            sent[row["app"]] += row["statements"]
    apps = {row["app"]: row for row in loaded.now()["apps"]}
    assert {app: row["received"] for app, row in apps.items()} == dict(sent)
    assert {row["recent"] for row in apps.values()} == set(sent.values())
    assert all(row["seen_exactly"] for row in apps.values())
    assert sum(row["refused"] for row in apps.values()) == loaded.expected["refused"]


async def test_what_was_turned_away_at_the_door_is_told(loaded: Loaded) -> None:
    told: dict[str, int] = {}
    truth = {name: loaded.truth["counts"][name] for name in ("rejected", "repeated")}

    async def told_all() -> bool:
        told.update((await asyncio.to_thread(loaded.now))["door"])
        # A request that was sent again may have been turned away twice.
        return all(count <= told[name] <= count + loaded.resent for name, count in truth.items())

    # The processes are asked less often than the log is looked at.
    try:
        await eventually(told_all, RECENT_SECONDS)
    except AssertionError as error:
        raise AssertionError(f"{told} is not {truth}, with {loaded.resent} sent again") from error


async def test_when_all_has_arrived_nothing_lags_and_everything_is_accounted_for(loaded: Loaded) -> None:
    async def calm() -> bool:
        seen = await asyncio.to_thread(loaded.now)
        lags = [group["whole"]["records"] for group in seen["groups"]]
        return seen["accounts"]["sums"] == loaded.expected and not any(lags) and not seen["accounts"]["on_way"]

    await eventually(calm, 90)
    seen = loaded.now()
    assert (seen["accounts"]["state"], seen["accounts"]["gaps"]) == ("balanced", [])
    assert {group["whole"]["pace"] for group in seen["groups"]} == {"caught_up"}
    assert [len(group["partitions"]) for group in seen["groups"]] == [4, 4, 4, 4]
    assert {one["name"]: one["state"] for one in seen["processes"]} == dict.fromkeys(
        ("broker", "lrs", "processors", "store"), "ready"
    )


async def test_log_disk_and_freshness_are_told(loaded: Loaded) -> None:
    async def looked() -> bool:
        seen = await asyncio.to_thread(loaded.now)
        told = all(group["kept_seconds"] for group in seen["groups"]) and seen["freshness"] is not None
        return told and bool(seen["disks"]) and "broker" in seen["folders"]

    await eventually(looked, 90)
    seen = loaded.now()
    assert [round(group["margin_seconds"] / 86_400) for group in seen["groups"]] == [7, 7, 7, 30]
    assert 0 < seen["freshness"]["p50"] <= seen["freshness"]["p95"]
    assert 0 < seen["disks"][0]["free"] < seen["disks"][0]["size"]
    assert seen["folders"]["broker"] > 0


async def test_the_examples_that_the_page_links_to_are_there(loaded: Loaded) -> None:
    page = loaded.ask("board", "/operator?lang=en")
    assert page.status_code == 200
    gateway = loaded.zone.state["addresses"]["gateway"]
    for reason, count in loaded.truth["refused_by_reason"].items():
        assert f'href="{gateway}/operator/refused?reason={reason}&amp;lang=en"' in page.text

        async def gathered(reason: str = reason, count: int = count) -> bool:
            answer = await asyncio.to_thread(loaded.ask, "gateway", f"/operator/refused?reason={reason}")
            return bool(answer.json()["counts"]["total"] == count)

        await eventually(gathered)


def test_the_terminal_shows_it_to_a_person(loaded: Loaded) -> None:
    done = ayumi("top", str(loaded.zone.folder), "--once")
    assert "Throughput" in done.stdout, done.stderr
    assert f"{loaded.expected['received']:,}" in done.stdout
    assert "運用状況" not in done.stdout
    assert "処理の流れ" in ayumi("top", str(loaded.zone.folder), "--once", "--lang", "ja").stdout


def test_a_zone_that_does_not_run_cannot_be_watched(tmp_path: Path) -> None:
    done = ayumi("top", str(tmp_path), "--once", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"no zone is running in {tmp_path}" in done.stderr
    assert ayumi("top", str(tmp_path), "--lang", "fr").returncode == 2


@pytest.mark.parametrize("since", ["-1", "soon", "99999999999"])
@pytest.mark.parametrize(("part", "store"), [("gateway", "archive"), ("board", "facts")])
def test_what_a_hop_is_asked_wrongly_is_named(loaded: Loaded, part: str, store: str, since: str) -> None:
    answer = loaded.ask(part, f"/operator/{store}/flow", params={"since": since})
    assert answer.status_code == 400
    assert "parameter since" in answer.json()["rule"]
    url = loaded.zone.state["addresses"][part] + f"/operator/{store}/flow"
    assert httpx.get(url, trust_env=False).status_code == 401


async def test_a_zone_stops_in_time_although_somebody_watches(
    tmp_path: Path, broker: BrokerSettings, zone: str
) -> None:
    settings = {
        "AYUMI_BROKER__BOOTSTRAP_SERVERS": broker.bootstrap_servers or f"127.0.0.1:{broker.port}",
        "AYUMI_ZONE__NAME": zone,
    }
    with up(tmp_path / "zone", settings) as running:
        await running.ready()
        watched = Loaded(running)
        url = running.state["addresses"]["board"] + "/operator/events?lang=ja"
        headers = {"Authorization": f"Bearer {watched.token}"}
        async with (
            httpx.AsyncClient(trust_env=False, timeout=60) as client,
            client.stream("GET", url, headers=headers) as stream,
        ):
            lines = stream.aiter_lines()
            while not (line := await anext(lines)).startswith("data: "):
                assert stream.status_code == 200
            assert "verdict" in json.loads(line.removeprefix("data: "))
            running.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(running.process.wait, 10) == 0
    assert '"part_did_not_stop"' not in (tmp_path / "zone" / "logs" / "store.log").read_text("utf-8")
