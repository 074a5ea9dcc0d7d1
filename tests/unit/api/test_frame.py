"""The frame of the gateway's pages, and that they say the same in both languages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from lrs.api.frame import LANGUAGES, framed
from lrs.api.gateway import landing

_PAGES = Path(landing.__file__).with_name("pages")


def test_both_languages_of_the_front_page_say_the_same_things() -> None:
    texts = [tomllib.loads((_PAGES / f"{language}.toml").read_text("utf-8")) for language in LANGUAGES]
    used = set(re.findall(r"say\.(\w+)", (_PAGES / "landing.html").read_text("utf-8")))
    assert [set(each) for each in texts] == [used, used]


def test_a_page_sends_forms_nowhere_unless_it_has_some() -> None:
    assert "form-action 'none'" in framed(_PAGES, "landing.css", operator="").policy
    assert "form-action 'self'" in framed(_PAGES, "landing.css", operator="", forms=True).policy
