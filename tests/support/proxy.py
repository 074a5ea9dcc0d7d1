"""A TCP proxy on loopback whose connections can be cut, made deaf or mute, or slowed down, for some clients or all."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from lrs.cli.ports import free_port

_CHUNK_BYTES = 64 * 1024
# Of SO_LINGER: a close is a reset, not an orderly end.
_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class _Link:
    """One connection, and what is wrong with it now."""

    client: str
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    deaf: bool = False
    silent: bool = False

    def abort(self) -> None:
        """Reset both sides."""
        for writer in self.writers:
            if not writer.transport.is_closing():
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            writer.transport.abort()


class Proxy:
    """Passes connections on to 127.0.0.1:`upstream`. Belongs to one event loop; `port` is where it listens."""

    def __init__(self, whose: Callable[[int], str]) -> None:
        """`whose` names the client behind a local port; the faults are asked for by these names."""
        self.port = free_port()
        self.upstream = 0
        self._whose = whose
        self._links: set[_Link] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._refused: set[str] = set()
        self._delays: dict[str, float] = {}
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for link in list(self._links):
            link.abort()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def cut(self, client: str) -> int:
        """Reset the client's connections and refuse new ones until `mend`; how many there were."""
        self._refused.add(client)
        return self._each(client, _Link.abort)

    def deafen(self, client: str) -> int:
        """What it asks arrives, the answers do not: until `mend`, which resets these connections."""
        return self._each(client, lambda link: setattr(link, "deaf", True))

    def silence(self, client: str) -> int:
        """Its connections pass nothing any more, not even their end, and stay open: half-open. New ones work."""
        return self._each(client, lambda link: setattr(link, "silent", True))

    def slow(self, client: str, seconds: float) -> None:
        """Hold back each piece that goes either way by so long, until `mend`."""
        self._delays[client] = seconds

    def mend(self, client: str) -> None:
        """End what was done to a client's connections; a half-open one stays so for as long as it lives."""
        self._refused.discard(client)
        self._delays.pop(client, None)
        self._each(client, lambda link: link.abort() if link.deaf else None)

    def _each(self, client: str, do: Callable[[_Link], None]) -> int:
        links = [link for link in self._links if link.client == client]
        for link in links:
            do(link)
        return len(links)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        client = self._whose(writer.get_extra_info("peername")[1])
        link = _Link(client, [writer])
        if client in self._refused:
            link.abort()
            return
        self._links.add(link)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
            link.writers.append(far_writer)
            await asyncio.gather(
                self._pump(link, reader, far_writer, answers=False), self._pump(link, far_reader, writer, answers=True)
            )
        except OSError:
            pass  # refused or reset by either side: so is the other
        finally:
            link.abort()
            self._links.discard(link)

    async def _pump(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await reader.read(_CHUNK_BYTES):
            if delay := self._delays.get(link.client):
                await asyncio.sleep(delay)
            if link.silent or (link.deaf and answers):
                continue
            writer.write(data)
            await writer.drain()
        if link.silent:
            await self._until_aborted(writer)
        with contextlib.suppress(OSError):
            writer.close()

    @staticmethod
    async def _until_aborted(writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await writer.wait_closed()
