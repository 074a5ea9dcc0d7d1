"""The part between `accepted` and `activity`: consent, enrichment and pseudonyms, as a Faust app on our own event loop.

Stateless: what it needs to know it reads from compacted topics. One Faust event is one slice, acked when the activities
that it became are confirmed.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lrs.kernel.errors import RetryError
from lrs.kernel.logs import get_logger
from lrs.kernel.metrics import STREAM_LAST_POLL_SECONDS
from lrs.kernel.parts import Check
from lrs.kernel.pseudonyms import Pseudonyms
from lrs.kernel.topics import Noun, topic_name
from processors.batch_producer import BatchProducer
from processors.faust_app import make_app
from processors.log_order import LogOrder
from processors.slice_step import SliceStep, Targets
from processors.stream_watch import StreamWatch
from processors.views import ReferenceReader

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from lrs.kernel.settings import Settings

_log = get_logger(__name__)

_START_AGAIN_SECONDS = 0.5
_FAUST_STOP_SECONDS = 6.0


class ProcessorPart:
    """`accepted` → `activity`. `run` on any event loop; `checks` from any thread."""

    name = "processor"

    def __init__(self, settings: Settings, *, root_key: bytes, folder: Path | None = None) -> None:
        """`root_key`: the zone's 32 bytes. Raises `StopError` if it is another length.

        `folder`: for Faust, which keeps nothing there; None: a temporary one, which a killed process leaves behind.
        """
        zone, broker = settings.zone.name, settings.broker
        self._keys = Pseudonyms(root_key, settings.processor.purpose)
        self._broker = broker
        self._source = topic_name(zone, Noun.ACCEPTED)
        STREAM_LAST_POLL_SECONDS.labels(Noun.ACCEPTED.value)  # at 0: one that never gets to poll is to be seen as well
        self._targets = Targets(topic_name(zone, Noun.ACTIVITY), topic_name(zone, Noun.REFUSED))
        self._group = f"{zone}.{self.name}"
        self._member = settings.processor.member
        self._folder = folder
        self._reader = ReferenceReader(broker, zone, settings.processor.purpose)
        self._order = LogOrder(broker, self._source, self._group)
        self._watch: StreamWatch | None = None
        self._step: SliceStep | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Process until `stop` is set, then finish the slice in flight. Raises `RetryError` or `StopError`."""
        stopped = asyncio.ensure_future(stop.wait())
        tasks: list[asyncio.Future[Any]] = [stopped]
        try:
            if await _first(self._read_references(tasks), tasks):
                await self._stream(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._reader.stop()

    def checks(self) -> list[Check]:
        """Views caught up, partitions assigned, consumer polling, slices written."""
        trouble = self._step.trouble if self._step is not None else ""
        watch = self._watch.checks() if self._watch is not None else [Check("accepted assigned", ok=False)]
        return [*self._reader.checks(), *watch, Check("activity written", not trouble, trouble)]

    async def _read_references(self, tasks: list[asyncio.Future[Any]]) -> None:
        while True:
            try:
                await self._order.check_start()
                await self._reader.start()
                break
            except RetryError as error:
                _log.warning("references_not_read", error=str(error))
                await asyncio.sleep(_START_AGAIN_SECONDS)
        tasks.append(asyncio.ensure_future(self._reader.run()))
        await self._reader.wait_until_ready()
        _log.info("references_read", **{noun.value: count for noun, count in self._reader.sizes().items()})

    async def _stream(self, tasks: list[asyncio.Future[Any]]) -> None:
        producer = BatchProducer(self._broker, client_id="ayumi-processor")
        step = self._step = SliceStep(
            self._reader.views, self._keys, order=self._order, producer=producer, targets=self._targets
        )
        with nullcontext(self._folder) if self._folder else TemporaryDirectory(prefix="ayumi-processor-") as folder:
            app = make_app(self._broker, self._group, Path(folder), member=self._member)
            watch = self._watch = StreamWatch(app, self._order, step)
            _declare_agent(app, self._source, step)
            try:
                tasks += [step.failed, asyncio.ensure_future(watch.run())]
                if await _first(app.start(), tasks):
                    await _first(asyncio.Event().wait(), tasks)
            finally:
                await step.stop()
                await _stop_faust(app)
                await producer.stop()


def _declare_agent(app: Any, source: str, step: SliceStep) -> None:  # noqa: ANN401 - faust ships no types
    topic = app.topic(source, key_serializer="raw", value_serializer="raw")

    @app.agent(topic, name="publish", concurrency=1)  # type: ignore[untyped-decorator]
    async def publish(slices: Any) -> None:  # noqa: ANN401 - faust ships no types
        async for event in slices.noack().events():
            await step.take(event)


async def _stop_faust(app: Any) -> None:  # noqa: ANN401 - faust ships no types
    """Stop the app, which commits what is acked; a Faust that hangs is left behind, because nothing unacked is lost."""
    with suppress(Exception):
        async with asyncio.timeout(_FAUST_STOP_SECONDS):
            await app.stop()


async def _first(work: Awaitable[Any], tasks: list[asyncio.Future[Any]]) -> bool:
    """Whether `work` ended before any of `tasks` did (one is the wish to stop). An error of any is raised."""
    own = asyncio.ensure_future(work)
    try:
        while not own.done():
            await asyncio.wait({own, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    await task
                    return False
    finally:
        if not own.done():
            own.cancel()
            await asyncio.gather(own, return_exceptions=True)
    await own
    return True
