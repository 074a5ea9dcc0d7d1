"""Connections that cost no more than they may: bounded heads, bounded waiting, one write an answer.

The server's own protocol has no limit on a request's headers and none on the time they take.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, cast

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lrs.api.gateway.answers import COMMUNICATION
from lrs.api.gateway.versions import HEADER, NEITHER
from lrs.api.gateway.waiting import Phase, Waiting

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_MOST_HEAD_BYTES = 64 * 1024
_MOST_HEADERS = 100
_HEAD, _INTERIM = b"HTTP/1.1 ", b"HTTP/1.1 1"
_PHRASES = {400: "Bad Request", 408: "Request Timeout", 414: "URI Too Long", 431: "Request Header Fields Too Large"}


class Refuse(Exception):  # noqa: N818 - it never leaves the parser
    """The head of a request breaks a limit."""

    def __init__(self, status: int, rule: str) -> None:
        super().__init__(rule)
        self.status = status
        self.rule = rule


class OneWrite:
    """A transport that sends the head of an answer together with what follows: one system call, one packet.

    Where the connection `lingers`, closing only ends what the client is sent: bytes that meet a closed connection are
    answered with a reset, and with that a client may lose the answer that is on its way (RFC 9112, 9.6).
    """

    def __init__(self, transport: asyncio.Transport, lingers: Callable[[], bool]) -> None:
        self._transport = transport
        self._lingers = lingers
        self._head = b""
        self._ended = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send, or wait for the body of what begins with the head of a final answer."""
        if self._ended:
            return
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        elif data.startswith(_HEAD) and not data.startswith(_INTERIM):
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Send a head that no body follows."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def is_closing(self) -> bool:
        """Nothing more can be sent."""
        return self._ended or self._transport.is_closing()

    def close(self) -> None:
        """Close once everything is sent."""
        self.flush()
        if self._transport.is_closing() or not self._lingers():
            self._transport.close()
            return
        self._ended = True
        with suppress(OSError):  # the client has gone already
            self._transport.write_eof()


class Connection(HttpToolsProtocol):
    """One connection. Use `connection_class`: the server makes them without knowing of `waiting`."""

    waiting: ClassVar[Waiting]

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the server's own
        super().__init__(*args, **kwargs)
        self.phase = Phase.IDLE
        self._unused = 0
        self._refusal: Refuse | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It is open, and waits for its first request."""
        self._out = OneWrite(transport, self._lingers)
        super().connection_made(cast("asyncio.Transport", self._out))
        self.waiting.opened(self, self.loop.time())

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whichever side."""
        self.waiting.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a head, and of trailers, are kept by the parser until they are complete: count them."""
        if self._out.is_closing():
            return
        self._unused += len(data)
        super().data_received(data)
        if self._unused > _MOST_HEAD_BYTES and not self._out.is_closing():
            self._refusal = Refuse(431, f"the headers of a request have at most {_MOST_HEAD_BYTES} bytes")
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """The first byte of a request is there."""
        super().on_message_begin()
        self._wait(Phase.HEAD)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Trailers are left out: nothing here has a use for them."""
        if self.phase is Phase.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head of a request is there; a body may follow."""
        self._unused = 0
        self._wait(Phase.BODY)
        if len(self.headers) > _MOST_HEADERS:
            self._refuse(431, f"a request has at most {_MOST_HEADERS} headers")
        if len(self.url) > _MOST_HEAD_BYTES:
            self._refuse(414, f"a URL has at most {_MOST_HEAD_BYTES} bytes")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of a body is there: whoever reads it bounds it."""
        self._unused = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is there to its end; if it is answered already, the next one is waited for."""
        self._unused = 0
        self.waiting.since.pop(self, None)
        super().on_message_complete()
        if self.cycle.response_complete:
            self._wait(Phase.IDLE)

    def on_response_complete(self) -> None:
        """A request is answered; the connection waits for the next one, or still for the rest of a body."""
        self._out.flush()
        super().on_response_complete()
        if self not in self.waiting.since and not self.pipeline and not self.transport.is_closing():
            self._wait(Phase.IDLE)

    def leave(self) -> None:
        """Others need the place, or the server stops."""
        self.waiting.since.pop(self, None)
        self.transport.close()

    def shutdown(self) -> None:
        """The server stops: nothing but an answer is waited for."""
        if self.phase is Phase.LEAVING or self.cycle is None or self.cycle.response_complete:
            self.leave()
        else:
            super().shutdown()

    def expire(self) -> None:
        """The client takes too long. If it is still owed an answer, it hears so."""
        if self.phase is Phase.HEAD or (self.phase is Phase.BODY and not self.cycle.response_started):
            self._refusal = Refuse(408, "the request did not arrive in time")
            self.send_400_response("")
        else:
            self.transport.abort()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is written to."""
        super().pause_writing()
        self.waiting.stuck[self] = self.loop.time()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self.waiting.stuck.pop(self, None)

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing to warn of: some clients offer HTTP/2 with their first request, and take no for an answer."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the server's signature
        """Answer what is no request that the application could be asked, and close."""
        refusal = self._refusal or Refuse(400, "this is no HTTP/1.1 request")
        body = orjson.dumps({"error": "bad_request", "path": "head", "rule": refusal.rule, "doc": COMMUNICATION})
        head = [
            f"HTTP/1.1 {refusal.status} {_PHRASES[refusal.status]}",
            *(f"{name.decode()}: {value.decode()}" for name, value in self.server_state.default_headers),
            f"{HEADER.decode()}: {NEITHER.decode()}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "connection: close",
        ]
        self.transport.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        self._wait(Phase.BODY)  # whatever this is, there may be more of it
        self.transport.close()

    def _lingers(self) -> bool:
        """Whether the client may still be sending. If so nothing more is done but to read it, for a moment."""
        if self.phase not in (Phase.HEAD, Phase.BODY) or self not in self.waiting.since:
            return False
        self._wait(Phase.LEAVING)
        self.flow.resume_reading()
        if self.cycle is not None:
            self.cycle.disconnected = not self.cycle.response_complete
            self.cycle.message_event.set()
        return True

    def _wait(self, phase: Phase) -> None:
        self.phase = phase
        self.waiting.since.pop(self, None)
        self.waiting.since[self] = self.loop.time()

    def _refuse(self, status: int, rule: str) -> None:
        """The parser stops at an error of a callback, and the server then asks for a 400."""
        self._refusal = Refuse(status, rule)
        raise self._refusal


def connection_class(waiting: Waiting) -> type[Connection]:
    """The protocol of a server whose connections `waiting` bounds."""
    return type("BoundedConnection", (Connection,), {"waiting": waiting})
