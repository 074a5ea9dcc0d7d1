"""Facts about sending by the SDK, on a real broker."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition

from lrs.kernel.codec import codec
from lrs.kernel.kafka_options import client_options
from lrs.kernel.topics import Noun, topic_name
from producers.simulator.emissions import Faults
from producers.simulator.run import Plan, Target, simulate

if TYPE_CHECKING:
    from lrs.kernel.records import Received
    from lrs.kernel.settings import BrokerSettings

PLAN = Plan(count=3000, schools=2, http_share=0.0, faults=Faults(duplicated=0.05, conflicting=0.05))


async def received(broker: BrokerSettings, zone: str, count: int) -> list[Received]:
    topic = topic_name(zone, Noun.RECEIVED)
    consumer = AIOKafkaConsumer(**client_options(broker), auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(broker.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        assert sum(ends.values()) == count
        records: list[Received] = []
        while len(records) < count:
            for batch in (await consumer.getmany(timeout_ms=1000)).values():
                records += [codec("received").decode(record.value) for record in batch]
        return records
    finally:
        await consumer.stop()


async def test_every_statement_of_the_plan_is_on_the_log_once_and_originals_come_first(
    broker: BrokerSettings, zone: str
) -> None:
    progress: list[int] = []
    report = await simulate(
        PLAN, Target("", {}, broker, zone), progress=lambda settled, of: progress.append(settled * 100 // of)
    )
    assert (report.sent, report.unsent, report.resent, report.surprises) == (3000, 0, 0, [])
    assert progress[-1] == 100
    records = await received(broker, zone, 3000)
    sent = list(PLAN.district().statements(3000))
    assert Counter(record["statement"] for record in records) == Counter(each.body for each in sent)
    assert {record["app"]: record["xapi_version"] for record in records} == {
        "asahi-drill": "1.0.3",
        "mexcbt-portal": "1.0.3",
        "midori-drill": "2.0.0",
    }
    first: dict[bytes | None, bytes] = {}
    for each in sent:
        first.setdefault(each.statement_id, each.body)
    arrived: dict[bytes | None, bytes] = {}
    for record in records:
        arrived.setdefault(record["statement_id"], record["statement"])
    assert arrived == first
