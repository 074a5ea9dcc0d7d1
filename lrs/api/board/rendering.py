"""Templates, languages and links of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from lrs.api.board.measures import BY_AGGREGATE
from lrs.api.board.messages import LANGUAGES, Catalogue, catalogue, choose_language
from lrs.api.board.parameters import subjects

if TYPE_CHECKING:
    from starlette.requests import Request

    from lrs.store.aggregate_rows import Filters

REFRESH_SECONDS = 5

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Pages:
    """Renders a template in the language of a request."""

    def __init__(self, *, min_learners: int, operator: str, gateway_url: str) -> None:
        """`operator` is whose zone this is, `gateway_url` where apps send statements to (for the empty page)."""
        self._operator, self._min_learners = operator, min_learners
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).with_name("templates")),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            min_learners=min_learners,
            operator=operator,
            gateway_url=gateway_url,
            languages=LANGUAGES,
            refresh_seconds=REFRESH_SECONDS,
            subjects=subjects(),
            measures=BY_AGGREGATE,
        )

    def say(self, request: Request) -> Catalogue:
        """The catalogue of the request's language."""
        return catalogue(
            choose_language(request.query_params.get("lang", ""), request.headers.get("accept-language", ""))
        )

    def notes(self, filters: Filters, say: Catalogue) -> list[str]:
        """What a chart that leaves the page says below: whose, which days, which choice, and what is hidden."""
        days = "–".join(say.day(day) for day in (filters.first, filters.last) if day)
        subject = say(f"subject.{filters.subject}") if filters.subject else ""
        chosen = [subject, *(say.grade(grade) for grade in filters.grades), filters.app]
        whose = say("site.operator", operator=self._operator)
        return [" · ".join(filter(None, (whose, days, *chosen))), say("site.small_cells", least=self._min_learners)]

    def answer(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
        """The page. `say` and `link` are there for every template."""
        say = self.say(request)
        given = request.query_params

        def link(path: str, *, keep: bool = False, also: Mapping[str, str] = _NOTHING, **changes: str) -> str:
            """An address on this board: in the language asked for, with the other parameters if `keep`."""
            changes = {**also, **changes}
            kept = [(name, value) for name, value in given.multi_items() if value and (keep or name == "lang")]
            pairs = [(name, value) for name, value in kept if name not in changes]
            pairs += [(name, value) for name, value in changes.items() if value]
            return f"{path}?{urlencode(pairs)}" if pairs else path

        html = self._environment.get_template(template).render(
            say=say, link=link, given=given, path=request.url.path, **values
        )
        headers = {"Cache-Control": "no-store", "Content-Language": say.language, "Vary": "Accept-Language"}
        return Response(html, status, media_type="text/html; charset=utf-8", headers=headers)
