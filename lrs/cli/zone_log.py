"""What a backup keeps of the log: where it is, and the topics that are not made from anything else.

Catalogue, roster and consent are on compacted topics and nowhere else; everything else on the log is made anew.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from lrs.kernel.errors import StopError
from lrs.kernel.topics import Noun, topic_name

if TYPE_CHECKING:
    from lrs.kernel.settings import BrokerSettings, Settings
    from lrs.kernel.zone_folder import ZoneFolder

STREAMS = (Noun.RECEIVED, Noun.ACCEPTED, Noun.ACTIVITY, Noun.REFUSED)
KEPT = (Noun.CATALOGUE, Noun.ROSTER, Noun.CONSENT, Noun.RELEASED)
_COMPACTED = (Noun.CATALOGUE, Noun.ROSTER, Noun.CONSENT)

Line = tuple[bytes, bytes | None]


class ZoneLog:
    """The log of a zone as `read` found it."""

    def __init__(self, spans: dict[str, dict[int, tuple[int, int]]], kept: dict[str, list[Line]]) -> None:
        self._spans = spans
        self._kept = kept

    @classmethod
    def read(cls, settings: Settings) -> ZoneLog:
        """Read what is kept. Raises `RetryError` when the broker does not answer."""
        return asyncio.run(cls.read_now(settings.broker, settings.zone.name))

    @classmethod
    async def read_now(cls, broker: BrokerSettings, zone: str) -> ZoneLog:
        """As `read`, on the running event loop."""
        from processors.log_reader import LogReader  # noqa: PLC0415 - 200 ms; the help text needs no Kafka client
        from producers.compacted_topic import CompactedTopic  # noqa: PLC0415

        async with LogReader(broker, zone) as log:
            spans = {
                noun.value: {partition: (span.begin, span.end) for partition, span in (await log.spans(noun)).items()}
                for noun in STREAMS
            }
        kept: dict[str, list[Line]] = {}
        for noun in KEPT:
            async with CompactedTopic(broker, topic_name(zone, noun)) as topic:
                lines = [line async for line in topic.read()]
            kept[noun.value] = list(dict(lines).items()) if noun in _COMPACTED else lines
        return cls(spans, kept)

    def positions(self) -> dict[str, Any]:
        """For each topic [first, next] offset of each partition."""
        return {noun: [list(spans[partition]) for partition in sorted(spans)] for noun, spans in self._spans.items()}

    def references(self) -> dict[str, bytes]:
        """For each topic that is kept whole, its records as lines; none that is empty."""
        return {noun: write_lines(lines) for noun, lines in self._kept.items() if lines}


def write_lines(lines: list[Line]) -> bytes:
    """One JSON pair a line: key and value in base64, null for a value that is deleted."""
    return b"".join(json.dumps([_text(key), _text(value)]).encode() + b"\n" for key, value in lines)


def read_lines(data: bytes) -> Iterator[Line]:
    """The reverse of `write_lines`."""
    for line in data.splitlines():
        key, value = json.loads(line)
        yield base64.b64decode(key), None if value is None else base64.b64decode(value)


@asynccontextmanager
async def own_broker(folder: ZoneFolder, settings: Settings) -> AsyncIterator[BrokerSettings]:
    """The broker of a zone that does not run: the cluster that the settings name, or its own, started for a while."""
    from lrs.cli.broker import Broker  # noqa: PLC0415 - only for a zone that does not run
    from lrs.cli.ports import free_port  # noqa: PLC0415
    from lrs.cli.settings_loading import cache_folder  # noqa: PLC0415

    if settings.broker.bootstrap_servers:
        yield settings.broker
        return
    # Nobody else is to write meanwhile: an SDK knows the usual port.
    quiet = settings.broker.model_copy(update={"port": free_port()})
    broker = Broker(folder.broker, folder.logs, quiet, cache=cache_folder())
    await broker.start()
    try:
        await broker.ready()
        yield broker.settings
    finally:
        await broker.stop()


def read_stopped(folder: ZoneFolder, settings: Settings) -> ZoneLog:
    """`ZoneLog.read` of a zone that does not run."""

    async def reading() -> ZoneLog:
        from processors.topic_admin import ensure_topics  # noqa: PLC0415 - as above

        async with own_broker(folder, settings) as broker:
            await ensure_topics(broker, settings.zone.name)
            return await ZoneLog.read_now(broker, settings.zone.name)

    if not settings.broker.bootstrap_servers and not (folder.broker / "data").exists():
        problem = f"{folder.root} has no log"
        raise StopError(problem, remedy="Make it anew with `ayumi rebuild`, or start the zone, then take the backup.")
    return asyncio.run(reading())


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
