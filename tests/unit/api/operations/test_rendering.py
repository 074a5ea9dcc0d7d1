"""Facts about the page's HTML: everything is in it, in both languages, and nothing that an app may write runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lrs.api.board.messages import LANGUAGES, Language
from lrs.api.operations.observation import ProcessState
from lrs.api.operations.rendering import PARTS, OperatorPages
from lrs.api.operations.snapshot import Finding, Severity
from lrs.api.operations.words import words
from lrs.cli.operations_wiring import gateway_origin
from lrs.kernel.settings import GatewaySettings, Settings, ZoneSettings
from tests.support.operations import HOSTILE, START, Made


def parts(made: Made, language: Language = "en") -> dict[str, str]:
    return pages().parts(made.snapshot(60), words(language), "http://lrs.example.jp")


def pages() -> OperatorPages:
    return OperatorPages(zone="osaka", operator="みどり市教育委員会", min_learners=10, gateway=":8080")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("gap", [False, True])
def test_every_part_is_made_of_a_large_zone(language: Language, *, gap: bool) -> None:
    made = parts(Made(apps=100, partitions=64, gap=gap, behind=5), language)
    assert set(made) == set(PARTS)
    assert made["lag"].count("<rect ") == 4 * 64
    assert made["apps"].count('<th scope="row">') == 100
    assert ("3, 7-9" in made["accounts"]) == gap
    assert words(language)("state.bad" if gap else "state.good") in made["verdict"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_before_the_first_look_every_part_is_there_and_says_so(language: Language) -> None:
    made = pages().parts(None, words(language), "")
    assert set(made) == set(PARTS)
    assert words(language)("ops.nothing") in made["clock"]


def test_what_an_app_calls_itself_is_shown_and_never_run() -> None:
    made = parts(Made(apps=2, names=(HOSTILE,)))
    everything = "".join(made.values())
    assert "<img" not in everything
    assert "\x1b" not in everything
    assert "&lt;img src=x onerror=alert(1)&gt;" in made["apps"]


def test_what_a_process_says_of_itself_is_shown_and_never_run() -> None:
    history = Made().history(60)
    broken = ProcessState("lrs", "unready", 1, "<script>alert(1)</script>")
    history.surroundings(START + 60, Made().around(60).but(processes=(broken,)))
    seen = history.snapshot(START + 60)
    assert seen is not None
    made = pages().parts(seen, words("en"), "")
    assert "<script" not in "".join(made.values())


def test_examples_of_each_reason_are_one_click_away_on_the_gateway() -> None:
    made = parts(Made())
    for reason in ("invalid", "conflict", "too_large"):
        assert f'href="http://lrs.example.jp/operator/refused?reason={reason}&amp;lang=en"' in made["refused"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_can_be_told(language: Language) -> None:
    values = {
        "name": "lrs", "detail": "away", "seconds": 70.0, "since_seconds": 400.0, "statements": 3, "hops": "loader",
        "records": 10, "topic": "activity", "group": "loader", "partitions": "1", "share": 0.1, "reason": "invalid",
        "free": 10**9, "days": 3.0, "apps": "a", "count": 1,
    }  # fmt: skip
    kinds = {key.split(".")[1] for key in words(language).texts if key.startswith("finding.") and key.endswith(".what")}
    found = tuple(Finding(Severity.BAD, kind, "lag", values) for kind in kinds)
    made = pages().parts(replace(Made().snapshot(60), findings=found), words(language), "")
    assert made["verdict"].count("<li ") == len(kinds)
    assert "{" not in made["verdict"]


@pytest.mark.parametrize(
    ("public", "origin"), [("https://lrs.example.jp/tenant/xAPI", "https://lrs.example.jp"), ("", ":8080")]
)
def test_the_gateway_is_linked_where_browsers_reach_it(public: str, origin: str) -> None:
    zone = ZoneSettings.model_validate({"public_url": public})
    assert gateway_origin(Settings(zone=zone, gateway=GatewaySettings.model_validate({"port": 8080}))) == origin
