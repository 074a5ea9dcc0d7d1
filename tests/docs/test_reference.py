"""The committed reference is the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.reference import _HEAD, FOLDER, PAGES

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_reference_is_what_the_code_says(name: str) -> None:
    assert (FOLDER / f"{name}.md").read_text("utf-8") == _HEAD + PAGES[name](), "run `make docs`"


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *ROOT.glob("*/README.md"), *ROOT.glob("docs/**/*.md")], ids=lambda page: page.name
)
def test_every_local_link_leads_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    missing = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert not missing


def test_every_file_that_the_front_page_sends_a_reader_to_is_there() -> None:
    named = re.findall(r"`((?:lrs|producers|processors|tests)/[\w/]+\.py)`", (ROOT / "README.md").read_text("utf-8"))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_folder_of_the_repository_says_what_belongs_there() -> None:
    for room in ("avro", "producers", "processors", "lrs", "lrs/store", "lrs/api", "lrs/cli", "deploy/kafka", "docs"):
        assert (ROOT / room / "README.md").stat().st_size > 200, room
