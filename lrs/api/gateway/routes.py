"""The route table: every resource below /xAPI, and who answers which method of it. HEAD goes wherever GET does."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from lrs.api.gateway.about import about

if TYPE_CHECKING:
    from lrs.api.gateway.answers import Answer
    from lrs.api.gateway.calls import Handler
    from lrs.api.gateway.landing import Landing
    from lrs.api.gateway.openapi import OpenApi
    from lrs.api.gateway.reading import Reading
    from lrs.api.gateway.requests import Request
    from lrs.api.gateway.writing import Writing

STATEMENTS = "/xAPI/statements"
_SLASHES = re.compile(r"/{2,}")
_NONE: Mapping[str, Handler] = MappingProxyType({})

Page = Callable[["Request"], Awaitable["Answer"]]


class Route(NamedTuple):
    """One resource."""

    name: str
    """The path; a label of metrics."""
    handlers: Mapping[str, Handler] = _NONE
    """By method. Empty for an open page."""
    page: Page | None = None
    """For GET and HEAD, by anybody, in any version; None for what needs a credential."""

    @property
    def methods(self) -> tuple[str, ...]:
        """In alphabetical order, without OPTIONS."""
        return tuple(sorted(self.handlers)) if self.page is None else ("GET", "HEAD")


class Routes:
    """Paths to routes."""

    def __init__(self, routes: list[Route]) -> None:
        self._by_path = {route.name: route for route in routes}

    def find(self, path: str) -> Route | None:
        """The resource at `path`. One slash too many, as joined URLs have them, does not matter."""
        found = self._by_path.get(path)
        if found is None and ("//" in path or path.endswith("/")):
            found = self._by_path.get(_SLASHES.sub("/", path).rstrip("/") or "/")
        return found

    def __iter__(self) -> Iterator[Route]:
        return iter(self._by_path.values())


def statement_route(reading: Reading, writing: Writing) -> Route:
    """The statement resource."""
    return Route(STATEMENTS, {"GET": reading.get, "HEAD": reading.get, "POST": writing.post, "PUT": writing.put})


def read_route(path: str, get: Handler) -> Route:
    """A resource that can only be read."""
    return Route(path, {"GET": get, "HEAD": get})


def document_route(path: str, handle: Handler) -> Route:
    """A document resource."""
    return Route(path, dict.fromkeys(("GET", "HEAD", "PUT", "POST", "DELETE"), handle))


def open_routes(landing: Landing, openapi: OpenApi) -> list[Route]:
    """What anybody may read."""
    return [
        Route("/", page=landing.door),
        Route("/xAPI", page=landing.page),
        Route("/xAPI/about", page=about),
        Route("/xAPI/openapi.json", page=openapi.page),
    ]
