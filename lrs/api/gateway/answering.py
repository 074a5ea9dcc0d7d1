"""From an `Answer` to ASGI messages: the headers that every answer has, compression, and bodies sent in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrs.api.gateway.codings import chosen, encoded
from lrs.api.gateway.versions import HEADER, NEITHER

if TYPE_CHECKING:
    from lrs.api.gateway.answers import Answer, Header
    from lrs.api.gateway.cors import Cors
    from lrs.api.gateway.requests import Request, Send

_TEXT = (b"application/json", b"text/html")
_BODILESS = frozenset({204, 304})
_VARY = (b"vary", b"accept-encoding")
# Otherwise a browser guesses from Last-Modified how long it may show a page an old document.
_ASK_AGAIN = (b"cache-control", b"no-cache")


class Answering:
    """Sends answers."""

    def __init__(self, cors: Cors) -> None:
        self._cors = cors

    async def send(self, request: Request, answer: Answer, more: tuple[Header, ...], send: Send) -> None:
        """Send one answer; `more` are the headers of its resource. The server adds Date."""
        body, coding = answer.body, ""
        if b"accept-encoding" in request.headers and _compressible(answer):
            coding = chosen(request.headers[b"accept-encoding"], len(body))
            body = await encoded(body, coding) if coding else body
        version = request.version.value.encode() if request.version else NEITHER
        headers: list[Header] = [(HEADER, version), *answer.headers, *more]
        if answer.status not in _BODILESS:
            length = len(body) if answer.stream is None else answer.stream.size
            headers += [(b"content-type", answer.content_type), (b"content-length", b"%d" % length)]
        if request.method == "GET":
            headers.append(_ASK_AGAIN)
        if coding:
            headers += [(b"content-encoding", coding.encode()), _VARY]
        origin = request.headers.get(b"origin")
        if origin is not None:
            headers += self._cors.headers(origin)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if request.method == "HEAD":
            body = b""
        elif answer.stream is not None:
            async for piece in answer.stream.pieces():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": body})


def _compressible(answer: Answer) -> bool:
    """Text without an ETag: the tag is the digest of the bytes as they are (xAPI 1.0.3 Communication 3.1)."""
    kind = answer.content_type
    return kind.startswith(_TEXT) and not any(name == b"etag" for name, _ in answer.headers)
