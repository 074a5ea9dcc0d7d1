"""HTTP as bytes on a socket: sends anything, and reads what is answered."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.support.described import Answer

# How long a client waits for an answer to what may be no whole request. A good one is answered far sooner.
ODD_SECONDS = 0.3
_SECONDS = 60


class Line:
    """One connection at a time, opened again when the record store has closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._place = (host, port)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, sent: bytes, *, is_head: bool, is_odd: bool) -> Answer | None:
        """The first answer; None when the connection was closed without any, or `is_odd` and none came soon.

        What is odd has a connection of its own: nobody can tell where its answer ends.
        """
        if self._writer is None or is_odd:
            await self.close()
            self._reader, self._writer = await asyncio.open_connection(*self._place)
        assert self._reader is not None
        try:
            self._writer.write(sent)
            async with asyncio.timeout(ODD_SECONDS if is_odd else _SECONDS):
                with suppress(ConnectionError):
                    await self._writer.drain()
                answer = await _read(self._reader, is_head=is_head)
        except (ConnectionError, asyncio.IncompleteReadError):
            await self.close()
            return None
        except TimeoutError:
            await self.close()
            if is_odd:
                return None
            raise
        if is_odd or answer.headers.get("connection") == "close":
            await self.close()
        return answer

    async def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
            with suppress(OSError):
                await self._writer.wait_closed()
        self._reader = self._writer = None


async def _read(reader: asyncio.StreamReader, *, is_head: bool) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head[:-4].decode("latin-1").split("\r\n")
    status = int(lines[0].split()[1])
    if status == 100:
        return await _read(reader, is_head=is_head)
    pairs = (line.partition(":") for line in lines[1:])
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    size = 0 if is_head else int(headers.get("content-length", 0))
    return Answer(status, headers, await reader.readexactly(size))
