"""From an HTTP request to a `Call`: alternate syntax, version, credential, body, in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrs.api.gateway import alternate
from lrs.api.gateway.answers import HttpError
from lrs.api.gateway.calls import Call
from lrs.api.gateway.versions import HEADER, refuse_version

if TYPE_CHECKING:
    from lrs.api.gateway.authentication import Authentication
    from lrs.api.gateway.calls import Handler
    from lrs.api.gateway.requests import Bodies, Request
    from lrs.api.gateway.routes import Route

_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE"})


class Admission:
    """Lets requests in."""

    def __init__(self, authentication: Authentication, bodies: Bodies) -> None:
        self._authentication = authentication
        self._bodies = bodies

    async def admit(self, request: Request, route: Route) -> tuple[Handler, Call]:
        """Who handles the request, and what they are asked. Raises the 4xx of the first thing that is wrong with it."""
        if b"method" in request.query and alternate.is_alternate(request.query):
            await alternate.unwrap(request, self._bodies)
        method, headers = request.method, request.headers
        handler = route.handlers.get(method)
        if handler is None:
            raise not_allowed(method, route.methods)
        if request.version is None:
            raise refuse_version(headers.get(HEADER))
        access = await self._authentication.authenticate(headers.get(b"authorization"))
        body = request.body
        if body is None:
            # Only now: nobody unknown makes this process hold a body, except in a form.
            body = b"" if method in _WITHOUT_BODY else await self._bodies.read(request)
        return handler, Call(method, request.query, headers, body, request.version, access)

    def dismiss(self, request: Request) -> None:
        """The request is answered."""
        if request.taken:
            self._bodies.release(request)


def not_allowed(method: str, methods: tuple[str, ...]) -> HttpError:
    """A 405 that says what is allowed."""
    allow = (b"allow", ", ".join(methods).encode())
    rule = f"this resource answers {', '.join(methods)}"
    return HttpError(405, "method_not_allowed", rule, path=method[:20], headers=(allow,))
