"""The recorder on a real broker over a real archive."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from lrs.kernel.codec import codec
from lrs.kernel.progress import ArchiveProgress
from lrs.kernel.settings import BrokerSettings, RecorderSettings, Settings, ZoneSettings
from lrs.kernel.topics import Noun, partition_of, topic_name
from lrs.kernel.zone_folder import ZoneFolder
from tests.stream.steps.step import add_partition
from tests.support.log import Pair, committed, read_all, received, send, send_received, statement
from tests.support.running import running
from tests.support.stream_part import Stores, open_stores
from tests.support.waiting import eventually


@dataclass
class Station:
    """A zone's broker and archive, and its recorder, which can be made again and again."""

    settings: Settings
    folder: ZoneFolder

    @property
    def zone(self) -> str:
        return self.settings.zone.name

    @property
    def broker(self) -> BrokerSettings:
        return self.settings.broker

    def topic(self, noun: Noun) -> str:
        return topic_name(self.zone, noun)

    async def send(self, records: list[Pair]) -> dict[int, int]:
        return await send_received(self.broker, self.zone, records)

    def open(self, closing: ExitStack) -> Stores:
        return open_stores("recorder", self.folder, self.settings, closing)

    async def record(self, total: int) -> Counted:
        """Run a recorder until `total` records are accounted for and committed."""
        with ExitStack() as closing:
            stores = self.open(closing)
            async with running(stores.part()):
                await eventually(lambda: accounted(stores) >= total, 60)
            return Counted.of(stores)


@dataclass
class Counted:
    """What the archive and the tallies say."""

    endings: dict[str, int]
    rows: int
    distinct: int
    ids: int

    @classmethod
    def of(cls, stores: Stores) -> Counted:
        [(rows, distinct, ids)] = stores.engine.query(
            "SELECT count(), uniqExact(partition, offset), uniqExact(statement_id) FROM statements"
        )
        endings = {reason or outcome: count for (outcome, reason), count in stores.tallies().totals("recorder").items()}
        return cls(endings, rows, distinct, ids)


@pytest.fixture
def station(broker: BrokerSettings, zone: str, tmp_path: Path) -> Station:
    return Station(settings_of(broker, zone), ZoneFolder(tmp_path / "zone"))


def settings_of(broker: BrokerSettings, zone: str, **recorder: object) -> Settings:
    wishes = RecorderSettings.model_validate({"slice_statements": 20, "max_records": 100, **recorder})
    return Settings(zone=ZoneSettings.model_validate({"name": zone}), broker=broker, recorder=wishes)


def accounted(stores: Stores) -> int:
    return sum(stores.tallies().totals("recorder").values())


def new_ids(count: int) -> list[bytes]:
    return [os.urandom(16) for _ in range(count)]


def accepted_of(values: dict[int, list[bytes]]) -> dict[int, list[tuple[int, bytes]]]:
    """For each partition the accepted (offset, id) in the order of the topic."""
    found: dict[int, list[tuple[int, bytes]]] = {}
    for partition, slices in values.items():
        decoded = [codec("accepted").decode(value) for value in slices]
        assert all(one["partition"] == partition for one in decoded)
        found[partition] = [(one["offset"], one["statement_id"]) for part in decoded for one in part["statements"]]
    return found


async def test_every_record_ends_once_and_where_it_belongs(station: Station) -> None:
    ids = new_ids(300)
    good = [received(one) for one in ids]
    again = good[:30]
    other = [received(one, statement(one, content=1)) for one in ids[30:50]]
    malformed = [received(one, b"{}") for one in new_ids(7)]
    sent = await station.send([*good, *again, *other, *malformed])
    elsewhere = (partition_of(ids[0], station.broker.partitions) + 1) % station.broker.partitions
    await send(station.broker, station.topic(Noun.RECEIVED), elsewhere, [good[0], (None, b"no envelope")])
    counted = await station.record(sum(sent.values()) + 2)

    assert counted.endings == {
        "archived": 300, "duplicate": 30, "conflict": 20, "invalid": 7, "wrong_partition": 1, "wrong_envelope": 1
    }  # fmt: skip
    assert (counted.rows, counted.distinct, counted.ids) == (300, 300, 300)
    accepted = accepted_of(await read_all(station.broker, station.topic(Noun.ACCEPTED)))
    assert {one for some in accepted.values() for _, one in some} == set(ids)
    assert all(some == sorted(set(some)) for some in accepted.values())
    letters = [
        codec("refused").decode(value)
        for values in (await read_all(station.broker, station.topic(Noun.REFUSED))).values()
        for value in values
    ]
    assert Counter(letter["reason"] for letter in letters) == {
        "conflict": 20, "invalid": 7, "wrong_partition": 1, "wrong_envelope": 1
    }  # fmt: skip
    originals = {value for _, value in [*other, *malformed, good[0]]} | {b"no envelope"}
    assert {letter["original"] for letter in letters} == originals
    ends = {partition: count + 2 * (partition == elsewhere) for partition, count in sent.items()}
    group = await committed(station.broker, f"{station.zone}.recorder", station.topic(Noun.RECEIVED))
    assert {partition: offset for partition, offset in group.items() if offset} == ends


async def test_the_same_input_again_changes_no_statement(station: Station) -> None:
    records = [received(one) for one in new_ids(50)]
    await station.send(records)
    first = await station.record(50)
    await station.send(records)
    second = await station.record(100)
    assert first.endings == {"archived": 50}
    assert second.endings == {"archived": 50, "duplicate": 50}
    assert second.rows == second.distinct == 50


async def test_ids_are_still_known_when_every_topic_has_got_more_partitions(station: Station) -> None:
    records = [received(one) for one in new_ids(50)]
    await station.send(records)
    assert (await station.record(50)).endings == {"archived": 50}
    for noun in (Noun.RECEIVED, Noun.ACCEPTED, Noun.REFUSED, Noun.ACTIVITY):
        await add_partition(station.broker, station.topic(noun))
    station.settings = settings_of(station.broker.model_copy(update={"partitions": 5}), station.zone)
    await station.send(records)
    counted = await station.record(100)
    assert counted.endings == {"archived": 50, "duplicate": 50}
    assert counted.rows == counted.distinct == 50


async def test_a_store_that_was_emptied_is_filled_again_from_the_log(station: Station, tmp_path: Path) -> None:
    await station.send([received(one) for one in new_ids(50)])
    before = await station.record(50)
    station.folder = ZoneFolder(tmp_path / "another")
    assert await station.record(50) == before


async def test_readers_are_told_when_the_archive_has_passed_the_logs_end(station: Station) -> None:
    progress = ArchiveProgress(station.broker.partitions)
    with ExitStack() as closing:
        stores = station.open(closing)
        part = stores.part(progress)
        async with running(part):
            await eventually(lambda: all(check.ok for check in part.checks()))
            before = progress.consistent_through_ms()
            ends = await station.send([received(one) for one in new_ids(40)])
            assert await progress.wait_for(ends, 20)
            assert stores.engine.query("SELECT count() FROM statements") == [(40,)]
            # Idle, too, time goes on.
            await eventually(lambda: progress.consistent_through_ms() > before + 100)
        assert all(progress.next_offset(partition) == 0 for partition in ends)
