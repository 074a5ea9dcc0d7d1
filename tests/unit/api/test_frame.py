"""The gateway's pages look like the board's, and say the same in both languages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from lrs.api import board, frame
from lrs.api.frame import LANGUAGES, framed
from lrs.api.gateway import landing

_COLOUR = re.compile(r"^\s+(--[\w-]+): ([^;]+);$", re.MULTILINE)
_FRAME, _BOARD = (Path(str(module.__file__)).parent for module in (frame, board))
_PAGES = Path(landing.__file__).with_name("pages")


def test_every_colour_is_the_boards() -> None:
    # Light and dark have the same names, so what is compared are lists.
    ours = _COLOUR.findall((_FRAME / "frame.css").read_text("utf-8"))
    theirs = _COLOUR.findall((_BOARD / "static" / "board.css").read_text("utf-8"))
    names = {name for name, _ in ours}
    assert ours == [pair for pair in theirs if pair[0] in names]


def test_both_languages_of_the_front_page_say_the_same_things() -> None:
    texts = [tomllib.loads((_PAGES / f"{language}.toml").read_text("utf-8")) for language in LANGUAGES]
    used = set(re.findall(r"say\.(\w+)", (_PAGES / "landing.html").read_text("utf-8")))
    assert [set(each) for each in texts] == [used, used]


def test_a_page_sends_forms_nowhere_unless_it_has_some() -> None:
    assert "form-action 'none'" in framed(_PAGES, "landing.css", operator="").policy
    assert "form-action 'self'" in framed(_PAGES, "landing.css", operator="", forms=True).policy
