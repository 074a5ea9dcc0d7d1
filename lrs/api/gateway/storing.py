"""From checked statements to stored ones: the id authority agrees, attachments are kept, the broker confirms."""

from __future__ import annotations

import asyncio
import time
from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

from lrs.api.gateway.patience import Patience
from lrs.kernel import metrics
from lrs.kernel.errors import RefusedError, RetryError
from lrs.kernel.handover import Known
from lrs.kernel.publishing import Coordinates
from lrs.kernel.records import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prometheus_client import Counter, Gauge

    from lrs.api.gateway.attachments import Attachments
    from lrs.api.gateway.authorities import Authorities
    from lrs.api.gateway.calls import Call
    from lrs.api.gateway.id_authority import Claim, IdAuthority
    from lrs.kernel.handover import Handover
    from lrs.kernel.publishing import EncodingPublisher
    from lrs.kernel.statements import Statement

_FINISH_SECONDS = 0.5
_AWAY_SECONDS = 5.0  # nobody knows when a broker comes back: one that is restarted takes about as long


class Sent(NamedTuple):
    """What a request brings, read and checked."""

    statements: Sequence[Statement]
    claims: Sequence[Claim]
    files: Mapping[str, memoryview]
    is_array: bool


class Storing:
    """Belongs to one event loop."""

    def __init__(  # noqa: PLR0913 - what it stands on, and its limits by name
        self,
        publisher: EncodingPublisher,
        ids: IdAuthority,
        attachments: Attachments,
        authorities: Authorities,
        *,
        publish_seconds: float,
        max_bytes: int,
        taken: Callable[[int], None],
        handover: Handover | None,
    ) -> None:
        """`max_bytes`: statements on their way to the log at once; `taken` is told how many were put there.

        `handover`: for the recorder in this process, which need not read them again.
        """
        self._publisher = publisher
        self._max_bytes = max_bytes
        self._taken = taken
        self._handover = handover
        self._ids = ids
        self._attachments = attachments
        self._authorities = authorities
        self._publish_seconds = publish_seconds
        self._patience = Patience(publish_seconds)
        self._publishing: dict[asyncio.Task[None], int] = {}
        self._bytes = 0

    async def store(self, sent: Sent, call: Call) -> None:
        """Return when every statement is on the log, this time or before.

        Raises `RefusedError` for an id that stands for other content, `RetryError` when it is not confirmed in time.
        """
        self._check_room()
        try:
            fresh = await self._ids.claim(sent.claims, wait_seconds=self._publish_seconds)
            if sent.files:
                await self._keep(sent, fresh, call)
            if fresh:
                await self._patience.wait(self._publish_soon(sent, fresh, call))
        except TimeoutError as error:
            detail = f"not confirmed in {self._publish_seconds:g} s"
            raise RetryError("broker", detail, after_seconds=_AWAY_SECONDS) from error
        except RefusedError as error:
            # The id authority speaks of places in a batch.
            raise error if sent.is_array else RefusedError(error.reason, error.rule, path="$.id") from error
        app = call.access.credential.app
        self._taken(len(fresh))
        _seen(app).set_to_current_time()
        _counter(app, "received").inc(len(fresh))
        if len(fresh) < len(sent.claims):
            _counter(app, "repeated").inc(len(sent.claims) - len(fresh))

    def settled_ms(self) -> int:
        """No statement that is stamped as stored before this is still on its way to the log."""
        return next(iter(self._publishing.values()), time.time_ns() // 1_000_000)

    async def finish(self) -> None:
        """Wait a moment for what is being published though nobody waits for it; the publisher ends the rest."""
        if self._publishing:
            await asyncio.wait(self._publishing, timeout=_FINISH_SECONDS)

    async def _keep(self, sent: Sent, fresh: Sequence[int], call: Call) -> None:
        """Attachments are there before their statements: who reads a statement finds its files."""
        try:
            await self._attachments.keep(call.access.credential.app, sent.files)
        except BaseException:
            self._ids.release(sent.claims, fresh)
            raise

    def _publish_soon(self, sent: Sent, fresh: Sequence[int], call: Call) -> asyncio.Task[None]:
        """Publish in a task of its own: the ids stay claimed until the outcome is known, even when nobody waits for it.

        Otherwise a repeat with other content could be accepted while the first one is still on its way.
        """
        stored_at_ms = time.time_ns() // 1_000_000
        authority = self._authorities.of_caller(call.access)
        origin = Origin(call.access.credential.app, "GATEWAY", call.version.value, stored_at_ms, authority)
        size = sum(len(sent.statements[place].raw) for place in fresh)
        self._bytes += size
        task = asyncio.get_running_loop().create_task(self._publish(origin, sent, fresh))
        self._publishing[task] = stored_at_ms
        task.add_done_callback(lambda done: self._published(done, size))
        return task

    async def _publish(self, origin: Origin, sent: Sent, fresh: Sequence[int]) -> None:
        began = time.perf_counter()
        ids = [sent.claims[place].statement_id for place in fresh]
        statements = [sent.statements[place] for place in fresh]
        try:
            raws = [statement.raw for statement in statements]
            values = self._publisher.encode_many(origin, list(zip(ids, raws, strict=True)))
            if self._handover is not None:
                self._handover.give(list(map(Known, values, ids, repeat(origin), statements)))
            where = await self._located(await self._publisher.publish_encoded(list(zip(ids, values, strict=True))))
        except BaseException:
            self._ids.release(sent.claims, fresh)
            raise
        self._ids.acknowledge(sent.claims, fresh, where)
        metrics.GATEWAY_PUBLISH_SECONDS.observe(time.perf_counter() - began)

    async def _located(self, where: list[Coordinates]) -> list[Coordinates]:
        """A record that the broker had already, without saying where, lies somewhere before the log's end."""
        if all(offset >= 0 for _, offset in where):
            return where
        ends = await self._publisher.log_ends()
        return [Coordinates(number, offset if offset >= 0 else ends[number] - 1) for number, offset in where]

    def _check_room(self) -> None:
        """While the broker is away requests are answered before their statements are given up: those stay in memory."""
        if self._bytes > self._max_bytes:
            detail = f"{self._bytes} bytes of statements wait for it"
            raise RetryError("broker", detail, after_seconds=_AWAY_SECONDS)

    def _published(self, task: asyncio.Task[None], size: int) -> None:
        self._bytes -= size
        self._publishing.pop(task, None)
        if not task.cancelled():
            task.exception()  # told to whoever waited; marks it as seen when nobody did


@cache
def _seen(app: str) -> Gauge:
    return metrics.GATEWAY_LAST_SEEN_SECONDS.labels(app)


@cache
def _counter(app: str, outcome: str) -> Counter:
    return metrics.GATEWAY_STATEMENTS.labels(app, outcome)
