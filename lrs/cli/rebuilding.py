"""Makes a zone's log anew from what its stores hold: `ayumi rebuild`.

Every step may be cut off and done again. The stores are what counts: what they remember decides what is missing.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrs.cli.backing_up import RESTORED
from lrs.cli.progress_bars import Track, count_bar
from lrs.cli.settings_loading import load_settings
from lrs.cli.store_task import run_task
from lrs.cli.zone_lock import zone_lock
from lrs.cli.zone_log import KEPT, Line, own_broker, read_lines
from lrs.kernel.topics import Noun, topic_name
from lrs.store.accounting import LogSpan
from lrs.store.folder_version import open_folder
from lrs.store.log_memory import LastArchived

if TYPE_CHECKING:
    from lrs.kernel.settings import BrokerSettings, Settings
    from lrs.kernel.zone_folder import ZoneFolder
    from processors.refilling import Refilling

# What reads which topic, as a group of its own.
_READERS = (
    ("recorder", Noun.RECEIVED),
    ("processor", Noun.ACCEPTED),
    ("loader", Noun.ACTIVITY),
    ("letters", Noun.REFUSED),
)
_POSITION = "position"


@dataclass(slots=True)
class Rebuilt:
    """What was done.

    By topic and partition where it ended and goes on; records put behind; statements put on `accepted`; entries of
    reference topics put back, and topics that stay empty; by partition first, end and number of records uncounted.
    """

    filled: dict[str, dict[int, tuple[int, int]]] = field(default_factory=dict)
    moved: int = 0
    published: int = 0
    references: dict[str, int] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)
    unknown: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class Memory:
    """What both stores remember of the log."""

    def __init__(self, archive: dict[str, Any], facts: dict[str, Any]) -> None:
        """The answers of the tasks `remember-…`."""
        self._last: dict[tuple[str, int], int] = {}
        for hop, partition, last in (*archive["counted"], *archive["letters"], *facts["counted"]):
            self._last[hop, partition] = max(last, self._last.get((hop, partition), -1))
        self.archived = {
            partition: LastArchived(offset, bytes.fromhex(statement_id))
            for partition, offset, statement_id in archive["archived"]
        }

    def next(self, hop: str, partition: int) -> int:
        """The offset behind the last one that a hop counted."""
        return self._last.get((hop, partition), -1) + 1

    def floor(self, noun: Noun, partition: int) -> int:
        """The first offset of a partition that no store remembers."""
        if noun is Noun.RECEIVED:
            archived = self.archived[partition].offset + 1 if partition in self.archived else 0
            return max(archived, *(self.next(hop, partition) for hop in ("recorder", "loader", "letters")))
        reader = next(name for name, read in _READERS if read is noun)
        # A position is the next offset already.
        position = self._last.get((f"{reader}.{_POSITION}", partition), 0)
        return max(position, self.next(f"letters.{noun.value}", partition))


def rebuild(folder: ZoneFolder, references_from: Path | None, track: Track = count_bar) -> Rebuilt:
    """Make the log of a zone that does not run anew. Raises `StopError`, `RetryError`; then do it again."""
    settings = load_settings(folder.root)
    open_folder(folder, settings)
    kept = _kept(folder, references_from)
    with zone_lock(folder):
        memory = Memory(run_task("remember-archive", folder, settings), run_task("remember-facts", folder, settings))
        return asyncio.run(_Rebuilding(folder, settings, memory, track).run(kept))


class _Rebuilding:
    def __init__(self, folder: ZoneFolder, settings: Settings, memory: Memory, track: Track) -> None:
        self._folder = folder
        self._settings = settings
        self._memory = memory
        self._track = track
        self._partitions = range(settings.broker.partitions)
        self._done = Rebuilt()

    async def run(self, kept: dict[Noun, list[Line]]) -> Rebuilt:
        from processors.refilling import Refilling  # noqa: PLC0415 - 200 ms; the help text needs no Kafka client
        from processors.topic_admin import ensure_topics  # noqa: PLC0415

        async with own_broker(self._folder, self._settings) as broker:
            await ensure_topics(broker, self._settings.zone.name)
            async with Refilling(broker, self._settings.zone.name) as log:
                for processor, noun in _READERS:
                    await log.commit(processor, noun)
                for _, noun in _READERS:
                    for partition in self._partitions:
                        await self._fill(log, noun, partition)
                await self._count(log)
                await self._go_behind(log)
            await self._put_back(broker, kept)
            await self._publish(broker)
        return self._done

    async def _fill(self, log: Refilling, noun: Noun, partition: int) -> None:
        floor = self._memory.floor(noun, partition)
        span = (await log.log.spans(noun))[partition]
        if span.begin >= floor or (noun is not Noun.RECEIVED and span.end >= floor):
            return
        if noun is Noun.RECEIVED and await self._is_same(log, partition, span, floor):
            return
        with self._track(f"{noun.value}-{partition}", max(0, floor - span.end)) as advance:
            self._done.moved += await log.fill(noun, partition, floor, advance)
        self._done.filled.setdefault(noun.value, {})[partition] = span.end, floor
        # The index of ids may know more than the archive of what is lost: it is made anew.
        shutil.rmtree(self._folder.ids, ignore_errors=True)

    async def _is_same(self, log: Refilling, partition: int, span: LogSpan, floor: int) -> bool:
        """Whether the last archived statement lies where it was archived from."""
        from processors.envelopes import id_of  # noqa: PLC0415 - as above

        last = self._memory.archived.get(partition)
        if last is None or last.offset < span.begin:
            return span.end >= floor
        if last.offset >= span.end:
            return False
        async for records in log.log.read(Noun.RECEIVED, partition, last.offset, last.offset + 1):
            return id_of(records[0].value) == last.statement_id
        return False

    async def _count(self, log: Refilling) -> None:
        """What is archived and was not counted when the log was lost."""
        begins = {number: span.begin for number, span in (await log.log.spans(Noun.RECEIVED)).items()}
        spans = [
            (partition, self._memory.next("recorder", partition), self._memory.floor(Noun.RECEIVED, partition))
            for partition in self._partitions
            if begins[partition]
            >= self._memory.floor(Noun.RECEIVED, partition)
            > self._memory.next("recorder", partition)
        ]
        if spans:
            counted = run_task("recount", self._folder, self._settings, spans=spans)
            self._done.unknown = {
                partition: (first, end, number) for partition, first, end, number in counted["unknown"] if number
            }

    async def _go_behind(self, log: Refilling) -> None:
        """Every reader goes on behind what is there, but where nothing was lost: recorder and letters go on there."""
        ends = {
            noun: {number: span.end for number, span in (await log.log.spans(noun)).items()} for _, noun in _READERS
        }
        filled = self._done.filled
        for processor, noun in _READERS:
            everywhere = noun in (Noun.ACCEPTED, Noun.ACTIVITY)
            floors = {partition: floor for partition, (_, floor) in filled.get(noun.value, {}).items()}
            await log.commit(processor, noun, ends[noun] if everywhere else floors)
        hop = f"loader.{_POSITION}"
        rows = [[hop, number, end, end, "", 0, _POSITION, "", 0] for number, end in ends[Noun.ACTIVITY].items() if end]
        run_task("note-facts", self._folder, self._settings, rows=rows)

    async def _publish(self, broker: BrokerSettings) -> None:
        spans = [
            (partition, self._memory.next("loader", partition), last.offset + 1)
            for partition, last in self._memory.archived.items()
            if self._memory.next("loader", partition) <= last.offset
        ]
        if spans:
            address = broker.bootstrap_servers or f"127.0.0.1:{broker.port}"
            published = run_task("publish", self._folder, self._settings, spans=spans, broker=address)
            self._done.published = published["published"]

    async def _put_back(self, broker: BrokerSettings, kept: dict[Noun, list[Line]]) -> None:
        """Topics that are made from nothing else, where they are empty."""
        from producers.compacted_topic import CompactedTopic  # noqa: PLC0415 - as above

        for noun in KEPT:
            async with CompactedTopic(broker, topic_name(self._settings.zone.name, noun)) as topic:
                if [line async for line in topic.read()]:
                    continue
                lines = kept.get(noun, [])
                await topic.write(lines)
            if lines:
                self._done.references[noun.value] = len(lines)
            elif noun is not Noun.RELEASED:
                self._done.empty.append(noun.value)


def _kept(folder: ZoneFolder, target: Path | None) -> dict[Noun, list[Line]]:
    """Records that belong on the log: from the newest backup of `target`, else those that a restore left here."""
    if target is None:
        paths = {noun: folder.root / RESTORED / f"{noun.value}.lines" for noun in KEPT}
        return {noun: list(read_lines(path.read_bytes())) for noun, path in paths.items() if path.exists()}
    from lrs.cli.restoring import choose  # noqa: PLC0415 - only then
    from lrs.store.backup_vault import Vault  # noqa: PLC0415

    vault = Vault(target.resolve())
    entries = {entry.path: entry for entry in choose(vault, None).entries}
    names = {noun: f"{RESTORED}/{noun.value}.lines" for noun in KEPT}
    return {
        noun: list(read_lines(vault.read(entries[name].content))) for noun, name in names.items() if name in entries
    }
