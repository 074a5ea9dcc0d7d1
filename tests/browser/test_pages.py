"""Every page in a real browser: both widths, languages and colour schemes; readable, quiet, and usable by keyboard."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Request

    from tests.support.board import ServedBoard

PATHS = {
    "overview": "/",
    "subjects": "/curriculum",
    "code": "/curriculum?code=8250000000000000",
    "about": "/about",
    "nothing": "/?app=nobody",
    "refused": "/?from=yesterday",
}
WIDTHS = [360, 1440]

# Contrast of every text that is seen, by WCAG 2.2: 4.5, or 3 if large. Text in a chart lies on a shape or the card.
CONTRAST = """
() => {
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const colour = (text) => (text.match(/[0-9.]+/g) || []).map(Number);
  const solid = (c) => c.length >= 3 && (c.length < 4 || c[3] > 0.99);
  const under = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const c = colour(getComputedStyle(at).backgroundColor);
      if (solid(c) && getComputedStyle(at).backgroundColor !== "rgba(0, 0, 0, 0)") return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const poor = [];
  const check = (element, front, back, size, bold) => {
    const [a, b] = [luminance(front), luminance(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const large = size >= 24 || (size >= 18.66 && bold);
    if (ratio < (large ? 3 : 4.5)) poor.push([element.textContent.trim().slice(0, 30), ratio.toFixed(2)]);
  };
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest("title, desc")) continue;
    const style = getComputedStyle(element);
    const [size, bold] = [parseFloat(style.fontSize), Number(style.fontWeight) >= 600];
    if (element.tagName !== "text") {
      check(element, colour(style.color).slice(0, 3), under(element), size, bold);
      continue;
    }
    const shape = element.previousElementSibling;
    const inside = shape && shape.tagName === "rect" && /^c-rate/.test(shape.getAttribute("class") || "");
    const on = inside ? colour(getComputedStyle(shape).fill).slice(0, 3) : under(element.closest("svg").parentElement);
    check(element, colour(style.fill).slice(0, 3), on, size, bold);
  }
  return poor;
}
"""

OUTLINE = """
() => ({
  lang: document.documentElement.lang,
  title: document.title,
  headings: [...document.querySelectorAll("h1, h2, h3")].map((h) => Number(h.tagName[1])),
  landmarks: ["header", "nav", "main", "footer"].filter((name) => document.querySelector(`body ${name}`)),
  unnamed: [...document.querySelectorAll("nav, section, input:not([type=hidden]), select, button, a, svg[role=img]")]
    .filter((e) => e.checkVisibility()
      && !(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.textContent.trim()
        || e.labels?.length))
    .map((e) => e.outerHTML.slice(0, 80)),
  twice: [...document.querySelectorAll("[id]")].map((e) => e.id).filter((id, at, all) => all.indexOf(id) !== at),
  broken: [...document.querySelectorAll("[aria-labelledby]")]
    .flatMap((e) => e.getAttribute("aria-labelledby").split(" "))
    .filter((id) => !document.getElementById(id)),
  wide: document.documentElement.scrollWidth - innerWidth,
  cut: [...document.querySelectorAll("body *:not(.skip):not(.off)")].filter((e) => e.checkVisibility()
    && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80)),
  small: [...document.querySelectorAll("svg text")].filter((t) => t.checkVisibility()
    && parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a < 11).map((t) => t.textContent),
  chartsShown: [...document.querySelectorAll(".chart")].map((c) => [...c.querySelectorAll("svg")]
    .filter((s) => s.checkVisibility()).length),
})
"""


@contextmanager
def page_of(browser: Browser, board: ServedBoard, **options: Any) -> Iterator[tuple[Page, list[str]]]:  # noqa: ANN401
    """A page, and what went wrong on it: messages of the console, and requests to anywhere else."""
    context = browser.new_context(**options)
    page, faults = context.new_page(), list[str]()

    def requested(request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(board.url).netloc:
            faults.append(f"request to {request.url}")

    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", requested)
    try:
        yield page, faults
    finally:
        context.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_page_is_right(browser: Browser, board: ServedBoard, width: int, language: str) -> None:
    options = {"viewport": {"width": width, "height": 800}, "locale": language}
    with page_of(browser, board, **options) as (page, faults):
        for name, path in PATHS.items():
            page.goto(board.url + path)
            for details in page.locator("details").all():
                details.evaluate("element => { element.open = true }")
            found = page.evaluate(OUTLINE)
            assert found["lang"] == language, name
            assert found["title"].endswith("あゆみ" if language == "ja" else "Ayumi"), name
            assert found["landmarks"] == ["header", "nav", "main", "footer"], name
            headings = found["headings"]
            assert headings.count(1) == 1, name
            assert all(after - before <= 1 for before, after in zip([0, *headings], headings, strict=False)), name
            assert set(found["chartsShown"]) <= {1}, name
            for empty in ("unnamed", "twice", "broken", "cut", "small"):
                assert found[empty] == [], (name, empty)
            assert found["wide"] <= 0, name
            # The browser itself tells of an answer that is 400, which this one is meant to be.
            told = [fault for fault in faults if not (name == "refused" and "status of 400" in fault)]
            assert told == [], name
            faults.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(browser: Browser, board: ServedBoard, scheme: str) -> None:
    options = {"viewport": {"width": 1440, "height": 900}, "color_scheme": scheme, "locale": "en"}
    with page_of(browser, board, **options) as (page, _):
        for name, path in PATHS.items():
            page.goto(board.url + path)
            for details in page.locator("details").all():
                details.evaluate("element => { element.open = true }")
            assert page.evaluate(CONTRAST) == [], name


def test_the_keyboard_reaches_everything_and_skips_to_the_content(browser: Browser, board: ServedBoard) -> None:
    with page_of(browser, board, viewport={"width": 1440, "height": 900}, locale="en") as (page, _):
        page.goto(board.url)
        page.keyboard.press("Tab")
        expect(page.locator("a.skip")).to_be_focused()
        expect(page.locator("a.skip")).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        page.goto(board.url)
        order = []
        for _ in range(9):
            page.keyboard.press("Tab")
            order.append(page.evaluate("() => document.activeElement.textContent.trim()"))
            outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid", order
        assert order[2:8] == [
            "Overview", "Curriculum", "About", "日本語", "Pause updates", "Choose what to count",
        ]  # fmt: skip


def test_a_reader_goes_from_subject_to_code_and_back_in_the_other_language(
    browser: Browser, board: ServedBoard
) -> None:
    with page_of(browser, board, viewport={"width": 360, "height": 800}, locale="en") as (page, faults):
        page.goto(f"{board.url}/curriculum")
        page.get_by_role("link", name="Elementary Arithmetic").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Elementary Arithmetic")
        page.locator("table.codes a").first.click()
        expect(page.get_by_role("navigation", name="Place in the curriculum").get_by_role("link")).to_have_count(2)
        page.get_by_role("link", name="日本語").click()
        expect(page.locator("html")).to_have_attribute("lang", "ja")
        assert "code=" in page.url
        page.get_by_role("link", name="算数（小学校）").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("算数（小学校）")
        assert faults == []


def test_filters_work_without_a_script(browser: Browser, board: ServedBoard) -> None:
    options = {"viewport": {"width": 360, "height": 800}, "locale": "en", "java_script_enabled": False}
    with page_of(browser, board, **options) as (page, _):
        page.goto(board.url)
        expect(page.locator("#live-button")).to_be_hidden()
        page.get_by_text("Choose what to count").click()
        page.get_by_label("Subject").select_option(label="Arithmetic")
        page.get_by_label("To", exact=True).fill("2026-04-12")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("#lead")).to_contain_text("12 April 2026")
        assert "subject=" in page.url
        page.get_by_role("link", name="Clear").click()
        assert "subject=" not in page.url


def test_new_records_appear_by_themselves_unless_paused(browser: Browser, board: ServedBoard) -> None:
    with page_of(browser, board, viewport={"width": 1440, "height": 900}, locale="en") as (page, faults):
        page.goto(board.url)
        expect(page.locator("#live-state")).to_have_text("Updates every 5 seconds")
        before = page.locator(".tile-learners .figure").inner_text()
        board.load(count=600, seed=2, shift=10_000)
        expect(page.locator(".tile-learners .figure")).not_to_have_text(before, timeout=20_000)
        page.get_by_role("button", name="Pause updates").click()
        expect(page.locator("#live-state")).to_have_text("Updates are paused")
        assert faults == []


def test_a_reader_who_wants_less_motion_decides_when_it_updates(browser: Browser, board: ServedBoard) -> None:
    options = {"viewport": {"width": 1440, "height": 900}, "locale": "en", "reduced_motion": "reduce"}
    with page_of(browser, board, **options) as (page, _):
        page.goto(board.url)
        expect(page.locator("#live-state")).to_have_text("Updates are paused")
        with page.expect_response(board.url + "/"):
            page.get_by_role("button", name="Resume updates").click()
        expect(page.locator("#live-state")).to_have_text("Updates every 5 seconds")
