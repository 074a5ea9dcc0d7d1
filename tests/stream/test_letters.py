"""The letters on a real broker over a real archive: each refused record is kept once, whatever happens."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lrs.kernel.codec import codec
from lrs.kernel.records import Refused
from lrs.kernel.settings import BrokerSettings, LettersSettings, Settings, ZoneSettings
from lrs.kernel.topics import Noun, topic_name
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.dead_letters import HOPS
from tests.support.log import Pair, send
from tests.support.running import running
from tests.support.stream_part import Stores, open_stores
from tests.support.waiting import eventually

STORED_MS = 1_780_000_000_000


@dataclass
class Station:
    """A zone's broker and archive, and its letters part, which can be made again and again."""

    settings: Settings
    folder: ZoneFolder

    @property
    def topic(self) -> str:
        return topic_name(self.settings.zone.name, Noun.REFUSED)

    async def send(self, partition: int, records: list[Pair]) -> None:
        await send(self.settings.broker, self.topic, partition, records)

    def open(self, closing: ExitStack) -> Stores:
        return open_stores("letters", self.folder, self.settings, closing)

    async def keep(self, total: int) -> Kept:
        """Run the part until `total` refused records are counted and committed."""
        with ExitStack() as closing:
            stores = self.open(closing)
            async with running(stores.part()):
                await eventually(lambda: counted(stores) >= total)
            return Kept.of(stores)


@dataclass
class Kept:
    """What the table and the tallies say."""

    counted: int
    rows: int
    distinct: int
    sources: dict[str, int]

    @classmethod
    def of(cls, stores: Stores) -> Kept:
        [(rows, distinct)] = stores.engine.query(
            "SELECT count(), uniqExact(source, partition, offset) FROM dead_letters"
        )
        sources = stores.engine.query("SELECT source, count() FROM dead_letters GROUP BY source ORDER BY source")
        return cls(counted(stores), rows, distinct, {source: int(count) for source, count in sources})


def counted(stores: Stores) -> int:
    tallies = stores.tallies()
    return sum(sum(tallies.totals(hop).values()) for hop in HOPS.values())


def settings_of(broker: BrokerSettings, zone: str, **letters: object) -> Settings:
    wishes = LettersSettings.model_validate({"max_records": 100, "gather_seconds": 0.001, **letters})
    return Settings(zone=ZoneSettings.model_validate({"name": zone}), broker=broker, letters=wishes)


@pytest.fixture
def station(broker: BrokerSettings, zone: str, tmp_path: Path) -> Station:
    return Station(settings_of(broker, zone), ZoneFolder(tmp_path / "zone"))


def refused(partition: int, offset: int, **more: Any) -> Pair:  # noqa: ANN401 - any field
    record: Refused = {
        "partition": partition,
        "offset": offset,
        "statement_id": os.urandom(16),
        "app": "drill",
        "stored_at_ms": STORED_MS + offset,
        "reason": "invalid",
        "path": "$",
        "rule": "a statement has an actor",
        "original": b"original %d" % offset,
        "source": "received",
    }
    record.update(more)  # type: ignore[typeddict-item]
    return None, codec("refused").encode(record)


def some(partition: int, count: int, first: int = 0) -> list[Pair]:
    return [refused(partition, 3 * offset) for offset in range(first, first + count)]


async def test_every_letter_is_kept_once_though_its_record_is_refused_again_and_again(station: Station) -> None:
    for partition in range(station.settings.broker.partitions):
        letters = some(partition, 150)
        # As a recorder that was killed sends them: from some record on again, in order.
        await station.send(partition, [*letters[:100], *letters[40:120], *letters[100:]])
    total = 150 * station.settings.broker.partitions
    assert await station.keep(total) == Kept(total, total, total, {"received": total})


async def test_the_same_input_again_changes_nothing(station: Station) -> None:
    letters = some(1, 50)
    await station.send(1, letters)
    first = await station.keep(50)
    await station.send(1, [*letters, refused(1, 1000)])
    assert first == Kept(50, 50, 50, {"received": 50})
    assert await station.keep(51) == Kept(51, 51, 51, {"received": 51})


async def test_a_store_that_was_emptied_is_filled_again_from_the_log(station: Station, tmp_path: Path) -> None:
    await station.send(0, some(0, 50))
    before = await station.keep(50)
    station.folder = ZoneFolder(tmp_path / "another")
    assert await station.keep(50) == before


async def test_what_is_no_dead_letter_is_kept_as_one_and_stops_nothing(station: Station) -> None:
    strange = [
        (None, b"not a record"),
        (None, b""),
        refused(0, 7, source="elsewhere"),
        refused(1, 8),
        refused(0, -1),
        refused(0, 9, app="a" * 1000),
        refused(0, 9, reason="whatever"),
    ]
    await station.send(0, [refused(0, 5), *strange, refused(0, 6)])
    assert await station.keep(9) == Kept(9, 9, 9, {"received": 2, "refused": 7})


async def test_a_slice_that_could_not_be_read_hides_no_statement(station: Station) -> None:
    # Its offset is one of another topic, and may be beyond those of the statements.
    await station.send(2, [refused(2, 10_000, source="accepted", statement_id=None, app=""), *some(2, 20)])
    assert await station.keep(21) == Kept(21, 21, 21, {"accepted": 1, "received": 20})


async def test_a_letter_of_the_first_version_is_kept(station: Station) -> None:
    old = next(header for header in codec("refused")._writers if header != codec("refused").header)  # noqa: SLF001
    value = refused(0, 1)[1]
    await station.send(0, [(None, old + value[10 : -len(b"\x10received")])])
    assert (await station.keep(1)).sources == {"received": 1}


async def test_large_letters_come_a_few_at_a_time(station: Station) -> None:
    # Packed they are nothing, unpacked they would be a gigabyte if all were taken at once.
    await station.send(0, [refused(0, offset, original=bytes(4 << 20)) for offset in range(40)])
    assert (await station.keep(40)).rows == 40


async def test_being_behind_does_not_make_the_process_unready(station: Station) -> None:
    with ExitStack() as closing:
        part = station.open(closing).part()
        assert "refused caught up" not in [check.name for check in part.checks()]
        async with running(part):
            await eventually(lambda: all(check.ok for check in part.checks()))
