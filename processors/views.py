"""Reads the compacted reference topics from their start into the processor's views, and keeps tailing them.

Read-only and without a consumer group: every process holds all of it. A record that cannot be read is counted and
logged, and the entry before it stays; it never stops the stream.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from lrs.kernel.codec import ContractError
from lrs.kernel.errors import RetryError
from lrs.kernel.kafka_options import client_options
from lrs.kernel.logs import get_logger
from lrs.kernel.metrics import (
    BROKER_ERRORS,
    PROCESSOR_VIEW_ENTRIES,
    PROCESSOR_VIEW_LAG,
    PROCESSOR_VIEW_RECORDS,
    STREAM_LAST_POLL_SECONDS,
)
from lrs.kernel.parts import Check
from lrs.kernel.topics import Noun, topic_name
from processors.reference_entries import Views, appliers, sizes

if TYPE_CHECKING:
    from lrs.kernel.settings import BrokerSettings

_log = get_logger(__name__)

_NOUNS = (Noun.CATALOGUE, Noun.ROSTER, Noun.CONSENT)
# Small fetches: a view that is read from the start shares its event loop with the stream.
_FETCH_BYTES = 1 << 20
_MAX_RECORDS = 1_000
_POLL_MS = 200
_BACK_OFF_SECONDS = 1.0


class ReferenceReader:
    """Fills `views`. Made and run on the event loop of those who read them; `checks` may be asked from any thread."""

    def __init__(self, broker: BrokerSettings, zone: str, purpose: str) -> None:
        self.views = Views()
        self._broker = broker
        self._nouns = {topic_name(zone, noun): noun for noun in _NOUNS}
        self._apply = appliers(self.views, purpose)
        self._consumer: Any = None
        self._start_ends: dict[Any, int] = {}
        self._behind = set(_NOUNS)
        self._ready = asyncio.Event()
        self.unreadable = 0

    async def start(self) -> None:
        """Connect, and remember where the topics end now. Raises `RetryError` while the broker or a topic is away."""
        self._consumer = AIOKafkaConsumer(
            *self._nouns,
            **client_options(self._broker),
            client_id="ayumi-processor-views",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        try:
            await self._consumer.start()
            self._start_ends = await self._consumer.end_offsets(self._consumer.assignment())
        except (KafkaError, OSError) as error:
            await self.stop()
            BROKER_ERRORS.labels("views").inc()
            raise RetryError("the broker", f"{type(error).__name__}: {error}") from error

    async def stop(self) -> None:
        """Disconnect; the views stay as they are."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def run(self) -> None:
        """Tail the topics until cancelled."""
        while True:
            try:
                polled = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_MAX_RECORDS)
                for partition, records in polled.items():
                    self._take(self._nouns[partition.topic], records)
                await self._observe()
            except KafkaError as error:
                BROKER_ERRORS.labels("views").inc()
                _log.warning("reference_read_failed", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(_BACK_OFF_SECONDS)

    async def wait_until_ready(self) -> None:
        """Wait until every view has passed the end that its topic had when `start` returned."""
        await self._ready.wait()

    def sizes(self) -> dict[Noun, int]:
        """Entries of each view."""
        return sizes(self.views)

    def checks(self) -> list[Check]:
        """One check a view: caught up or not."""
        return [
            Check(f"view {noun.value}", noun not in self._behind, "" if noun not in self._behind else "is being read")
            for noun in _NOUNS
        ]

    def _take(self, noun: Noun, records: list[Any]) -> None:
        apply = self._apply[noun]
        for record in records:
            try:
                apply(record.key or b"", record.value)
            except ContractError as error:
                self.unreadable += 1
                # The error may quote the record, which may be personal: only where it lies is logged.
                _log.warning("reference_refused", topic=noun.value, offset=record.offset, error=type(error).__name__)
        PROCESSOR_VIEW_RECORDS.labels(noun.value).inc(len(records))

    async def _observe(self) -> None:
        behind = set()
        for noun in _NOUNS:
            lag = 0
            for partition, end in self._start_ends.items():
                if self._nouns[partition.topic] is noun:
                    position = await self._consumer.position(partition)
                    lag += max(0, (self._consumer.highwater(partition) or end) - position)
                    if position < end:
                        behind.add(noun)
            PROCESSOR_VIEW_LAG.labels(noun.value).set(lag)
            PROCESSOR_VIEW_ENTRIES.labels(noun.value).set(sizes(self.views)[noun])
            STREAM_LAST_POLL_SECONDS.labels(noun.value).set_to_current_time()
        self._behind = behind
        if not behind:
            self._ready.set()
