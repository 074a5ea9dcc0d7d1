"""One HTTP request as the gateway sees it, and its body read within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lrs.api.gateway.answers import HttpError, bad_request
from lrs.kernel.errors import RefusedError, RetryError
from lrs.kernel.reasons import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_BODY_SECONDS = 60.0
_DRAINED = 4  # times the limit: how much of a body that is too large is read before it is refused


class Request:
    """Method, path, query and headers; the body is taken by `Bodies.read`."""

    __slots__ = ("headers", "method", "path", "query", "receive")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.receive = receive


class Bodies:
    """Reads bodies: none larger than `max_bytes`, all that are under way together no larger than `max_together`."""

    def __init__(self, max_bytes: int, max_together: int) -> None:
        self._max_bytes = max_bytes
        self._max_together = max_together
        self._together = 0

    @contextmanager
    def held(self) -> Iterator[list[int]]:
        """Where `read` notes what it took; given back when the request is answered."""
        taken = [0]
        try:
            yield taken
        finally:
            self._together -= taken[0]

    async def read(self, request: Request, taken: list[int]) -> bytes:
        """The whole body. Raises `RefusedError` when it is too large, `RetryError` when too many are under way."""
        declared = request.headers.get(b"content-length", b"0")
        size = int(declared) if declared.isdigit() else 0
        # With Expect: 100-continue nothing was sent yet, and the client hears of the limit before it sends.
        if size > self._max_bytes and (size > _DRAINED * self._max_bytes or b"expect" in request.headers):
            raise self._too_large()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                return await self._read(request, taken)
        except TimeoutError as error:
            rule = f"the body did not arrive within {_BODY_SECONDS:g} s"
            raise HttpError(408, "timeout", rule, path="body", headers=((b"connection", b"close"),)) from error

    async def _read(self, request: Request, taken: list[int]) -> bytes:
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
                self._take(len(part), taken)
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

    def _take(self, size: int, taken: list[int]) -> None:
        self._together += size
        taken[0] += size
        if self._together > self._max_together:
            raise RetryError("memory for request bodies", f"{self._together} bytes are under way")
