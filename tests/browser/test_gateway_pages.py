"""What a browser can open of the gateway: its front page, and the dead letters of operator and vendor."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_pages import CONTRAST, OUTLINE, WIDTHS
from tests.browser.test_pages import page_of as any_page_of
from tests.support.gateway_pages_process import APP, EACH_HOUR, HOURS, OPERATOR, QUIET_APP, REPLAYED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHECKOUT = Path(__file__).resolve().parents[2]
LAST_OF_APP = (HOURS - 1) * EACH_HOUR
# What each opens, by a name for it.
PATHS = {
    "": {"front": "/xAPI/"},
    "operator": {
        "all": "/operator/refused",
        "of one app and reason": f"/operator/refused?app={APP}&reason=invalid&all=1",
        "older": "/operator/refused?limit=3",
        "nobody's": "/operator/refused?app=nobody",
        "one": f"/operator/refused/received/0/{LAST_OF_APP}",
        "wrong": "/operator/refused?since=yesterday",
    },
    APP: {"vendor's": "/vendor/refused", "vendor's one": f"/vendor/refused/received/0/{LAST_OF_APP}"},
    QUIET_APP: {"vendor's none": "/vendor/refused"},
}


@dataclass(frozen=True, slots=True)
class ServedGateway:
    """Where it is, and user and password of the operator and of each app."""

    url: str
    keys: dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedGateway]:
    """A gateway of its own over many dead letters."""
    root = tmp_path_factory.mktemp("gateway")
    command = [sys.executable, "-m", "tests.support.gateway_pages_process", str(root)]
    with (
        (root / "gateway.log").open("w") as log,
        subprocess.Popen(
            command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        told: dict[str, Any] = json.loads(process.stdout.readline() or "{}")
        assert told, (root / "gateway.log").read_text("utf-8")
        token = (root / "keys" / "operator.token").read_text("ascii").strip()
        yield ServedGateway(f"http://127.0.0.1:{told['port']}", {**told["credentials"], "operator": ("anybody", token)})
        process.stdin.close()
        assert process.wait(20) == 0, (root / "gateway.log").read_text("utf-8")


@contextmanager
def page_of(
    browser: Browser,
    served: ServedGateway,
    who: str,
    **options: Any,  # noqa: ANN401 - the browser's own
) -> Iterator[tuple[Page, list[str]]]:
    """A page of one who has a password, or of anybody, and what went wrong on it."""
    if who:
        username, password = served.keys[who]
        options["http_credentials"] = {"username": username, "password": password}
    with any_page_of(browser, served, **options) as found:  # type: ignore[arg-type]
        yield found


def open_all(page: Page) -> None:
    """Open whatever is folded."""
    for details in page.locator("details").all():
        details.evaluate("element => { element.open = true }")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("who", PATHS)
def test_every_page_is_right(browser: Browser, served: ServedGateway, who: str, language: str, width: int) -> None:
    options = {"viewport": {"width": width, "height": 800}, "locale": language}
    with page_of(browser, served, who, **options) as (page, faults):
        for name, path in PATHS[who].items():
            page.goto(served.url + path)
            open_all(page)
            found = page.evaluate(OUTLINE)
            assert found["lang"] == language, name
            assert found["title"].endswith(f" – {OPERATOR}"), name
            assert found["landmarks"] == ["header", "nav", "main", "footer"], name
            headings = found["headings"]
            assert headings.count(1) == 1, name
            assert all(after - before <= 1 for before, after in zip([0, *headings], headings, strict=False)), name
            for empty in ("unnamed", "twice", "broken", "cut", "small"):
                assert found[empty] == [], (name, empty)
            assert found["wide"] <= 0, name
            assert page.locator("script, body img").count() == 0, name
            # The browser itself tells of an answer that is 400, which this one is meant to be.
            assert [fault for fault in faults if not (name == "wrong" and "status of 400" in fault)] == [], name
            faults.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("who", PATHS)
def test_text_has_enough_contrast(browser: Browser, served: ServedGateway, who: str, scheme: str) -> None:
    options = {"viewport": {"width": 1440, "height": 900}, "color_scheme": scheme, "locale": "en"}
    with page_of(browser, served, who, **options) as (page, _):
        for name, path in PATHS[who].items():
            page.goto(served.url + path)
            open_all(page)
            assert page.evaluate(CONTRAST) == [], name


@pytest.mark.parametrize(
    ("who", "path", "order"),
    [
        (
            "",
            "/xAPI/",
            [
                "日本語",
                "OpenAPI description of the HTTP interface",
                "Versions of this store (the about resource)",
                "What your app sent and this store refused (with key and secret)",
            ],
        ),
        (
            "operator",
            "/operator/refused",
            ["日本語", "app", "reason", "since", "all", "Show", "Id taken by other content"],
        ),
        (APP, "/vendor/refused", ["日本語", "reason", "since", "all", "Show"]),
        (APP, f"/vendor/refused/received/0/{LAST_OF_APP}", ["日本語", "All refused statements"]),
    ],
)
def test_the_keyboard_reaches_everything_and_skips_to_the_content(
    browser: Browser, served: ServedGateway, who: str, path: str, order: list[str]
) -> None:
    with page_of(browser, served, who, viewport={"width": 1440, "height": 900}, locale="en") as (page, _):
        page.goto(served.url + path)
        page.keyboard.press("Tab")
        expect(page.locator("a.skip")).to_be_focused()
        expect(page.locator("a.skip")).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        page.goto(served.url + path)
        page.keyboard.press("Tab")
        for expected in order:
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "() => [document.activeElement.name || document.activeElement.textContent.trim(),"
                " getComputedStyle(document.activeElement).outlineStyle]"
            )
            assert focused == [expected, "solid"]


def test_an_operator_filters_looks_at_one_letter_and_changes_the_language(
    browser: Browser, served: ServedGateway
) -> None:
    with page_of(browser, served, "operator", viewport={"width": 360, "height": 800}, locale="en") as (page, faults):
        page.goto(f"{served.url}/operator/refused")
        page.get_by_label("App", exact=True).fill(APP)
        page.get_by_label("Reason").select_option("invalid")
        page.get_by_role("button", name="Show").click()
        expect(page.locator(".total")).to_have_text("Refused statements: 9")
        page.get_by_role("link", name="日本語").click()
        expect(page.locator("html")).to_have_attribute("lang", "ja")
        expect(page.get_by_label("理由")).to_have_value("invalid")
        page.locator("table.letters a").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("xAPI の規則に反する")
        expect(page.locator("pre")).to_contain_text('"learner-0"')
        page.get_by_role("link", name="一覧へ戻る").click()
        expect(page.locator(".total")).to_contain_text(f"{HOURS * EACH_HOUR - REPLAYED}")
        assert faults == []


def test_a_vendor_comes_from_the_front_page_to_what_its_own_app_sent(browser: Browser, served: ServedGateway) -> None:
    with page_of(browser, served, APP, viewport={"width": 1440, "height": 900}, locale="en") as (page, faults):
        page.goto(served.url)
        expect(page.get_by_role("heading", level=1)).to_have_text("Learning records are taken in here (xAPI)")
        page.get_by_role("link", name="What your app sent").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Refused statements: {APP}")
        expect(page.get_by_text("arithmetic")).to_have_count(0)
        page.get_by_role("link", name="Older ones").click()
        expect(page.locator("table.letters tbody tr")).to_have_count(HOURS - 50 - 1)
        assert faults == []


def test_a_question_that_cannot_be_asked_says_why_and_leads_back(browser: Browser, served: ServedGateway) -> None:
    with page_of(browser, served, APP, viewport={"width": 360, "height": 800}, locale="en") as (page, _):
        page.goto(f"{served.url}/vendor/refused")
        page.get_by_label("Refused since").fill("yesterday")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("This cannot be asked")
        expect(page.locator("main")).to_contain_text("since: 'yesterday' is no time")
        page.get_by_role("link", name="All refused statements").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Refused statements: {APP}")
