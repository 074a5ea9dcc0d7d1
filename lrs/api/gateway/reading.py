"""GET of statements: waits until everything acknowledged before the request is readable, then asks the archive."""

from __future__ import annotations

import asyncio
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import TYPE_CHECKING, TypeVar

import orjson

from lrs.api.gateway.answers import JSON, Answer, Header, HttpError
from lrs.api.gateway.cursors import write_cursor
from lrs.api.gateway.parameters import Wanted, read_parameters
from lrs.kernel import metrics
from lrs.kernel.errors import RetryError
from lrs.kernel.statements import compose
from lrs.store.archive import cursor_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrs.api.gateway.authorities import Authorities
    from lrs.kernel.progress import Progress
    from lrs.kernel.publishing import Publisher
    from lrs.store.archive import Archive, ArchivedStatement

T = TypeVar("T")


class Reading:
    """The read side of the statement resource."""

    def __init__(  # noqa: PLR0913 - settings, all by name
        self,
        archive: Archive,
        publisher: Publisher,
        progress: Progress,
        *,
        read_wait_seconds: float,
        threads: int,
        prefix: str,
        authorities: Authorities,
    ) -> None:
        """`prefix` is the path below which the interface is reached from outside, for the `more` link."""
        self._archive = archive
        self._publisher = publisher
        self._progress = progress
        self._wait_seconds = read_wait_seconds
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="archive-reader")
        self._prefix = prefix
        self._authorities = authorities

    async def get(self, query: bytes) -> Answer:
        """One statement, or a StatementResult. Raises a 400 or 404, or `RetryError` when the archive is behind."""
        wanted = read_parameters(query)
        await self._caught_up()
        if wanted.statement_id is not None:
            return await self._one(wanted, wanted.statement_id, voided=False)
        if wanted.voided_id is not None:
            return await self._one(wanted, wanted.voided_id, voided=True)
        return await self._list(wanted)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _caught_up(self) -> None:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._wait_seconds):
                ends = await self._publisher.log_ends()
        except TimeoutError as error:
            raise RetryError("broker", "it does not tell where the log ends") from error
        left = self._wait_seconds - (time.perf_counter() - began)
        caught_up = await self._progress.wait_for(ends, max(left, 0.001))
        metrics.GATEWAY_READ_WAIT_SECONDS.observe(time.perf_counter() - began)
        if not caught_up:
            raise RetryError("archive", f"it did not pass the log's end within {self._wait_seconds:g} s")

    async def _one(self, wanted: Wanted, statement_id: bytes, *, voided: bool) -> Answer:
        found = (await self._ask(lambda: self._archive.by_ids([statement_id]))).get(statement_id)
        if found is None or found.voided is not voided:
            rule = f"no {'voided ' if voided else ''}statement has this id (xAPI Communication 2.1.3)"
            raise HttpError(404, "not_found", rule, path="voidedStatementId" if voided else "statementId")
        changed = (b"last-modified", formatdate(found.stored_at_ms // 1000, usegmt=True).encode())
        return _answer(self._composed(found), (changed,), attachments=wanted.attachments)

    async def _list(self, wanted: Wanted) -> Answer:
        limit = wanted.filter.limit
        # One more than asked for tells whether there is a next page.
        page = await self._ask(lambda: self._archive.select(wanted.filter._replace(limit=limit + 1)))
        more = ""
        if len(page) > limit:
            token = write_cursor(wanted.filter, cursor_of(page[limit - 1]), attachments=wanted.attachments)
            more = f"{self._prefix}/xAPI/statements?cursor={token}"
        statements = b",".join(self._composed(statement) for statement in page[:limit])
        body = b'{"statements":[' + statements + b'],"more":' + orjson.dumps(more) + b"}"
        return _answer(body, (), attachments=wanted.attachments)

    def _composed(self, found: ArchivedStatement) -> bytes:
        return compose(
            found.raw,
            statement_id=found.statement_id,
            stored_ms=found.stored_at_ms,
            # What came by the SDK has none in the archive: it is derived from the app.
            authority=found.authority or self._authorities.of(found.app),
            version=found.version,
        )

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, question)


def _answer(body: bytes, headers: tuple[Header, ...], *, attachments: bool) -> Answer:
    if not attachments:
        return Answer(200, body, JSON, headers)
    # Always multipart when it is asked for, even where there is nothing to attach. The boundary is unquoted and last.
    boundary = secrets.token_hex(16).encode()
    part = b"--" + boundary + b"\r\nContent-Type: application/json\r\n\r\n" + body + b"\r\n--" + boundary + b"--\r\n"
    return Answer(200, part, b"multipart/mixed; boundary=" + boundary, headers)
