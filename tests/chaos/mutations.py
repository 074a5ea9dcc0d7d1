"""Safeties that can be taken away from the code, one at a time, and which tests must then fail."""

from __future__ import annotations

from typing import NamedTuple

_DELIVERY = "tests/stream/steps/test_delivery.py"
_LOOP = "tests/stream/test_partition_consumer.py"
_GROUP = "tests/stream/steps/test_group.py"
_TROUBLE = "tests/stream/steps/test_trouble.py"
_TWICE = f"{_DELIVERY}::test_the_same_input_twice_counts_once"
_POISON = f"{_DELIVERY}::test_poison_becomes_a_dead_letter_with_its_coordinates_and_its_neighbours_pass"
_GIVES_UP = "        finally:\n            call.abandoned = True\n"
_WAITS = (
    "                await call.future\n"
    "        except TimeoutError as error:\n"
    '            raise _away(error, "publish", f"not confirmed in {self._timeout:g} s") from error\n' + _GIVES_UP
)


class Mutation(NamedTuple):
    """`old`, which is in the file exactly once, becomes `new`; then each of the tests must fail."""

    safety: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTATIONS = (
    Mutation(
        "the gateway and the SDK answer only when the broker has confirmed",
        "producers/publisher.py",
        _WAITS,
        # The record still goes out: it is not given up, but nobody waits for it.
        _WAITS.replace("                await call.future\n", "").replace(_GIVES_UP, ""),
        ("tests/stream/test_publisher.py::test_a_call_that_is_not_confirmed_in_time_is_a_retry_and_frees_its_memory",),
    ),
    Mutation(
        "a sink skips what its table holds",
        "lrs/store/offsets.py",
        "if offset > mark:",
        "if offset >= 0:",
        (f"{_TWICE}[loader]",),
    ),
    Mutation(
        "a sink begins where its store is, whatever was committed",
        "processors/sink.py",
        "return span.committed if accounted is None else min(span.committed, accounted)",
        "return span.committed",
        ("tests/unit/processors/test_sink.py::test_reading_begins_where_nothing_can_be_missed",),
    ),
    Mutation(
        "an offset is committed only after the write",
        "processors/partition_consumer.py",
        "        writing = asyncio.ensure_future(self._until_done(step, fence=True))\n",
        "        await self._consumer.commit({partition: read.next_offset for partition, read in polled.items()})\n"
        "        writing = asyncio.ensure_future(self._until_done(step, fence=True))\n",
        (f"{_LOOP}::test_an_error_that_waiting_cannot_mend_ends_the_part_and_commits_nothing",),
    ),
    Mutation(
        "what is counted is written",
        "processors/recorder.py",
        "await self._in_thread(self._tallies.write)",
        "await asyncio.sleep(0)",
        (f"{_TWICE}[recorder]",),
    ),
    Mutation(
        "a refused record becomes a dead letter",
        "processors/recorder.py",
        "        yield self._topics[Noun.REFUSED], partition, letters\n",
        "",
        (f"{_POISON}[recorder]",),
    ),
    Mutation(
        "what the loader cannot read becomes a dead letter",
        "processors/loader.py",
        "        poison = [entry for entry in entries if entry.problem]\n",
        "        poison: list[Entry] = []\n",
        (f"{_POISON}[loader]",),
    ),
    Mutation(
        "the same id with other content is a conflict",
        "processors/settling.py",
        "elif first.digest == digest:",
        "elif first.digest:",
        ("tests/unit/processors/test_settling.py::test_the_first_of_an_id_wins_also_within_one_batch",),
    ),
    Mutation(
        "a batch is done when the broker has confirmed it",
        "processors/batch_producer.py",
        "await (await self._producer.send_batch(builder, topic, partition=partition))",
        "await self._producer.send_batch(builder, topic, partition=partition)",
        (f"{_TROUBLE}::test_a_topic_that_takes_nothing_for_a_while_gets_everything_once_it_does[processor]",),
    ),
    Mutation(
        "a slice is acked only after it is written",
        "processors/slice_step.py",
        "        try:\n            await self._until_done(lambda: self._producer.publish(",
        "        _ack(event)\n        try:\n            await self._until_done(lambda: self._producer.publish(",
        (f"{_TROUBLE}::test_a_step_that_is_stopped_while_its_topic_takes_nothing_goes_on_later[processor]",),
    ),
    Mutation(
        "a sink asks the group before it writes",
        "processors/partition_consumer.py",
        "        await self._until_done(self._fence)\n",
        "",
        (f"{_GROUP}::test_one_that_stood_still_while_another_took_its_place_writes_nothing_twice[loader]",),
    ),
    Mutation(
        "what retention took unread stops the part",
        "processors/sink.py",
        "    if gap and span.begin > span.lost_before:\n",
        "    if gap < 0:\n",
        ("tests/unit/processors/test_sink.py::test_records_that_are_gone_unread_stop_the_part",),
    ),
    Mutation(
        "the accountant looks at every hop",
        "lrs/store/accounting.py",
        "            *_recorder_gaps(recorder, partition, log.get(partition, LogSpan(0, 0))),\n",
        "",
        ("tests/store/test_accounting.py::test_a_record_on_the_log_that_nobody_counted_is_named",),
    ),
)
