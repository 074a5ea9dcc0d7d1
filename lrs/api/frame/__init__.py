"""The look of all pages, and the frame of the gateway's, which have the style inside: there nothing else may be loaded.

Such a page's templates extend `frame.html`. It knows no texts and no routes: a page brings its own.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

LANGUAGES = {"ja": "日本語", "en": "English"}

_FOLDER = Path(__file__).parent


class Frame(NamedTuple):
    """Templates with the style as a global, and the Content-Security-Policy under which exactly that style is read."""

    environment: Environment
    policy: str


def framed(folder: Path, style: str, *, operator: str, forms: bool = False) -> Frame:
    """The templates of a folder, with its file of style; `operator` is whose zone this is, `forms`: it has some."""
    text = (_FOLDER / "static" / "frame.css").read_text("utf-8") + (folder / style).read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    sent_to = "'self'" if forms else "'none'"
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action {sent_to}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    environment = Environment(
        loader=FileSystemLoader([folder, _FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(style=text, operator=operator, languages=LANGUAGES)
    return Frame(environment, policy)
