"""A connection to the broker that is lost at the moment of a write, on the loop that Ayumi's processes run on."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import IncompatibleBrokerVersion, KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionRequest
from aiokafka.protocol.metadata import MetadataRequest

from lrs.kernel.kafka_options import client_options
from lrs.kernel.settings import BrokerSettings

_RESET = struct.pack("ii", 1, 0)


async def _lose(broker: BrokerSettings) -> None:
    """Through a listener that resets the connection; it is written to at every turn of the loop until it is told."""
    there: list[asyncio.StreamWriter] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there.append(writer)
        _, to_broker = streams = await asyncio.open_connection("127.0.0.1", broker.port)
        to_broker.write(await reader.read(1 << 16))
        writer.write(await streams[0].read(1 << 16))
        to_broker.close()

    async with await asyncio.start_server(pass_on, "127.0.0.1", 0) as server:
        connection: AIOKafkaConnection = await create_conn("127.0.0.1", server.sockets[0].getsockname()[1])
        there[0].get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        there[0].transport.abort()
        with pytest.raises(KafkaConnectionError):
            await _ask_until_lost(connection)
        assert not connection.connected()


async def _ask_until_lost(connection: AIOKafkaConnection) -> None:
    asked = []
    try:
        for _ in range(1000):
            asked.append(asyncio.ensure_future(connection.send(MetadataRequest([]))))
            await asyncio.sleep(0)
    finally:
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(answer) for answer in answers} <= {KafkaConnectionError}


def test_a_write_to_a_connection_that_was_just_lost_tells_of_its_loss(broker: BrokerSettings) -> None:
    client_options(broker)
    uvloop.run(_lose(broker))


async def test_a_request_that_the_broker_does_not_know_is_no_lost_connection(broker: BrokerSettings) -> None:
    client_options(broker)
    connection = await create_conn("127.0.0.1", broker.port)
    connection._versions = {}  # noqa: SLF001 - as of a broker that knows nothing
    with pytest.raises(IncompatibleBrokerVersion):
        await connection.send(MetadataRequest([]))
    connection._versions = {ApiVersionRequest.API_KEY: (900, 999)}  # noqa: SLF001
    with pytest.raises(NotImplementedError):
        await connection.send(ApiVersionRequest())
    assert connection.connected()
    connection.close()
