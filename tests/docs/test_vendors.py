"""What app vendors are told about errors is all that there is to be told, and about client libraries it is true."""

from __future__ import annotations

import re
from pathlib import Path

from lrs import __version__
from lrs.api.gateway.answers import error_answer, internal_error
from lrs.api.gateway.connections import _PHRASES
from lrs.kernel.errors import RefusedError, RetryError
from lrs.kernel.reasons import Refusal
from tests.conformance.clients.client import LIBRARIES, Library
from tests.conformance.clients.install import JAVASCRIPT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "vendors.md").read_text("utf-8")
_OF_STREAM = {Refusal.WRONG_ENVELOPE, Refusal.WRONG_PARTITION}


def _told_by_the_gateway() -> set[tuple[int, str]]:
    """Every status with its word: those that are written out, and those of refused statements and of failures."""
    sources = "".join(file.read_text("utf-8") for file in sorted((ROOT / "lrs/api/gateway").glob("*.py")))
    written = {(int(status), word) for status, word in re.findall(r'HttpError\(\s*(\d{3}),\s*"(\w+)"', sources)}
    refused = {
        (error_answer(RefusedError(reason, "")).status, reason.value) for reason in Refusal if reason not in _OF_STREAM
    }
    away = {(error_answer(RetryError("", "")).status, "unavailable"), (internal_error().status, "internal_error")}
    return written | refused | away | _told_below_the_application()


def _told_below_the_application() -> set[tuple[int, str]]:
    """Heads of requests that break a limit: one word, and every status that is written out."""
    source = (ROOT / "lrs/api/gateway/connections.py").read_text("utf-8")
    [word] = re.findall(r'"error": "(\w+)"', source)
    statuses = {int(status) for status in re.findall(r"[Rr]efuse\(\s*(\d{3}),", source)}
    assert statuses == set(_PHRASES)
    return {(status, word) for status in statuses}


def test_every_error_of_the_gateway_is_explained_and_no_other() -> None:
    told = {(int(status), word) for status, word in re.findall(r"^\| (\d{3}) \| `(\w+)` \|", PAGE, re.MULTILINE)}
    assert told == _told_by_the_gateway()


def test_each_client_library_can_do_what_the_page_says_and_no_more() -> None:
    rows = re.findall(r"^\| `(\S+)` \| `(npm|pip) install ([^`]+)` \| ([^|]+) \|(.+)\|$", PAGE, re.MULTILINE)
    assert {name: _said(*said) for name, *said in rows} == {name: _does(one) for name, one in LIBRARIES.items()}
    assert all(re.fullmatch(rf'"?{re.escape(name)}(\[[\w-]+\]")?', package) for name, _, package, *_ in rows)


def test_the_sdk_is_installed_from_this_release() -> None:
    assert re.findall(r"ayumi-[\w.-]+\.whl", PAGE) == [f"ayumi-{__version__}-py3-none-any.whl"]


def _said(installer: str, _: str, versions: str, cells: str) -> tuple[str, tuple[str, ...], list[bool]]:
    return installer, tuple(versions.split(", ")), [cell.strip().startswith("yes") for cell in cells.split("|")]


def _does(one: Library) -> tuple[str, tuple[str, ...], list[bool]]:
    installer = "npm" if one.environment == JAVASCRIPT else "pip"
    return installer, one.versions, [one.reads, one.attaches, one.documents, one.makes_profiles]


def test_every_page_that_is_named_exists() -> None:
    for name, anchor in re.findall(r"\]\((?!https?:)([\w/.-]*)(?:#([\w-]+))?\)", PAGE):
        text = (ROOT / "docs" / name).read_text("utf-8") if name else PAGE
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert not anchor or anchor in {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}
