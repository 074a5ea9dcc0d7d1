"""A vendor's view: the dead letters of its own app and of no other, behind the app's own credential."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.routing import Route

from lrs.api.gateway.access import Action
from lrs.api.gateway.answers import HttpError
from lrs.api.letters.paths import VENDOR_REFUSED
from lrs.api.letters.rendering import Pages
from lrs.api.letters.views import Letters, guarded

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from lrs.api.gateway.access import Access
    from lrs.store.dead_letter_queries import LetterQueries

Authenticate = Callable[[bytes | None], Awaitable["Access"]]


def vendor_letter_routes(authenticate: Authenticate, *, queries: LetterQueries, operator: str) -> list[Route]:
    """`/vendor/refused`, and one letter below it."""
    letters = Letters(queries, Pages(operator=operator))

    async def app_of(request: Request) -> str:
        header = request.headers.get("authorization")
        access = await authenticate(None if header is None else header.encode("latin-1"))
        access.require(Action.STATEMENTS_READ)
        if access.token is not None and access.token.user is not None:
            rule = "a person's token does not show what the whole app sent; use the app's own credential"
            raise HttpError(403, "insufficient_scope", rule, path="Authorization")
        return access.credential.app

    async def newest(request: Request) -> Response:
        return await letters.list(request, await app_of(request))

    async def one(request: Request) -> Response:
        return await letters.one(request, await app_of(request))

    return [
        Route(VENDOR_REFUSED, guarded(newest), methods=["GET"]),
        Route(f"{VENDOR_REFUSED}/{{source}}/{{partition}}/{{offset}}", guarded(one), methods=["GET"]),
    ]
