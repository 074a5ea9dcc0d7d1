"""Logs and stores that do not belong together any more: told, rewound, or mended, and nothing is skipped in silence."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from lrs.kernel.codec import codec
from lrs.kernel.errors import StopError
from lrs.kernel.kafka_options import client_options
from lrs.kernel.records import Activity
from lrs.kernel.settings import BrokerSettings, LoaderSettings, RecorderSettings, Settings, ZoneSettings
from lrs.kernel.topics import Noun, topic_name
from lrs.kernel.zone_folder import ZoneFolder
from processors.log_reader import LogReader
from processors.refilling import Refilling
from processors.topic_admin import ensure_topics
from tests.support.log import Pair, read_all, received, send
from tests.support.planting import statements
from tests.support.running import running
from tests.support.stream_part import open_stores
from tests.support.waiting import eventually

STORED_MS = 1_780_000_000_000
SHORT = {"gather_seconds": 0.001}


@dataclass
class Station:
    """A zone's broker, and the folder of a recorder or a loader."""

    settings: Settings
    folder: ZoneFolder

    @property
    def broker(self) -> BrokerSettings:
        return self.settings.broker

    @property
    def zone(self) -> str:
        return self.settings.zone.name

    async def run(self, which: str, total: int) -> dict[str, int]:
        """Run a recorder or a loader until it has counted `total`; what it counted."""
        with ExitStack() as closing:
            stores = open_stores(which, self.folder, self.settings, closing)
            tallies = stores.tallies()
            async with running(stores.part()):
                await eventually(lambda: sum(tallies.totals(which).values()) >= total)
            table = "statements" if which == "recorder" else "activities"
            query = f"SELECT count() - uniqExact(partition, offset) FROM {table}"  # noqa: S608
            assert stores.engine.query(query) == [(0,)]
            return {outcome: count for (outcome, _), count in tallies.totals(which).items()}

    async def put(self, noun: Noun, records: list[Pair]) -> None:
        """Put records on partition 0."""
        await send(self.broker, topic_name(self.zone, noun), 0, records)

    async def lose_the_log(self) -> None:
        """The topics and everything that was committed for them."""
        admin = AIOKafkaAdminClient(**client_options(self.broker))
        await admin.start()
        try:
            await admin.delete_topics([topic_name(self.zone, noun) for noun in (Noun.RECEIVED, Noun.ACCEPTED)])
        finally:
            await admin.close()
        await eventually(self._made_again)

    async def _made_again(self) -> bool:
        return len(await ensure_topics(self.broker, self.zone)) == 2


@pytest.fixture
def station(broker: BrokerSettings, zone: str, tmp_path: Path) -> Station:
    settings = Settings(
        zone=ZoneSettings.model_validate({"name": zone}),
        broker=broker,
        recorder=RecorderSettings.model_validate(SHORT),
        loader=LoaderSettings.model_validate(SHORT),
    )
    return Station(settings, ZoneFolder(tmp_path / "zone"))


def activities(first: int, number: int) -> list[Pair]:
    """Activities of partition 0."""
    return [(None, codec("activity").encode(_activity(first + one))) for one in range(number)]


def _activity(offset: int) -> Activity:
    return {
        "partition": 0,
        "offset": offset,
        "app": "drill",
        "stored_at_ms": STORED_MS + offset,
        "statement_key": offset.to_bytes(16),
        "pseudonym": bytes(16),
        "registration_key": None,
        "key_epoch": 2026,
        "occurred_at_ms": STORED_MS,
        "verb": "answered",
        "role": "answer",
        "activity_key": bytes(16),
        "activity_id": "",
        "curriculum_code": "8220243111100000",
        "subject": "算数",
        "grade": 3,
        "school_code": "",
        "score_scaled": None,
        "success": True,
        "completion": None,
        "duration_seconds": None,
    }


@pytest.mark.parametrize("was_committed", [False, True], ids=["nothing committed", "committed by another store"])
async def test_a_log_that_was_lost_and_grew_past_the_old_one_stops_the_recorder(
    station: Station, tmp_path: Path, *, was_committed: bool
) -> None:
    await station.put(Noun.RECEIVED, statements(0, 20, 1))
    await station.run("recorder", 20)
    await station.lose_the_log()
    await station.put(Noun.RECEIVED, statements(0, 30, 2))
    if was_committed:
        await replace(station, folder=ZoneFolder(tmp_path / "another")).run("recorder", 30)
    with pytest.raises(StopError, match=r"offset 19 of .*-0 is not the record that was taken from there"):
        await station.run("recorder", 50)


async def test_a_lost_log_that_was_filled_up_takes_everything_that_comes_as_new(station: Station) -> None:
    await station.put(Noun.RECEIVED, statements(0, 20, 1))
    await station.run("recorder", 20)
    await station.lose_the_log()
    meanwhile, later = statements(0, 5, 2), statements(0, 7, 3)
    await station.put(Noun.RECEIVED, meanwhile)
    for moved in (5, 0):  # the second time there is nothing more to do
        async with Refilling(station.broker, station.zone) as log:
            assert await log.fill(Noun.RECEIVED, 0, 20, lambda _: None) == moved
    async with LogReader(station.broker, station.zone) as reader:
        assert (await reader.spans(Noun.RECEIVED))[0] == (20, 25)
    await station.put(Noun.RECEIVED, later)
    shutil.rmtree(station.folder.ids)
    assert await station.run("recorder", 32) == {"archived": 32}


async def test_filling_that_was_cut_off_before_its_end_is_done_again(station: Station) -> None:
    meanwhile = statements(0, 3, 2)
    await station.put(Noun.RECEIVED, meanwhile)
    async with Refilling(station.broker, station.zone) as log:
        assert await log.fill(Noun.RECEIVED, 0, 10, lambda _: None) == 3
        # Cut off before it let go of the beginning: fillers and all are still there.
        assert await log.fill(Noun.RECEIVED, 0, 12, lambda _: None) == 2
    values = (await read_all(station.broker, topic_name(station.zone, Noun.RECEIVED)))[0]
    assert values == [value for _, value in (meanwhile[2], *meanwhile[:2])]


async def test_a_restored_store_is_read_from_where_it_is_whatever_was_committed(station: Station) -> None:
    # Offsets of `activity` and those of `received` that its records carry are not the same.
    await station.put(Noun.ACTIVITY, activities(100, 50))
    await station.run("loader", 50)
    backup = shutil.copytree(station.folder.facts, station.folder.root / "backup", symlinks=True)
    await station.put(Noun.ACTIVITY, activities(150, 50))
    await station.run("loader", 100)
    shutil.rmtree(station.folder.facts)
    shutil.move(backup, station.folder.facts)
    await station.put(Noun.ACTIVITY, activities(200, 10))
    assert await station.run("loader", 110) == {"published": 110}


async def test_a_part_that_runs_keeps_its_groups_offsets(station: Station) -> None:
    one = received(b"x" * 16)
    with ExitStack() as closing:
        stores = open_stores("recorder", station.folder, station.settings, closing)
        async with running(stores.part()):
            await station.put(Noun.RECEIVED, [one])
            await eventually(lambda: sum(stores.tallies().totals("recorder").values()) >= 1)
            async with Refilling(station.broker, station.zone) as log:
                await eventually(lambda: log.committed("letters", Noun.REFUSED))
                assert not await log.committed("recorder", Noun.RECEIVED, {0: 0})
