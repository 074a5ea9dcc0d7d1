"""Takes the README's pictures: a zone with a simulated district, its pages in a real browser.

python -m tests.docs.screenshots
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from lrs.cli.demo import feed, prepare, temporary_zone
from lrs.cli.settings_loading import load_settings
from lrs.cli.zone import Zone
from lrs.kernel.logs import configure_logs
from producers.simulator.run import Plan

FOLDER = Path(__file__).parents[2] / "docs" / "images"
_PAGES = (
    ("overview-en", "/?lang=en", 1200, 900),
    ("curriculum-ja", "/curriculum?lang=ja", 1200, 900),
    ("overview-ja-phone", "/?lang=ja", 360, 780),
)
# While statements come in, with the operator's password.
_LIVE_PAGES = (
    ("operations-en", "/operator?lang=en", 1200, 900),
    ("operations-ja-phone", "/operator?lang=ja", 360, 780),
)
_CHROMIUM = "/usr/bin/chromium"
_QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


async def main() -> None:
    """Fill a zone, then look at it."""
    configure_logs("warning", part="screenshots")
    plan = Plan(rate=400)
    with temporary_zone(plan.seed) as folder:
        async with Zone(folder, load_settings(folder), free_ports=True) as zone:
            district = plan.district()
            feeding = asyncio.ensure_future(feed(zone, plan, await prepare(zone, district), district))
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=_CHROMIUM, args=_QUIET)
                token = zone.folder.operator_token.read_text("ascii").strip()
                for name, path, width, height in _LIVE_PAGES:
                    url = zone.addresses["board"] + path
                    await _take_live(browser, url, FOLDER / f"{name}.png", (width, height), token)
                await feeding
                for name, path, width, height in _PAGES:
                    await _take(browser, zone.addresses["board"] + path, FOLDER / f"{name}.png", width, height)
                await browser.close()


async def _take_live(browser: Browser, url: str, path: Path, size: tuple[int, int], token: str) -> None:
    """Once the page has seen half a minute of the load; it updates itself, so its network never rests."""
    page = await browser.new_page(
        viewport={"width": size[0], "height": size[1]}, http_credentials={"username": "operator", "password": token}
    )
    await page.goto(url)
    points = "document.querySelector('.hop-loaded polyline')?.getAttribute('points').split(' ').length > 6"
    await page.wait_for_function(points, timeout=120_000)
    await page.screenshot(path=path)
    await page.close()


async def _take(browser: Browser, url: str, path: Path, width: int, height: int) -> None:
    page = await browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
    await page.goto(url, wait_until="networkidle")
    await page.screenshot(path=path)
    await page.close()


if __name__ == "__main__":
    asyncio.run(main())
