"""The page and its parts as HTML. A part is rendered once for all who watch, and sent to them when it has changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from lrs.api.board.messages import LANGUAGES, choose_language
from lrs.api.letters.paths import OPERATOR_REFUSED
from lrs.api.operations.words import Words, words
from lrs.kernel.readable import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from lrs.api.operations.snapshot import Finding, Snapshot

PARTS = ("clock", "verdict", "flow", "accounts", "lag", "refused", "keeping", "apps", "processes")
_SHOWN_APPS = 12
_SHOWN_RANGES = 5
_TEMPLATES = Path(__file__).with_name("templates")
_FRAME = Path(__file__).parents[1] / "board" / "templates"


class OperatorPages:
    """Renders snapshots in the board's frame."""

    def __init__(self, *, zone: str, operator: str, min_learners: int, gateway: str) -> None:
        """`gateway` is where the operator's browser reaches the gateway: `http(s)://host[:port]`, or `:port` alone."""
        self._zone = zone
        self._gateway = gateway
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(_TEMPLATES), FileSystemLoader(_FRAME)]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["visible"] = visible
        self._environment.globals.update(
            operator=operator, min_learners=min_learners, languages=LANGUAGES, shown_apps=_SHOWN_APPS
        )
        self._macros: Any = self._environment.get_template("parts.html").module

    def say(self, request: Request) -> Words:
        """The texts of the request's language."""
        return words(choose_language(request.query_params.get("lang", ""), request.headers.get("accept-language", "")))

    def parts(self, seen: Snapshot | None, say: Words, gateway: str) -> dict[str, str]:
        """Each part's HTML by name. `gateway` as `gateway_of` says it."""
        links = _Links(gateway)
        return {name: str(getattr(self._macros, name)(seen, say, links)).strip() for name in PARTS}

    def page(self, request: Request, parts: dict[str, str], events: str) -> Response:
        """The whole page; `events` is the address of its stream."""
        say, given = self.say(request), request.query_params

        def link(path: str, *, keep: bool = False, **changes: str) -> str:
            kept = {name: value for name, value in given.items() if name == "lang" or keep}
            pairs = {name: value for name, value in {**kept, **changes}.items() if value}
            return f"{path}?{urlencode(pairs)}" if pairs else path

        html = self._environment.get_template("operations.html").render(
            say=say,
            link=link,
            page="operations",
            zone=self._zone,
            events=events,
            # Escaped where they were rendered.
            parts={name: Markup(text) for name, text in parts.items()},  # noqa: S704
        )
        headers = {"Cache-Control": "no-store", "Content-Language": say.language, "Vary": "Accept-Language"}
        return Response(html, media_type="text/html; charset=utf-8", headers=headers)

    def gateway_of(self, request: Request) -> str:
        """Where this reader's browser reaches the gateway: on the host of this page, unless a public address is set."""
        if not self._gateway.startswith(":"):
            return self._gateway
        host = request.url.hostname or "127.0.0.1"
        return f"{request.url.scheme}://{f'[{host}]' if ':' in host else host}{self._gateway}"


class _Links:
    """What the templates call."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway

    def refused(self, reason: str, language: str) -> str:
        """Examples of one reason."""
        return f"{self._gateway}{OPERATOR_REFUSED}?{urlencode({'reason': reason, 'lang': language})}"

    def refused_of(self, app: str, language: str) -> str:
        """What one app sent that was refused."""
        return f"{self._gateway}{OPERATOR_REFUSED}?{urlencode({'app': app, 'lang': language})}"

    def reason(self, reason: str, say: Words) -> str:
        """Its name, for a reason of our own."""
        return say.texts.get(f"reason.{reason}", reason)

    def offsets(self, ranges: Sequence[tuple[int, int]]) -> str:
        """The first of them, as `ayumi reconcile` writes them."""
        shown = ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges[:_SHOWN_RANGES])
        return f"{shown}, …" if len(ranges) > _SHOWN_RANGES else shown

    def spark(self, trend: Sequence[float]) -> str:
        """Points of a line in a box of 120 by 32; its highest value reaches the top."""
        most = max(trend) or 1.0
        step = 120 / (len(trend) - 1)
        return " ".join(f"{index * step:.1f},{30 - value / most * 28:.1f}" for index, value in enumerate(trend))

    def told(self, finding: Finding, what: str, say: Words) -> str:
        """A finding in words, its values written as the language writes them."""
        return told(finding, what, say)

    def advice(self, finding: Finding, say: Words) -> Markup:
        """What to do about it; what stands between backticks is to be typed."""
        pieces = enumerate(told(finding, "do", say).split("`"))
        return Markup().join(Markup("<code>{}</code>").format(text) if odd % 2 else text for odd, text in pieces)


def told(finding: Finding, what: str, say: Words) -> str:
    """`what` of a finding, or what to `do`, as a sentence."""
    return say(f"finding.{finding.kind}.{what}", **{name: _value(name, value, say) for name, value in _values(finding)})


def _values(finding: Finding) -> list[tuple[str, Any]]:
    names = {"seconds": "duration", "since_seconds": "since"}
    return [(names.get(name, name), value) for name, value in finding.values.items()]


def _value(name: str, value: Any, say: Words) -> str:  # noqa: ANN401, PLR0911 - what a finding holds
    match name:
        case "duration" | "since":
            return say.duration(value)
        case "days":
            return say.duration(value * 86_400)
        case "free":
            return say.size(value)
        case "share":
            return say.percent(value)
        case "records" | "statements":
            return say.count(value)
        case "group":
            return say(f"group.{value}")
        case "reason":
            return say.texts.get(f"reason.{value}", str(value))
        case _:
            return visible(str(value))
