"""The loader on a real broker over real facts."""

from __future__ import annotations

import random
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lrs.kernel.codec import codec
from lrs.kernel.errors import StopError
from lrs.kernel.records import Activity, Withheld
from lrs.kernel.settings import BrokerSettings, LoaderSettings, Settings, ZoneSettings
from lrs.kernel.topics import Noun, topic_name
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.facts import FactCounts, Facts
from tests.support.log import committed, read_all, send
from tests.support.running import running
from tests.support.stream_part import Stores, open_stores
from tests.support.waiting import eventually

STORED_MS = 1_780_000_000_000


@dataclass
class Station:
    """A zone's broker and facts, and its loader, which can be made again and again."""

    settings: Settings
    folder: ZoneFolder

    @property
    def topic(self) -> str:
        return topic_name(self.settings.zone.name, Noun.ACTIVITY)

    async def send(self, partition: int, records: list[Activity | Withheld]) -> None:
        pairs = [(None, codec("withheld" if "reason" in one else "activity").encode(one)) for one in records]
        await send(self.settings.broker, self.topic, partition, pairs)

    def open(self, closing: ExitStack) -> Stores:
        return open_stores("loader", self.folder, self.settings, closing)

    async def load(self, total: int, *, retracted: int = 0) -> Counted:
        """Run a loader until `total` source records are accounted for and that many facts are taken out."""
        with ExitStack() as closing:
            stores = self.open(closing)
            async with running(stores.part()):
                await eventually(lambda: sum(stores.tallies().totals("loader").values()) >= total)
                await eventually(lambda: Facts(stores.engine).counts().retracted >= retracted)
            return Counted.of(stores)


@dataclass
class Counted:
    """What the facts and the tallies say."""

    endings: dict[str, int]
    facts: FactCounts
    doubles: int

    @classmethod
    def of(cls, stores: Stores) -> Counted:
        doubles = sum(
            stores.engine.query(f"SELECT count() - uniqExact(partition, offset) FROM {table}")[0][0]  # noqa: S608
            for table in ("activities", "retractions", "retracted")
        )
        endings = {reason or outcome: count for (outcome, reason), count in stores.tallies().totals("loader").items()}
        return cls(endings, Facts(stores.engine).counts(), doubles)


@pytest.fixture
def station(broker: BrokerSettings, zone: str, tmp_path: Path) -> Station:
    settings = Settings(
        zone=ZoneSettings.model_validate({"name": zone}),
        broker=broker,
        loader=LoaderSettings.model_validate({"max_records": 100, "gather_seconds": 0.001, "retract_seconds": 0.1}),
    )
    return Station(settings, ZoneFolder(tmp_path / "zone"))


def key_of(partition: int, offset: int) -> bytes:
    return partition.to_bytes(8) + offset.to_bytes(8)


def activity(partition: int, offset: int, **more: Any) -> Activity:  # noqa: ANN401 - any field
    record: Activity = {
        "partition": partition,
        "offset": offset,
        "app": "drill",
        "stored_at_ms": STORED_MS + offset,
        "statement_key": key_of(partition, offset),
        "pseudonym": random.Random(offset).randbytes(16),
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
        "score_scaled": 0.5,
        "success": True,
        "completion": None,
        "duration_seconds": 12.5,
    }
    record.update(more)  # type: ignore[typeddict-item]
    return record


def withheld(partition: int, offset: int, reason: str = "no_consent", retracts: bytes | None = None) -> Withheld:
    return {
        "partition": partition,
        "offset": offset,
        "app": "drill",
        "stored_at_ms": STORED_MS + offset,
        "reason": reason,
        "retracts": retracts,
    }


def voiding(partition: int, offset: int, target: bytes) -> Withheld:
    return withheld(partition, offset, "voiding", target)


