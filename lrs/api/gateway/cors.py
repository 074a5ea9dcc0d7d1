"""Cross-origin requests of browsers (the Fetch standard): xAPI clients run in pages of other origins.

Credentials travel in the Authorization header that the page itself sets. Cookies are neither set nor read here, so
`Access-Control-Allow-Credentials` is never sent, and any origin may be allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrs.api.gateway.answers import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrs.api.gateway.answers import Header
    from lrs.api.gateway.requests import Request

_ANY = "*"
_PREFLIGHT_SECONDS = 86_400  # browsers cut it down to what they allow
_REQUEST_HEADERS = (
    "Accept-Language, Authorization, Content-Encoding, Content-Type, If-Match, If-None-Match, X-Experience-API-Version"
)
_EXPOSED = (
    "Content-Disposition, Date, ETag, Last-Modified, Location, Retry-After, WWW-Authenticate, "
    "X-Experience-API-Consistent-Through, X-Experience-API-Version"
)


class Cors:
    """Which origins may read answers."""

    def __init__(self, origins: str) -> None:
        """`origins` are divided by commas; `*` is any, nothing is none."""
        self._origins = frozenset(one.strip().encode() for one in origins.split(",") if one.strip())
        self._any = _ANY.encode() in self._origins

    def headers(self, origin: bytes) -> Sequence[Header]:
        """What an answer to a page of `origin` has in addition."""
        if self._any:
            return _OPEN
        if origin in self._origins:
            return ((b"access-control-allow-origin", origin), _EXPOSE, _VARY)
        return (_VARY,)

    def options(self, request: Request, methods: Sequence[str]) -> Answer:
        """The answer to OPTIONS, be it a browser's preflight or a question about the methods."""
        allowed = ", ".join((*methods, "OPTIONS")).encode()
        headers: list[Header] = [(b"allow", allowed)]
        if b"access-control-request-method" in request.headers:
            headers += [
                (b"access-control-allow-methods", allowed),
                (b"access-control-allow-headers", _REQUEST_HEADERS.encode()),
                (b"access-control-max-age", b"%d" % _PREFLIGHT_SECONDS),
            ]
        return Answer(204, headers=tuple(headers))


_EXPOSE = (b"access-control-expose-headers", _EXPOSED.encode())
_VARY = (b"vary", b"origin")
_OPEN = ((b"access-control-allow-origin", b"*"), _EXPOSE)
