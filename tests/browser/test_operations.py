"""The operator's page in a real browser: a large zone on every screen, live, and without a script."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.test_pages import CONTRAST, OUTLINE
from tests.browser.test_pages import page_of as any_page_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHECKOUT = Path(__file__).resolve().parents[2]
LARGE = {"apps": 100, "partitions": 64, "each": 30}
ALARMED = {**LARGE, "gap": True, "names": ['<b onclick="alert(1)">drill</b>']}
WIDTHS = [360, 1440]


@dataclass(frozen=True, slots=True)
class ServedPage:
    """Where the page is, and how to change what it shows."""

    url: str
    token: str
    process: subprocess.Popen[str]

    def show(self, made: dict[str, Any], seconds: int = 300) -> None:
        """Show this zone from now on."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"made": made, "seconds": seconds}) + "\n")
        self.process.stdin.flush()
        assert heard(self.process) == {"done": True}


def heard(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline() or "{}")
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPage]:
    """A board of its own; it ends by itself when asked to, also with streams open."""
    root = tmp_path_factory.mktemp("operations")
    command = [sys.executable, "-m", "tests.support.operations_process", str(root)]
    with (
        (root / "board.log").open("w") as log,
        subprocess.Popen(
            command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        port = heard(process).get("port")
        assert port, (root / "board.log").read_text("utf-8")
        token = (root / "keys" / "operator.token").read_text("ascii").strip()
        yield ServedPage(f"http://127.0.0.1:{port}", token, process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0, (root / "board.log").read_text("utf-8")


@contextmanager
def page_of(browser: Browser, served: ServedPage, **options: Any) -> Iterator[tuple[Page, list[str]]]:  # noqa: ANN401
    """A page with the operator's password."""
    credentials = {"username": "operator", "password": served.token}
    with any_page_of(browser, served, http_credentials=credentials, **options) as found:  # type: ignore[arg-type]
        yield found


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_large_zone_fits_every_screen(browser: Browser, served: ServedPage, width: int, language: str) -> None:
    options = {"viewport": {"width": width, "height": 800}, "locale": language}
    with page_of(browser, served, **options) as (page, faults):
        for made in (LARGE, ALARMED):
            served.show(made)
            page.goto(f"{served.url}/operator")
            for details in page.locator("details").all():
                details.evaluate("element => { element.open = true }")
            found = page.evaluate(OUTLINE)
            assert found["lang"] == language
            assert found["landmarks"] == ["header", "nav", "main", "footer"]
            headings = found["headings"]
            assert headings.count(1) == 1
            assert all(after - before <= 1 for before, after in zip([0, *headings], headings, strict=False))
            for empty in ("unnamed", "twice", "broken", "cut"):
                assert found[empty] == [], empty
            assert found["wide"] <= 0
            assert page.locator(".strip rect").count() == 4 * 64
            assert page.locator("table.apps tbody tr").count() == 100
        assert faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_text_has_enough_contrast_whether_all_is_well_or_not(
    browser: Browser, served: ServedPage, scheme: str
) -> None:
    options = {"viewport": {"width": 1440, "height": 900}, "color_scheme": scheme, "locale": "en"}
    with page_of(browser, served, **options) as (page, _):
        for made in (LARGE, ALARMED, {**LARGE, "behind": 6000}):
            served.show(made)
            page.goto(f"{served.url}/operator")
            for details in page.locator("details").all():
                details.evaluate("element => { element.open = true }")
            assert page.evaluate(CONTRAST) == []


def test_what_happens_appears_by_itself_and_stops_when_paused(browser: Browser, served: ServedPage) -> None:
    served.show(LARGE, 300)
    with page_of(browser, served, viewport={"width": 1440, "height": 900}, locale="en") as (page, faults):
        page.goto(f"{served.url}/operator")
        expect(page.locator("#live-state")).to_have_text("Updates as it happens")
        expect(page.locator(".verdict h2")).to_contain_text("All is well")
        expect(page.locator(".hop-received .total")).to_have_text("576,000 in all")
        served.show(ALARMED, 310)
        expect(page.locator(".verdict h2")).to_contain_text("Something is wrong")
        expect(page.locator(".gaps code")).to_have_text("3, 7-9")
        expect(page.locator(".hop-received .total")).to_have_text("595,200 in all")
        page.get_by_role("button", name="Pause updates").click()
        expect(page.locator("#live-state")).to_have_text("Updates are paused")
        served.show(LARGE, 320)
        with page.expect_response(lambda response: "/operator/events" in response.url):
            page.get_by_role("button", name="Resume updates").click()
        expect(page.locator(".hop-received .total")).to_have_text("614,400 in all")
        assert faults == []


def test_what_a_reader_opened_stays_open_and_what_has_the_focus_stays_as_it_is(
    browser: Browser, served: ServedPage
) -> None:
    served.show(LARGE, 300)
    with page_of(browser, served, viewport={"width": 1440, "height": 900}, locale="en") as (page, _):
        page.goto(f"{served.url}/operator")
        expect(page.locator("#live-state")).to_have_text("Updates as it happens")
        summary = page.locator("#d-loader summary")
        summary.click()
        expect(page.locator("#d-loader tbody tr")).to_have_count(64)
        page.locator("#part-refused a").first.focus()
        rows = page.locator("#part-refused tbody tr").first
        before = rows.inner_text()
        served.show({**LARGE, "behind": 6000}, 310)
        expect(page.locator("#d-loader tbody tr").first).to_contain_text("6,000")
        expect(page.locator("#d-loader tbody tr").first).to_be_visible()
        assert rows.inner_text() == before
        page.locator("#live-button").focus()
        expect(rows).not_to_have_text(before)


def test_the_keyboard_reaches_everything_in_the_order_in_which_it_is_read(browser: Browser, served: ServedPage) -> None:
    served.show(ALARMED)
    options = {"viewport": {"width": 1440, "height": 900}, "locale": "en", "reduced_motion": "reduce"}
    with page_of(browser, served, **options) as (page, _):
        page.goto(f"{served.url}/operator")
        expect(page.locator("#live-state")).to_have_text("Updates are paused")
        order = []
        for _ in range(15):
            page.keyboard.press("Tab")
            order.append(page.evaluate("() => document.activeElement.textContent.trim()"))
            assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid", order
        assert order[0] == "Skip to the content"
        assert order[6:8] == ["Resume updates", "Show"]
        assert order[8:11] == ["Id taken by other content", "Not a valid statement", "Too large"]
        assert order[11].startswith("64 partitions of recorder")


def test_it_is_a_page_without_a_script(browser: Browser, served: ServedPage) -> None:
    served.show(ALARMED)
    options = {"viewport": {"width": 360, "height": 800}, "locale": "ja", "java_script_enabled": False}
    with page_of(browser, served, **options) as (page, _):
        page.goto(f"{served.url}/operator")
        expect(page.locator(".verdict h2")).to_contain_text("問題が起きています")
        expect(page.locator("#live-button")).to_be_hidden()
        page.locator("#d-recorder summary").click()
        expect(page.locator("#d-recorder tbody tr").first).to_be_visible()
        page.get_by_role("link", name="English").click()
        expect(page.locator(".verdict h2")).to_contain_text("Something is wrong")


def test_examples_of_a_reason_are_one_click_away(browser: Browser, served: ServedPage) -> None:
    served.show(LARGE)
    with page_of(browser, served, locale="en") as (page, _):
        page.goto(f"{served.url}/operator")
        link = page.get_by_role("link", name="Not a valid statement")
        expect(link).to_have_attribute("href", "http://127.0.0.1:8080/operator/refused?reason=invalid&lang=en")


@pytest.mark.parametrize("path", ["/operator", "/operator/now", "/operator/events"])
def test_nobody_sees_it_without_the_operators_token(served: ServedPage, path: str) -> None:
    served.show(LARGE)
    for auth in (None, ("operator", "guess"), ("operator", "")):
        answer = httpx.get(served.url + path, auth=auth, trust_env=False, timeout=60)
        assert answer.status_code == 401
        assert answer.headers.get_list("www-authenticate") == [
            'Bearer realm="operator"', 'Basic realm="operator", charset="UTF-8"',
        ]  # fmt: skip
        assert answer.json()["error"] == "operator_token"
        assert "app-" not in answer.text


@pytest.mark.parametrize("query", ["lang=fr", "lang=ja&lang=en", "more=1"])
@pytest.mark.parametrize("path", ["/operator", "/operator/events"])
def test_a_parameter_that_is_not_there_is_named(served: ServedPage, path: str, query: str) -> None:
    answer = httpx.get(f"{served.url}{path}?{query}", auth=("x", served.token), trust_env=False, timeout=60)
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.text
