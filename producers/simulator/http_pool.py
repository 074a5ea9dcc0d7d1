"""Keep-alive HTTP/1.1 POSTs and nothing else: what a load generator that shares two cores with its target can afford.

Measured beside the zone: httpx took some 2 ms of CPU a request, most of it in looking for modules and walking its pool;
this takes 0.1 ms. TLS, chunked answers and closing servers are handled; redirects, proxies and cookies are not wanted.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import httptools

if TYPE_CHECKING:
    from collections.abc import Mapping

_READ_BYTES = 64 * 1024
_BODY_BUFFER = 4 * 1024 * 1024


class Response(NamedTuple):
    """Status and body of an answer."""

    status: int
    body: bytes


class BrokenError(Exception):
    """The connection ended, or took too long, before the whole answer was there: nobody knows what became of it."""


class HttpPool:
    """Connections to one host. As many are open as are used at once; belongs to one event loop."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        """`url` is what is posted to. Raises `ValueError` when it is no http or https URL."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            msg = f"an http or https URL is needed, not {url!r}"
            raise ValueError(msg)
        self._host = parts.hostname
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        self._start = f"POST {path} HTTP/1.1\r\nhost: {parts.netloc.rpartition('@')[2]}\r\n"
        self._timeout = timeout_seconds
        self._idle: list[_Connection] = []

    async def post(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Post and wait for the answer. Raises `BrokenError`."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{self._start}{lines}content-length: {len(body)}\r\n\r\n".encode()
        connection: _Connection | None = None
        try:
            async with asyncio.timeout(self._timeout):
                connection = await self._connection()
                response, reusable = await connection.exchange(head, body)
        except (OSError, TimeoutError, httptools.HttpParserError) as error:
            raise BrokenError(str(error) or type(error).__name__) from error
        else:
            if reusable:
                self._idle.append(connection)
                connection = None
            return response
        finally:
            if connection is not None:
                connection.close()

    async def close(self) -> None:
        """Close every connection."""
        for connection in self._idle:
            connection.close()
        await asyncio.gather(*(connection.closed() for connection in self._idle))
        self._idle.clear()

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            # A server closes what was idle too long; what would be sent there now could never be answered.
            if connection.alive():
                return connection
            connection.close()
        return _Connection(*await asyncio.open_connection(self._host, self._port, ssl=self._tls))


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        # A batch is written whole: waiting for the socket in the middle of it would only add wake-ups.
        writer.transport.set_write_buffer_limits(high=_BODY_BUFFER)

    def alive(self) -> bool:
        return not (self._reader.at_eof() or self._writer.transport.is_closing())

    async def exchange(self, head: bytes, body: bytes) -> tuple[Response, bool]:
        self._writer.writelines((head, body))
        await self._writer.drain()
        answer = _Answer()
        parser = answer.parser = httptools.HttpResponseParser(answer)
        while not answer.complete:
            data = await self._reader.read(_READ_BYTES)
            if not data:
                msg = "the connection was closed before the answer"
                raise ConnectionError(msg)
            parser.feed_data(data)
        return Response(parser.get_status_code(), b"".join(answer.parts)), answer.keep_alive

    def close(self) -> None:
        self._writer.close()

    async def closed(self) -> None:
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


class _Answer:
    """What httptools calls while it reads an answer."""

    def __init__(self) -> None:
        self.parser: httptools.HttpResponseParser
        self.parts: list[bytes] = []
        self.complete = False
        self.keep_alive = False

    def on_body(self, data: bytes) -> None:
        self.parts.append(data)

    def on_message_complete(self) -> None:
        self.complete = True
        # The parser forgets it as soon as the message is over.
        self.keep_alive = self.parser.should_keep_alive()