def mixture(partition: int, count: int) -> list[Activity | Withheld]:
    """Seven of ten are activities, two are withheld, one takes the activity before it out."""
    made: list[Activity | Withheld] = []
    for offset in range(count):
        if offset % 10 == 9:
            made.append(voiding(partition, offset, key_of(partition, offset - 3)))
        elif offset % 10 > 6:
            made.append(withheld(partition, offset))
        else:
            made.append(activity(partition, offset))
    return made


async def test_every_record_finds_its_table_and_is_counted(station: Station) -> None:
    await station.send(0, mixture(0, 200))
    await station.send(3, mixture(3, 100))
    counted = await station.load(300, retracted=30)
    assert counted.endings == {"published": 210, "no_consent": 60, "voiding": 30}
    assert counted.facts == FactCounts(loaded=210, present=180, retracted=30, retractions=30)
    assert counted.doubles == 0
    group = await committed(station.settings.broker, f"{station.settings.zone.name}.loader", station.topic)
    assert group == {0: 200, 1: None, 2: None, 3: 100}


async def test_a_retraction_that_comes_before_its_target_takes_it_out_too(station: Station) -> None:
    await station.send(0, [voiding(0, 5, key_of(1, 77))])
    await station.load(1)
    await station.send(1, [activity(1, 76), activity(1, 77)])
    counted = await station.load(3, retracted=1)
    assert counted.facts == FactCounts(loaded=2, present=1, retracted=1, retractions=1)


async def test_what_is_sent_again_is_loaded_once_also_within_one_batch(station: Station) -> None:
    records = mixture(0, 60)
    await station.send(0, [*records[:40], *records[20:], *records])
    first = await station.load(60, retracted=6)
    await station.send(0, [*records, activity(0, 60)])
    second = await station.load(61, retracted=6)
    assert first.endings == {"published": 42, "no_consent": 12, "voiding": 6}
    assert second.endings == {"published": 43, "no_consent": 12, "voiding": 6}
    assert second.facts == FactCounts(loaded=43, present=37, retracted=6, retractions=6)
    assert first.doubles == second.doubles == 0


async def test_facts_that_were_emptied_are_filled_again_from_the_log(station: Station, tmp_path: Path) -> None:
    await station.send(0, mixture(0, 60))
    before = await station.load(60, retracted=6)
    station.folder = ZoneFolder(tmp_path / "another")
    assert await station.load(60, retracted=6) == before


async def test_a_record_of_another_releases_schema_stops_the_loader_by_its_coordinates(station: Station) -> None:
    await station.send(2, mixture(2, 10))
    await send(station.settings.broker, station.topic, 2, [(None, codec("refused").header)])
    with pytest.raises(StopError, match=r"activity\.v1-2 offset 10 cannot be loaded: .* unknown schema"):
        await station.load(11)


async def test_what_is_cut_off_anywhere_or_lies_elsewhere_becomes_a_dead_letter_alone(station: Station) -> None:
    whole = codec("activity").encode(activity(0, 10))
    # The last of them begins as an activity does: only the engine notices, and cannot say which it is.
    broken = [
        whole[:12],
        codec("withheld").encode(withheld(1, 11)),
        codec("activity").encode(activity(3, 12)),
        whole[:-3],
    ]
    await station.send(0, mixture(0, 10))
    await send(station.settings.broker, station.topic, 0, [(None, value) for value in broken])
    await station.send(0, [activity(0, offset) for offset in range(10, 20)])
    counted = await station.load(20, retracted=1)
    assert counted.endings == {"published": 17, "no_consent": 2, "voiding": 1}
    values = (await read_all(station.settings.broker, topic_name(station.settings.zone.name, Noun.REFUSED)))[0]
    letters = [codec("refused").decode(value) for value in values]
    assert [(one["source"], one["offset"], one["original"]) for one in letters] == [
        ("activity", 10 + number, value) for number, value in enumerate(broken)
    ]
    assert "a record of partition 3" in letters[2]["rule"]
