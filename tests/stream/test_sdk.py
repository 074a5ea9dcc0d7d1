"""The SDK against a real broker: every statement is on the log, or in an error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest

from lrs.kernel.errors import RefusedError
from lrs.kernel.settings import BrokerSettings
from producers.sdk import SendError, StatementPublisher
from tests.support.received_log import read_received

_ID = "6690e6c9-3ef0-4ed3-8b37-7f3964730bee"


def _statement(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
    return {
        "actor": {"account": {"homePage": "https://board.example.jp", "name": "u1"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": "https://drill.example.jp/items/かけ算"},
        **changes,
    }


def _sdk(broker: BrokerSettings, zone: str, **options: Any) -> StatementPublisher:  # noqa: ANN401 - any option
    return StatementPublisher(broker, zone=zone, app="drill-a", **options)


async def test_a_sent_statement_is_on_the_log_with_its_own_id_and_app(broker: BrokerSettings, zone: str) -> None:
    async with _sdk(broker, zone) as publisher:
        assert await publisher.send(_statement(id=_ID.upper())) == UUID(_ID)
    [logged] = await read_received(broker, zone)
    assert logged.key == logged.record["statement_id"] == UUID(_ID).bytes
    assert json.loads(logged.record["statement"]) == _statement(id=_ID.upper())
    assert (logged.record["app"], logged.record["entrance"]) == ("drill-a", "SDK")
    assert logged.record["stored_at_ms"] is None
    assert logged.record["authority"] is None


async def test_json_is_logged_byte_for_byte_and_an_id_is_minted_where_there_is_none(
    broker: BrokerSettings, zone: str
) -> None:
    raw = json.dumps(_statement(), indent=3, ensure_ascii=True)
    async with _sdk(broker, zone) as publisher:
        ids = [await publisher.send(form) for form in (raw, raw.encode(), bytearray(raw.encode()))]
    logged = await read_received(broker, zone)
    assert {one.record["statement"] for one in logged} == {raw.encode()}
    assert {UUID(bytes=one.key) for one in logged} == set(ids)
    assert {one.version for one in ids} == {4}


@pytest.mark.parametrize(
    ("statement", "path", "rule"),
    [
        (b"[]", "$", "JSON object"),
        (b"", "$", "JSON object"),
        (b"{", "$", "JSON object"),
        (b"\xff", "$", "JSON object"),
        ("\ud800", "$", "writable as JSON"),
        (b"[" * 999, "$", "JSON object"),
        (["a"], "$", "a mapping, or its JSON"),
        (None, "$", "a mapping, or its JSON"),
        ({"actor": object()}, "$", "writable as JSON"),
        ({1: 2}, "$", "writable as JSON"),
        ({"id": "1"}, "$.id", "id must be a UUID"),
        ({"id": 1}, "$.id", "id must be a UUID"),
        ({"id": None}, "$.id", "id must be a UUID"),
        ({"id": "{" + _ID + "}"}, "$.id", "id must be a UUID"),
        ({"x": "y" * 2000}, "$", "at most 1000 bytes"),
    ],
    ids=lambda given: repr(given)[:30],
)
async def test_what_cannot_be_a_statement_is_refused_and_nothing_is_logged(
    broker: BrokerSettings,
    zone: str,
    statement: Any,  # noqa: ANN401 - bad on purpose
    path: str,
    rule: str,
) -> None:
    async with _sdk(broker, zone, max_statement_bytes=1000) as publisher:
        with pytest.raises(RefusedError, match=rule) as caught:
            await publisher.send(statement)
    assert caught.value.path == path
    assert await read_received(broker, zone) == []


async def test_many_are_sent_in_order_from_any_iterable(broker: BrokerSettings, zone: str) -> None:
    given = [_statement(id=str(UUID(int=number, version=4))) for number in range(1, 1301)]

    async def later() -> AsyncIterator[dict[str, Any]]:
        for statement in given[650:]:
            yield statement

    async with _sdk(broker, zone) as publisher:
        first = await publisher.send_many(iter(given[:650]))
        second = await publisher.send_many(later())
    assert [str(one) for one in first + second] == [statement["id"] for statement in given]
    assert len(await read_received(broker, zone)) == 1300


async def test_a_bad_statement_does_not_stop_its_neighbours_and_is_handed_back(
    broker: BrokerSettings, zone: str
) -> None:
    bad: list[Any] = [b"[]", {"id": 1}]
    async with _sdk(broker, zone) as publisher:
        with pytest.raises(SendError, match="2 of 5 statements were not sent; number 1") as caught:
            await publisher.send_many([_statement(), bad[0], _statement(), bad[1], _statement()])
    assert [one is None for one in caught.value.ids] == [False, True, False, True, False]
    assert [(one.place, one.statement) for one in caught.value.unsent] == [(1, bad[0]), (3, bad[1])]
    assert [str(one.error).partition(":")[0] for one in caught.value.unsent] == ["$[1]", "$[3].id"]
    assert len(await read_received(broker, zone)) == 3


async def test_an_iterable_that_fails_does_not_lose_what_it_gave_before(broker: BrokerSettings, zone: str) -> None:
    def failing() -> Iterator[dict[str, Any]]:
        for _ in range(1000):
            yield _statement()
        raise OSError("the file ended")

    async with _sdk(broker, zone) as publisher:
        with pytest.raises(OSError, match="the file ended"):
            await publisher.send_many(failing())
    assert len(await read_received(broker, zone)) == 1000


async def test_sends_at_the_same_time_share_batches_and_all_arrive(broker: BrokerSettings, zone: str) -> None:
    async with _sdk(broker, zone) as publisher:
        ids = await asyncio.gather(*(publisher.send(_statement()) for _ in range(500)))
    assert {UUID(bytes=one.key) for one in await read_received(broker, zone)} == set(ids)


async def test_what_was_not_confirmed_is_handed_back_with_its_id_to_be_sent_again(
    broker: BrokerSettings, zone: str
) -> None:
    publisher = _sdk(broker, zone, retry_seconds=0.2)  # never started: there is no way to the broker
    with pytest.raises(SendError) as caught:
        await publisher.send(_statement())
    [unsent] = caught.value.unsent
    assert unsent.statement_id is not None
    async with _sdk(broker, zone) as again:
        raw = json.loads(bytes(unsent.statement)) if isinstance(unsent.statement, bytes) else {}
        assert await again.send({**raw, "id": str(unsent.statement_id)}) == unsent.statement_id
