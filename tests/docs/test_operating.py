"""Every alert has its section in the runbook, and what the pages tell a person to set, type or look at exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from lrs.cli.app import app
from lrs.cli.settings_loading import setting_lines
from tests.docs.reference import _walk, metric_names

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
RUNBOOK = (ROOT / "docs" / "operating.md").read_text("utf-8")
_RULES = ROOT / "deploy" / "prometheus" / "rules"
_ALERTS = (_RULES / "alerts.yml").read_text("utf-8")
ALERTS = re.findall(r"- alert: (\w+)", _ALERTS)

# typer ships a click of its own, whose types are not those of the click package.
COMMANDS: dict[tuple[str, ...], Any] = dict(_walk(typer.main.get_command(app), ()))
# What Prometheus makes of each kind, beside the name itself.
_SERIES = {"counter": ("",), "gauge": ("",), "histogram": ("", "_bucket", "_count", "_sum")}


def each(pages: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.name)


def sections() -> dict[str, str]:
    """Each alert's section."""
    parts = re.split(r"^## (Ayumi\w+)$", RUNBOOK, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def anchors(page: Path) -> set[str]:
    """What a link may say behind its #: the headings as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_alert_has_its_section_and_nothing_else_has() -> None:
    assert list(sections()) == ALERTS


def test_every_alert_links_to_its_own_section() -> None:
    links = re.findall(r"runbook_url: (\S+)", _ALERTS)
    assert links == [f"docs/operating.md#{alert.lower()}" for alert in ALERTS]
    for path, _, anchor in (link.partition("#") for link in links):
        assert anchor in anchors(ROOT / path)


@pytest.mark.parametrize("alert", ALERTS)
def test_a_section_says_where_to_look_what_to_do_and_what_may_be_lost(alert: str) -> None:
    section = sections()[alert]
    places = [section.index(part) for part in ("\n**Look**: ", "\n1. ", "\n**Lost**: ")]
    assert places == sorted(places)


@each(PAGES)
def test_every_heading_that_a_page_links_to_exists(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([\w/.-]*)#([\w-]+)\)", page.read_text("utf-8"))
    for name, anchor in links:
        assert anchor in anchors(page.parent / name if name else page), f"{name}#{anchor}"


@each(PAGES)
def test_every_setting_that_a_page_names_exists(page: Path) -> None:
    known = {line.name for line in setting_lines()}
    # `AYUMI_OIDC__…` stands for all that begin so.
    known |= {f"{name.partition('__')[0]}__" for name in known}
    assert set(re.findall(r"AYUMI_\w+", page.read_text("utf-8"))) - known == set()


@each(PAGES)
def test_every_metric_that_a_page_names_exists(page: Path) -> None:
    kinds = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", metric_names(), re.MULTILINE))
    known = {name + suffix for name, kind in kinds.items() for suffix in _SERIES[kind]}
    known |= set(re.findall(r"- record: (\S+)", (_RULES / "records.yml").read_text("utf-8")))
    named = set(re.findall(r"(?:\w+:)?\bayumi_\w+(?::\w+)?", page.read_text("utf-8")))
    assert named - known == set()


@each(PAGES)
def test_every_command_that_a_page_names_exists_with_its_options(page: Path) -> None:
    # In code, to its end, a comment or the next command; `ayumi:` is what the program says.
    named = re.findall(r"(?<![\w./@-])ayumi +([^`\n#;|&]*)", page.read_text("utf-8"))
    assert {line: wrong for line in named if (wrong := _unknown(line.split()))} == {}


def _unknown(words: list[str]) -> str:
    """The first word that is no command, or no option of it; empty when all is well."""
    path: tuple[str, ...] = ()
    for word in words:
        if not hasattr(COMMANDS[path], "commands") or word.startswith("-"):
            break
        path = (*path, word)
        if path not in COMMANDS:
            return word
    options = {option for param in COMMANDS[path].params for option in (*param.opts, *param.secondary_opts)}
    given = [word for word in words if re.fullmatch(r"--?[a-z][\w-]*", word)]
    return next((word for word in given if word not in options | {"--help"}), "")


@each(PAGES)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    known = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make (\w+)", page.read_text("utf-8"), re.MULTILINE))
    assert named - known == set()
