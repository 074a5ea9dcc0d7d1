"""What a person sees who opens the interface in a browser: what this is, whose, and where a developer goes on."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from lrs.api.frame import LANGUAGES, framed
from lrs.api.gateway.answers import Answer
from lrs.kernel.statements import XapiVersion

if TYPE_CHECKING:
    from lrs.api.gateway.requests import Request

_FOLDER = Path(__file__).with_name("pages")
_HTML = b"text/html; charset=utf-8"


class Landing:
    """The page, rendered once in each language."""

    def __init__(self, *, operator: str, url: str) -> None:
        """`operator` is whose zone this is, `url` where apps reach the interface."""
        environment, policy = framed(_FOLDER, "landing.css", operator=operator)
        headers = ((b"content-security-policy", policy.encode()), (b"vary", b"accept-language"))
        page = environment.get_template("landing.html")
        self._answers = {
            language: Answer(
                200,
                page.render(
                    language=language,
                    say=_texts(language, operator),
                    link=_link,
                    endpoint=f"{url.rstrip('/')}/xAPI/",
                    versions=" / ".join(version.value for version in XapiVersion),
                ).encode(),
                _HTML,
                headers,
            )
            for language in LANGUAGES
        }

    async def page(self, request: Request) -> Answer:
        """In the language of `?lang=`, else of Accept-Language, else Japanese.

        Its links are relative, so its own address ends with a slash.
        """
        if not request.path.endswith("/"):
            return await self.door(request)
        asked = parse_qs(request.query.decode("ascii", "replace")).get("lang", [""])[0]
        if asked not in self._answers:
            asked = _preferred(request.headers.get(b"accept-language", b""))
        return self._answers[asked]

    async def door(self, _: Request) -> Answer:
        """From the root or /xAPI to the page; relative: there may be a proxy with a path of its own before us."""
        return Answer(303, headers=((b"location", b"xAPI/"),))


def _link(*, lang: str) -> str:
    return f"?lang={lang}"


def _texts(language: str, operator: str) -> dict[str, str]:
    texts = tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8"))
    return {key: text.format(operator=operator) for key, text in texts.items()}


def _preferred(accept_language: bytes) -> str:
    """Browsers list languages in their order of preference; the first one that we have counts."""
    for item in accept_language.decode("ascii", "replace").lower().split(",")[:20]:
        language = item.partition(";")[0].strip().partition("-")[0]
        if language in LANGUAGES:
            return language
    return "ja"
