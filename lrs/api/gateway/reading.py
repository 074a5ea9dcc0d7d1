"""GET of statements: waits until everything acknowledged before the request is readable, then asks the archive."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import TYPE_CHECKING, TypeVar

import orjson

from lrs.api.gateway.access import Action
from lrs.api.gateway.answers import JSON, Answer, Header, HttpError
from lrs.api.gateway.cursors import Format, write_cursor
from lrs.api.gateway.parameters import Wanted, read_parameters
from lrs.kernel import metrics
from lrs.kernel.errors import RetryError
from lrs.kernel.statements import compose
from lrs.kernel.statements.formats import activities_of, as_canonical, as_ids
from lrs.kernel.statements.preferences import Languages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lrs.api.gateway.attachments import Attachments
    from lrs.api.gateway.authorities import Authorities
    from lrs.api.gateway.calls import Call
    from lrs.api.gateway.consistency import Consistency
    from lrs.kernel.progress import Progress
    from lrs.kernel.publishing import Publisher
    from lrs.store.archive import Archive, ArchivedStatement, Page

T = TypeVar("T")


class Reading:
    """The read side of the statement resource."""

    def __init__(  # noqa: PLR0913 - settings, all by name
        self,
        archive: Archive,
        publisher: Publisher,
        progress: Progress,
        *,
        attachments: Attachments,
        read_wait_seconds: float,
        threads: int,
        prefix: str,
        authorities: Authorities,
        consistency: Consistency,
    ) -> None:
        """`prefix` is the path below which the interface is reached from outside, for the `more` link."""
        self._archive = archive
        self._publisher = publisher
        self._progress = progress
        self._attachments = attachments
        self._wait_seconds = read_wait_seconds
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="archive-reader")
        self._prefix = prefix
        self._authorities = authorities
        self._consistency = consistency
        self._in_step = True

    async def get(self, call: Call) -> Answer:
        """One statement, or a StatementResult. Raises a 400 or 404, or `RetryError` when the archive is behind."""
        call.access.require(Action.STATEMENTS_READ)
        wanted = read_parameters(call.query, self._authorities.app_of)
        if wanted.statement_id is not None:
            return await self._one(call, wanted, wanted.statement_id, voided=False)
        if wanted.voided_id is not None:
            return await self._one(call, wanted, wanted.voided_id, voided=True)
        return await self._list(call, wanted)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def caught_up(self) -> int:
        """Wait until everything acknowledged before is readable; until when everything stored is, in milliseconds.

        Raises `RetryError` when that takes too long.
        """
        began, through_ms = time.perf_counter(), self._consistency.begin()
        await self._wait_for(await self._log_ends(), began)
        self._consistency.passed(through_ms)
        return through_ms

    async def _consistent(self, question: Callable[[], T]) -> tuple[T, Header]:
        """What `question` finds in an archive that has everything acknowledged before, and until when that is.

        The archive has mostly passed the log's end before the broker has told where it is. So both are asked at once,
        and the archive once more if it had not.
        """
        began, through_ms, before = time.perf_counter(), self._consistency.begin(), self._progress.positions()
        if self._in_step:
            ends, answer = await asyncio.gather(self._log_ends(), self._ask(question))
            self._in_step = _has_passed(before, ends)
            if self._in_step:
                metrics.GATEWAY_READ_WAIT_SECONDS.observe(0)
                self._consistency.passed(through_ms)
                return answer, self._consistency.header(through_ms)
        else:
            ends = await self._log_ends()
            self._in_step = _has_passed(self._progress.positions(), ends)
        await self._wait_for(ends, began)
        self._consistency.passed(through_ms)
        return await self._ask(question), self._consistency.header(through_ms)

    async def _log_ends(self) -> Mapping[int, int]:
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await self._publisher.log_ends()
        except TimeoutError as error:
            raise RetryError("broker", "it does not tell where the log ends") from error

    async def _wait_for(self, ends: Mapping[int, int], began: float) -> None:
        left = self._wait_seconds - (time.perf_counter() - began)
        caught_up = await self._progress.wait_for(ends, max(left, 0.001))
        metrics.GATEWAY_READ_WAIT_SECONDS.observe(time.perf_counter() - began)
        if not caught_up:
            raise RetryError("archive", f"it did not pass the log's end within {self._wait_seconds:g} s")

    async def _one(self, call: Call, wanted: Wanted, statement_id: bytes, *, voided: bool) -> Answer:
        access = call.access
        app, authority = access.visible_app, self._authorities.visible_to(access)

        def read() -> tuple[ArchivedStatement | None, list[bytes]]:
            found = self._archive.by_ids([statement_id], app, authority).get(statement_id)
            return found, [] if found is None else self._written([found], wanted.format, call)

        (found, written), through = await self._consistent(read)
        if found is None or found.voided is not voided:
            rule = f"no {'voided ' if voided else ''}statement has this id (xAPI Communication 2.1.3)"
            raise HttpError(404, "not_found", rule, path="voidedStatementId" if voided else "statementId")
        changed = (b"last-modified", formatdate(found.stored_at_ms // 1000, usegmt=True).encode())
        return await self._answer(wanted, written[0], [found], (through, changed))

    async def _list(self, call: Call, wanted: Wanted) -> Answer:
        access = call.access
        visible = wanted.filter._replace(app=access.visible_app, authority=self._authorities.visible_to(access))

        def read() -> tuple[Page, list[bytes]]:
            page = self._archive.page(visible)
            return page, self._written(page.statements, wanted.format, call)

        (page, written), through = await self._consistent(read)
        more = ""
        if page.after is not None:
            token = write_cursor(wanted.filter, page.after, format=wanted.format, attachments=wanted.attachments)
            more = f"{self._prefix}/xAPI/statements?cursor={token}"
        body = b'{"statements":[' + b",".join(written) + b'],"more":' + orjson.dumps(more) + b"}"
        return await self._answer(wanted, body, page.statements, (through,))

    def _written(self, found: Sequence[ArchivedStatement], form: Format, call: Call) -> list[bytes]:
        """The statements in the format that is asked for; it takes milliseconds a page, so a thread does it."""
        composed = [self._composed(statement) for statement in found]
        if form == "ids":
            return [as_ids(statement) for statement in composed]
        if form == "canonical":
            languages = Languages(call.headers.get(b"accept-language", b"").decode("latin-1"))
            activities = (activity for statement in composed for activity in activities_of(statement))
            definitions = self._archive.definitions.of(activities, call.access.visible_app)
            return [as_canonical(statement, definitions, languages) for statement in composed]
        return composed

    def _composed(self, found: ArchivedStatement) -> bytes:
        return compose(
            found.raw,
            statement_id=found.statement_id,
            stored_ms=found.stored_at_ms,
            # What came by the SDK has none in the archive: it is derived from the app.
            authority=found.authority or self._authorities.of(found.app),
            version=found.version,
        )

    async def _answer(
        self, wanted: Wanted, body: bytes, found: Sequence[ArchivedStatement], headers: tuple[Header, ...]
    ) -> Answer:
        if not wanted.attachments:
            return Answer(200, body, JSON, headers)
        return await self._attachments.answer(body, [(one.app, one.raw) for one in found], headers)

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, question)


def _has_passed(positions: Mapping[int, int], ends: Mapping[int, int]) -> bool:
    return all(positions.get(partition, 0) >= end for partition, end in ends.items())
