"""POST and PUT of statements: valid, new by id, acknowledged by the broker; only then answered."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl

import orjson

from lrs.api.gateway.access import Action
from lrs.api.gateway.answers import Answer, bad_request
from lrs.api.gateway.batches import Limits, count_statements, is_multipart, read_batch, read_single
from lrs.api.gateway.declared import may_declare
from lrs.api.gateway.id_authority import Claim
from lrs.api.gateway.parcels import Parcel, check_files
from lrs.api.gateway.storing import Sent
from lrs.kernel import metrics
from lrs.kernel.errors import AyumiError, RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements.uuids import mint_id, uuid_bytes, uuid_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lrs.api.gateway.attachments import Attachments
    from lrs.api.gateway.calls import Call
    from lrs.api.gateway.quotas import Quotas
    from lrs.api.gateway.storing import Storing
    from lrs.kernel.statements import Statement, XapiVersion

T = TypeVar("T")

_AT_ONCE_BYTES = 256 * 1024
_NO_FILES: Mapping[str, memoryview] = MappingProxyType({})


class Writing:
    """The write side of the statement resource."""

    def __init__(
        self, storing: Storing, attachments: Attachments, quotas: Quotas, *, limits: Limits, ready: Callable[[], None]
    ) -> None:
        """`ready` raises while statements cannot be taken."""
        self._storing = storing
        self._quotas = quotas
        self._attachments = attachments
        self._limits = limits
        self._ready = ready
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="large-requests")

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def post(self, call: Call) -> Answer:
        """Store one or many statements; 200 with their ids in order (xAPI 1.0.3 Communication 2.1.2)."""
        self._admit(call)
        if call.query:
            raise bad_request(_first_parameter(call.query), "a POST of statements has no parameters")
        parcel = await self._opened(call)
        try:
            statements, is_array = await self._beside(parcel, lambda: self._read_batch(parcel, call.version))
            claims = [_claim(statement, statement.statement_id) for statement in statements]
            await self._store(Sent(statements, claims, parcel.files, is_array), call)
        except RefusedError as error:
            await self._count_rejected(error, parcel, call)
            raise
        return Answer(200, orjson.dumps([uuid_text(claim.statement_id) for claim in claims]))

    async def put(self, call: Call) -> Answer:
        """Store the one statement that `statementId` names; 204 (xAPI 1.0.3 Communication 2.1.1)."""
        self._admit(call)
        statement_id = _named_id(call.query)
        parcel = await self._opened(call)
        try:
            statement = await self._beside(parcel, lambda: self._read_single(parcel, call.version))
            _check_named(statement, statement_id)
            claims = [_claim(statement, statement_id)]
            await self._store(Sent([statement], claims, parcel.files, is_array=False), call)
        except RefusedError as error:
            await self._count_rejected(error, parcel, call)
            raise
        return Answer(204)

    def _admit(self, call: Call) -> None:
        call.access.require(Action.STATEMENTS_WRITE)
        self._quotas.check(call.access.credential.app)
        self._ready()

    async def _store(self, sent: Sent, call: Call) -> None:
        app, count = call.access.credential.app, len(sent.statements)
        self._quotas.take(app, count)
        try:
            await self._storing.store(sent, call)
        except AyumiError:
            self._quotas.give_back(app, count)
            raise

    async def _opened(self, call: Call) -> Parcel:
        content_type = call.headers.get(b"content-type", b"")
        if content_type == b"application/json" or not is_multipart(content_type):
            return Parcel(call.body, _NO_FILES)
        return await self._attachments.open(content_type, call.body)

    async def _beside(self, parcel: Parcel, read: Callable[[], T]) -> T:
        """Read at once what takes milliseconds; beside the event loop what would hold up everybody else.

        16 MiB of long statements take three seconds. One thread: it gets at most half of the interpreter.
        """
        if len(parcel.statements) <= _AT_ONCE_BYTES and not parcel.files:
            return read()
        return await asyncio.get_running_loop().run_in_executor(self._thread, read)

    async def _count_rejected(self, error: RefusedError, parcel: Parcel, call: Call) -> None:
        """For the accounts; in the same place as the reading, for it takes the body apart once more."""
        count = await self._beside(parcel, lambda: count_statements(parcel.statements, self._limits.max_statements))
        metrics.GATEWAY_STATEMENTS.labels(call.access.credential.app, "rejected").inc(count)
        metrics.GATEWAY_REFUSED.labels(error.reason).inc(count)

    def _read_batch(self, parcel: Parcel, version: XapiVersion) -> tuple[list[Statement], bool]:
        statements, is_array = read_batch(parcel.statements, version, self._limits)
        _check_files(statements, parcel, version, is_array=is_array)
        return statements, is_array

    def _read_single(self, parcel: Parcel, version: XapiVersion) -> Statement:
        statement = read_single(parcel.statements, version, self._limits)
        _check_files([statement], parcel, version, is_array=False)
        return statement


def _check_files(statements: Sequence[Statement], parcel: Parcel, version: XapiVersion, *, is_array: bool) -> None:
    if parcel.files or may_declare(parcel.statements):
        check_files(statements, parcel.files, version, is_array=is_array)


def _claim(statement: Statement, statement_id: bytes | None) -> Claim:
    if statement_id is None:
        return Claim(mint_id(), statement.digest, minted=True)
    return Claim(statement_id, statement.digest, minted=False)


def _named_id(query: bytes) -> bytes:
    named: str | None = None
    for name, value in parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True):
        if name != "statementId" or named is not None:
            raise bad_request(name[:80], "a PUT of a statement has the parameter statementId, once, and no other")
        named = value
    if named is None:
        raise bad_request(
            "statementId", "a PUT of a statement has the parameter statementId (xAPI Communication 2.1.1)"
        )
    statement_id = uuid_bytes(named)
    if statement_id is None:
        raise bad_request("statementId", "statementId is a UUID (xAPI Communication 2.1.1)")
    return statement_id


def _check_named(statement: Statement, statement_id: bytes) -> None:
    if statement.statement_id not in {None, statement_id}:
        rule = "a statement's id is that of the statementId parameter (xAPI Communication 2.1.1)"
        raise RefusedError(Refusal.INVALID, rule, path="$.id")


def _first_parameter(query: bytes) -> str:
    return query.decode("ascii", "replace").partition("&")[0].partition("=")[0][:80]
