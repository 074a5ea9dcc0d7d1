"""POST and PUT of statements: valid, new by id, acknowledged by the broker; only then answered."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

import orjson

from lrs.api.gateway.answers import Answer, bad_request
from lrs.api.gateway.batches import Limits, check_content_type, count_statements, read_batch, read_single
from lrs.api.gateway.id_authority import Claim, IdAuthority
from lrs.kernel import metrics
from lrs.kernel.errors import RefusedError, RetryError
from lrs.kernel.publishing import Coordinates
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements.uuids import mint_id, uuid_bytes, uuid_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrs.api.gateway.authorities import Authorities
    from lrs.kernel.publishing import Publisher
    from lrs.kernel.records import Received
    from lrs.kernel.statements import Statement, XapiVersion
    from lrs.store.registry import Credential


_FINISH_SECONDS = 0.5


class Sender(NamedTuple):
    """Who sends, and in which version."""

    credential: Credential
    version: XapiVersion


class Writing:
    """The write side of the statement resource."""

    def __init__(
        self,
        publisher: Publisher,
        authority: IdAuthority,
        *,
        limits: Limits,
        publish_seconds: float,
        authorities: Authorities,
    ) -> None:
        self._publisher = publisher
        self._ids = authority
        self._limits = limits
        self._publish_seconds = publish_seconds
        self._authorities = authorities
        self._publishing: set[asyncio.Task[None]] = set()

    async def post(self, query: bytes, content_type: bytes | None, body: bytes, sender: Sender) -> Answer:
        """Store one or many statements; 200 with their ids in order (xAPI 1.0.3 Communication 2.1.2)."""
        if query:
            raise bad_request(_first_parameter(query), "a POST of statements has no parameters")
        check_content_type(content_type)
        try:
            statements, is_array = read_batch(body, sender.version, self._limits)
            claims = [_claim(statement, statement.statement_id) for statement in statements]
            await self._store(statements, claims, sender, is_array=is_array)
        except RefusedError as error:
            _count_rejected(error, body, sender)
            raise
        return Answer(200, orjson.dumps([uuid_text(claim.statement_id) for claim in claims]))

    async def put(self, query: bytes, content_type: bytes | None, body: bytes, sender: Sender) -> Answer:
        """Store the one statement that `statementId` names; 204 (xAPI 1.0.3 Communication 2.1.1)."""
        statement_id = _named_id(query)
        check_content_type(content_type)
        try:
            statement = read_single(body, sender.version, self._limits)
            _check_named(statement, statement_id)
            await self._store([statement], [_claim(statement, statement_id)], sender, is_array=False)
        except RefusedError as error:
            _count_rejected(error, body, sender)
            raise
        return Answer(204)

    async def finish(self) -> None:
        """Wait a moment for what is being published though nobody waits for it; the publisher ends the rest."""
        if self._publishing:
            await asyncio.wait(self._publishing, timeout=_FINISH_SECONDS)

    async def _store(
        self, statements: Sequence[Statement], claims: Sequence[Claim], sender: Sender, *, is_array: bool
    ) -> None:
        try:
            async with asyncio.timeout(self._publish_seconds):
                fresh = await self._ids.claim(claims)
                if fresh:
                    await asyncio.shield(self._publish_soon(statements, claims, fresh, sender))
        except TimeoutError as error:
            raise RetryError("broker", f"not confirmed in {self._publish_seconds:g} s") from error
        except RefusedError as error:
            # The id authority speaks of places in a batch.
            raise error if is_array else RefusedError(error.reason, error.rule, path="$.id") from error
        app = sender.credential.app
        metrics.GATEWAY_STATEMENTS.labels(app, "received").inc(len(fresh))
        metrics.GATEWAY_STATEMENTS.labels(app, "repeated").inc(len(claims) - len(fresh))

    def _publish_soon(
        self, statements: Sequence[Statement], claims: Sequence[Claim], fresh: Sequence[int], sender: Sender
    ) -> asyncio.Task[None]:
        """Publish in a task of its own: the ids stay claimed until the outcome is known, even when nobody waits for it.

        Otherwise a repeat with other content could be accepted while the first one is still on its way.
        """
        stored_at_ms = time.time_ns() // 1_000_000
        authority = self._authorities.of(sender.credential.app)
        records: list[Received] = [
            {
                "statement_id": claims[place].statement_id,
                "app": sender.credential.app,
                "entrance": "GATEWAY",
                "xapi_version": sender.version.value,
                "stored_at_ms": stored_at_ms,
                "authority": authority,
                "statement": statements[place].raw,
            }
            for place in fresh
        ]
        task = asyncio.get_running_loop().create_task(self._publish(records, claims, fresh))
        self._publishing.add(task)
        task.add_done_callback(self._published)
        return task

    async def _publish(self, records: list[Received], claims: Sequence[Claim], fresh: Sequence[int]) -> None:
        began = time.perf_counter()
        try:
            where = await self._located(await self._publisher.publish(records))
        except BaseException:
            self._ids.release(claims, fresh)
            raise
        self._ids.acknowledge(claims, fresh, where)
        metrics.GATEWAY_PUBLISH_SECONDS.observe(time.perf_counter() - began)

    async def _located(self, where: list[Coordinates]) -> list[Coordinates]:
        """A record that the broker had already, without saying where, lies somewhere before the log's end."""
        if all(offset >= 0 for _, offset in where):
            return where
        ends = await self._publisher.log_ends()
        return [Coordinates(number, offset if offset >= 0 else ends[number] - 1) for number, offset in where]

    def _published(self, task: asyncio.Task[None]) -> None:
        self._publishing.discard(task)
        if not task.cancelled():
            task.exception()  # told to whoever waited; marks it as seen when nobody did


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


def _count_rejected(error: RefusedError, body: bytes, sender: Sender) -> None:
    count = count_statements(body)
    metrics.GATEWAY_STATEMENTS.labels(sender.credential.app, "rejected").inc(count)
    metrics.GATEWAY_REFUSED.labels(error.reason).inc(count)
