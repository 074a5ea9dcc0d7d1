"""The SDK for apps: xAPI statements straight into Kafka, acknowledged by all in-sync replicas.

It checks only that a statement is a JSON object with a usable id; the data model is checked by the recorder, which
writes what breaks a rule to the dead letters with reason and path. No statement is ever dropped silently: a call
returns ids that are on the log, or raises an error that holds what is not. With a spool, what cannot be put on the log
now is kept on this machine's disk, and sent when the broker is back, by this process or the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from uuid import UUID

import msgspec
import orjson

from lrs.kernel.errors import AyumiError, RefusedError, RetryError
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements.uuids import mint_id, uuid_bytes
from producers.publisher import KafkaPublisher
from producers.spooling import Spooling

if TYPE_CHECKING:
    from pathlib import Path

    from lrs.kernel.records import Received
    from lrs.kernel.settings import BrokerSettings

Statement = Mapping[str, Any] | bytes | bytearray | str

_CHUNK = 500
_CHUNKS_AHEAD = 8


class _Head(msgspec.Struct):
    """The one member of a statement that the SDK reads. Absent: the SDK mints one."""

    id: Any = msgspec.UNSET


_read_head = msgspec.json.Decoder(_Head).decode


class Unsent(NamedTuple):
    """A statement that is not known to be on the log: its place in the call (from 0), its id, its JSON, and why."""

    place: int
    statement_id: UUID | None
    statement: Statement
    error: AyumiError


class SendError(AyumiError):
    """Some statements of a call are not on the log; all others are. Send `unsent` again with the ids it names."""

    def __init__(self, ids: list[UUID | None], unsent: list[Unsent]) -> None:
        """`ids`: one per statement of the call in its order, None where the statement was not taken."""
        first = unsent[0]
        super().__init__(f"{len(unsent)} of {len(ids)} statements were not sent; number {first.place}: {first.error}")
        self.ids = ids
        self.unsent = unsent


class StatementPublisher:
    """Sends statements of one app. An async context manager; belongs to one event loop.

        async with StatementPublisher(broker, zone="osaka", app="drill-a") as publisher:
            statement_id = await publisher.send(statement)

    With `spool=Path("…")` a broker that is away stops nobody: statements go to that folder and from there to the log,
    in order; a call then returns ids that are on the log or, synced, on this disk.

    Many `send` calls at once, or one `send_many`, are fast; one `send` after the other waits a round trip each.
    """

    def __init__(  # noqa: PLR0913 - each is a choice of the app's, all by name
        self,
        broker: BrokerSettings,
        *,
        zone: str,
        app: str,
        xapi_version: str = "1.0.3",
        max_statement_bytes: int = 1024 * 1024,
        retry_seconds: float = 60.0,
        spool: Path | None = None,
        spool_mb: int = 256,
        spool_after_seconds: float = 5.0,
    ) -> None:
        """`app` is the credential id that the operator gave; `retry_seconds`: how long a broker may be away.

        `spool`: a folder of this process's own, which may hold `spool_mb` MiB; a statement goes there when the broker
        does not confirm it within `spool_after_seconds`, and at once while others wait there.
        """
        patience = retry_seconds if spool is None else spool_after_seconds
        self._publisher = KafkaPublisher(broker, zone, timeout_seconds=patience, stop_seconds=patience)
        self._spool = spool
        self._spool_bytes = spool_mb * 1024 * 1024
        self._stop_seconds = patience
        self._spooling: Spooling | None = None
        self._app = app
        self._version = xapi_version
        self._max_bytes = max_statement_bytes
        self._retry_seconds = retry_seconds

    async def __aenter__(self) -> Self:
        """Connect. Raises `RetryError` when the broker is away and there is no spool, `StopError` for a bad folder."""
        if self._spool is None:
            await self._publisher.start()
        else:
            self._spooling = Spooling(self._publisher, self._spool, max_bytes=self._spool_bytes)
            await self._spooling.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._spooling is None:
            await self._publisher.stop()
        else:
            await self._spooling.stop(self._stop_seconds)

    @property
    def is_spooling(self) -> bool:
        """Whether statements go to the disk now, because the broker is away or others wait there."""
        return self._spooling is not None and self._spooling.is_holding

    async def send(self, statement: Statement) -> UUID:
        """Send one statement; returns its id once it is acknowledged, or kept in the spool.

        Raises `RefusedError` (nothing was sent) or `SendError` (not confirmed: its `unsent` holds the id and the JSON).
        """
        record = self._record(statement, "$")
        minted = UUID(bytes=record["statement_id"])
        try:
            await self._confirmed([record])
        except AyumiError as error:
            raise SendError([None], [Unsent(0, minted, record["statement"], error)]) from error
        return minted

    async def send_many(self, statements: Iterable[Statement] | AsyncIterable[Statement]) -> list[UUID]:
        """Send all; returns their ids in order once all are acknowledged. Takes from the iterable only as it sends.

        A bad statement does not stop its neighbours: all others are sent, then `SendError` tells which were not.
        """
        ids: list[UUID | None] = []
        unsent: list[Unsent] = []
        flying: set[asyncio.Task[None]] = set()
        try:
            async for chunk in self._chunks(statements, ids, unsent):
                if len(flying) >= _CHUNKS_AHEAD:
                    done, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
                flying.add(asyncio.create_task(self._send_chunk(chunk, ids, unsent)))
            await asyncio.gather(*flying)
        except asyncio.CancelledError:
            for task in flying:
                task.cancel()
            raise
        finally:
            await asyncio.gather(*flying, return_exceptions=True)
        if unsent:
            raise SendError(ids, sorted(unsent, key=lambda item: item.place))
        return [each for each in ids if each is not None]

    async def _chunks(
        self,
        statements: Iterable[Statement] | AsyncIterable[Statement],
        ids: list[UUID | None],
        unsent: list[Unsent],
    ) -> AsyncIterator[list[tuple[int, Received]]]:
        chunk: list[tuple[int, Received]] = []
        failure: Exception | None = None
        try:
            async for statement in _each(statements):
                index = len(ids)
                try:
                    record = self._record(statement, f"$[{index}]")
                except RefusedError as error:
                    ids.append(None)
                    unsent.append(Unsent(index, None, statement, error))
                    continue
                ids.append(UUID(bytes=record["statement_id"]))
                chunk.append((index, record))
                if len(chunk) >= _CHUNK:
                    yield chunk
                    chunk = []
        except Exception as error:  # noqa: BLE001 - the iterable's own: what it gave before is sent all the same
            failure = error
        if chunk:
            yield chunk
        if failure is not None:
            raise failure

    async def _send_chunk(
        self, chunk: list[tuple[int, Received]], ids: list[UUID | None], unsent: list[Unsent]
    ) -> None:
        try:
            await self._confirmed([record for _, record in chunk])
        except AyumiError as error:
            for index, record in chunk:
                unsent.append(Unsent(index, ids[index], record["statement"], error))
                ids[index] = None

    async def _confirmed(self, records: list[Received]) -> None:
        """Publish, and again with the same ids while that can help: the recorder counts a repeat once."""
        if self._spooling is not None:
            await self._spooling.deliver(records)
            return
        deadline = asyncio.get_running_loop().time() + self._retry_seconds
        pause = 0.1
        while True:
            try:
                await self._publisher.publish(records)
            except RetryError:
                if asyncio.get_running_loop().time() + pause > deadline:
                    raise
                await asyncio.sleep(pause)
                pause = min(2 * pause, 2.0)
            else:
                return

    def _record(self, statement: Statement, path: str) -> Received:
        raw = _as_json(statement, path)
        if len(raw) > self._max_bytes:
            rule = f"a statement has at most {self._max_bytes} bytes, this one has {len(raw)}"
            raise RefusedError(Refusal.TOO_LARGE, rule, path=path)
        return {
            "statement_id": _statement_id(raw, path),
            "app": self._app,
            "entrance": "SDK",
            "xapi_version": self._version,
            "stored_at_ms": None,
            "authority": None,
            "statement": raw,
        }


def _as_json(statement: Statement, path: str) -> bytes:
    given: object = statement
    if isinstance(given, bytes):
        return given
    try:
        if isinstance(given, str):
            return given.encode()
        if isinstance(given, bytearray):
            return bytes(given)
        if isinstance(given, Mapping):
            return orjson.dumps(given if isinstance(given, dict) else dict(given))
    except (TypeError, ValueError) as error:
        raise RefusedError(Refusal.NOT_JSON, f"a statement must be writable as JSON: {error}", path=path) from error
    rule = f"a statement is a mapping, or its JSON as bytes or text, not {type(statement).__name__}"
    raise RefusedError(Refusal.NOT_JSON, rule, path=path)


def _statement_id(raw: bytes, path: str) -> bytes:
    try:
        given = _read_head(raw).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(Refusal.NOT_JSON, f"a statement is a JSON object: {error}", path=path) from error
    if given is msgspec.UNSET:
        return mint_id()
    key = uuid_bytes(given) if isinstance(given, str) else None
    if key is None:
        rule = "id must be a UUID in its text form with hyphens (xAPI 1.0.3 Data 2.4.1)"
        raise RefusedError(Refusal.INVALID, rule, path=f"{path}.id")
    return key


async def _each(statements: Iterable[Statement] | AsyncIterable[Statement]) -> AsyncIterator[Statement]:
    if isinstance(statements, AsyncIterable):
        async for statement in statements:
            yield statement
    else:
        for statement in statements:
            yield statement
