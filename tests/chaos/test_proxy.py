"""The proxy does to connections what it says, and only to those of the client that it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.proxy import Proxy
from tests.support.waiting import eventually

_ONE, _OTHER = "one", "other"


class Echo:
    """A server that sends back what it gets, and keeps it."""

    def __init__(self) -> None:
        self.got = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1024):
            self.got += data
            writer.write(data)
        writer.close()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    names = iter((_ONE, _OTHER, *[_ONE] * 5))
    async with server, Proxy(lambda _: next(names)) as proxy:
        proxy.upstream = server.sockets[0].getsockname()[1]
        yield proxy


class Client:
    """Connections through a proxy, closed at the end."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> Connection:
        """A connection that works."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._proxy.port)
        self._writers.append(writer)
        made = Connection(reader, writer)
        assert await made.ask(b"hello") == b"hello"
        return made

    async def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)


class Connection:
    """One of them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, what: bytes) -> bytes:
        self._writer.write(what)
        return await asyncio.wait_for(self._reader.readexactly(len(what)), 5)

    async def hears(self) -> bytes:
        return await self._reader.read(1024)

    def say(self, what: bytes) -> None:
        self._writer.write(what)


@pytest.fixture
async def client(proxy: Proxy) -> AsyncIterator[Client]:
    client = Client(proxy)
    yield client
    await client.close()


async def test_a_cut_resets_one_clients_connections_and_refuses_new_ones_until_it_is_mended(
    proxy: Proxy, client: Client
) -> None:
    one, other = await client.connect(), await client.connect()
    assert proxy.cut(_ONE) == 1
    with pytest.raises(ConnectionError):
        await one.hears()
    assert await other.ask(b"still here") == b"still here"
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await client.connect()
    proxy.mend(_ONE)
    await client.connect()


async def test_lost_answers_let_the_question_through(proxy: Proxy, client: Client, echo: Echo) -> None:
    one = await client.connect()
    proxy.deafen(_ONE)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(one.ask(b"heard"), 0.2)
    await eventually(lambda: echo.got.endswith(b"heard"))
    proxy.mend(_ONE)
    with pytest.raises(ConnectionError):
        await one.hears()


async def test_a_half_open_connection_passes_nothing_and_does_not_end(proxy: Proxy, client: Client, echo: Echo) -> None:
    one, _ = await client.connect(), await client.connect()
    proxy.silence(_ONE)
    one.say(b"lost")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(one.hears(), 0.2)
    assert b"lost" not in echo.got
    await client.connect()


async def test_a_slow_connection_passes_everything(proxy: Proxy, client: Client) -> None:
    one = await client.connect()
    proxy.slow(_ONE, 0.1)
    asking = asyncio.ensure_future(one.ask(b"slowly"))
    done, _ = await asyncio.wait([asking], timeout=0.05)
    assert not done
    assert await asking == b"slowly"
