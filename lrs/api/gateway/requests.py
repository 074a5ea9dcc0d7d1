"""One HTTP request as the gateway sees it, and its body read within bounds."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from lrs.api.gateway.answers import bad_request
from lrs.api.gateway.codings import decoded
from lrs.api.gateway.versions import HEADER, spoken
from lrs.kernel.errors import RefusedError, RetryError
from lrs.kernel.reasons import Refusal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_RATE_SECONDS = 5.0
_LONGEST_WAIT = 60.0
_DRAINED = 4  # times the limit: how much of a body that is too large is read before it is refused


class Request:
    """Method, path, query and headers; the body is taken by `Bodies.read`.

    The alternate request syntax changes all but the path: `alternate.unwrap`. `version` is None as long as the request
    names none that is spoken here; `taken` counts the bytes of body that are held in memory for it.
    """

    __slots__ = ("body", "headers", "method", "path", "query", "receive", "taken", "version")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.receive = receive
        self.version = spoken(self.headers.get(HEADER))
        self.body: bytes | None = None
        self.taken = 0


class Bodies:
    """Reads bodies: none larger than `max_bytes`, all that are under way together no larger than `max_together`."""

    def __init__(self, max_bytes: int, max_together: int) -> None:
        self._max_bytes = max_bytes
        self._max_together = max_together
        self._together = 0
        self._released = 0.0
        self._released_at = time.monotonic()

    def release(self, request: Request) -> None:
        """The request is answered: its body is no longer held."""
        self._together -= request.taken
        self._released = self._recent() + request.taken
        self._released_at = time.monotonic()
        request.taken = 0

    async def read(self, request: Request) -> bytes:
        """The whole body, decoded. Whoever calls this must `release`.

        Raises `RefusedError` when it is too large, `RetryError` when too many are under way, a 4xx when it does not
        arrive or cannot be decoded. One that comes too slowly ends with its connection: see `connections`.
        """
        declared = request.headers.get(b"content-length", b"0")
        size = int(declared) if declared.isdigit() else 0
        # With Expect: 100-continue nothing was sent yet, and the client hears of the limit before it sends.
        if size > self._max_bytes and (size > _DRAINED * self._max_bytes or b"expect" in request.headers):
            raise self._too_large()
        body = await self._read(request)
        coding = request.headers.get(b"content-encoding")
        if coding is None:
            return body
        plain = await decoded(body, coding, self._max_bytes)
        self._take(len(plain), request)
        return plain

    async def _read(self, request: Request) -> bytes:
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise bad_request("body", "the connection ended before the body did")
            part: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(part)
            if size <= self._max_bytes:
                self._take(len(part), request)
                parts.append(part)
            elif size > _DRAINED * self._max_bytes:
                break
            else:
                # Read on and forget: who answers and closes while a client still sends resets the connection, and the
                # client never sees the answer.
                parts.clear()
        if size > self._max_bytes:
            raise self._too_large()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _too_large(self) -> RefusedError:
        rule = f"a request's body has at most {self._max_bytes} bytes (AYUMI_GATEWAY__MAX_BODY_MB)"
        return RefusedError(Refusal.TOO_LARGE, rule)

    def _take(self, size: int, request: Request) -> None:
        self._together += size
        request.taken += size
        if self._together > self._max_together:
            # As much as is let in has to be answered first, at the rate of the last seconds.
            wait = self._together * _RATE_SECONDS / max(1.0, self._recent())
            raise RetryError(
                "memory for request bodies",
                f"{self._together} bytes are under way",
                after_seconds=min(_LONGEST_WAIT, max(1.0, wait)),
            )

    def _recent(self) -> float:
        """Bytes that were answered in the last `_RATE_SECONDS`, older ones fading."""
        return self._released * math.exp((self._released_at - time.monotonic()) / _RATE_SECONDS)
