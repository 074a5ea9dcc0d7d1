"""The second opinion: every record of the log decided again, and each one named that did not come through."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

import pytest

from lrs.kernel.codec import ContractError, codec
from lrs.kernel.statements import XapiVersion, read_statement
from lrs.kernel.topics import partition_of
from lrs.store.holdings import LETTERS, LOADER, PROCESSOR, RECORDER
from lrs.store.tallies import Cell
from processors.offset_set import OffsetSet
from processors.recounting import (
    LOST,
    NO_LETTER,
    NOT_KEPT,
    NOT_KEPT_YET,
    WAITING,
    ActivityRecount,
    Findings,
    LettersRecount,
    ReceivedRecount,
    Sums,
    accepted_offsets,
    not_loaded,
    not_passed,
    place_of,
    refused_offset,
)
from processors.settling import Rules
from tests.support.learning import slice_bytes
from tests.support.learning import statement as drill
from tests.support.log import received, statement
from tests.support.rows import activity, retraction

HOUR_MS = 3_600_000
AT_MS = 480_000 * HOUR_MS + 5
PLACE = (480_000 * 3600, "drill")
RULES = Rules(partitions=1, max_statement_bytes=10_000)


class Record(NamedTuple):
    """One of the log."""

    partition: int
    offset: int
    timestamp: int
    value: bytes | None


def record(offset: int, raw: bytes | None = None, **envelope: Any) -> Record:  # noqa: ANN401 - any field
    key = uuid.UUID(int=offset, version=4).bytes
    assert partition_of(key, 1) == 0
    return Record(0, offset, AT_MS, received(key, raw, **envelope)[1])


def recount(found: Findings, **sets: OffsetSet) -> ReceivedRecount:
    known = {"archived": OffsetSet(), "refused": OffsetSet(), **sets}
    return ReceivedRecount(RULES, found, **known, end=100)


def test_what_is_archived_or_has_a_dead_letter_is_accounted_for() -> None:
    found = Findings(0)
    counting = recount(found, archived=OffsetSet([1]), refused=OffsetSet([2]))
    assert [counting.take(record(1)), counting.take(record(2, b"not JSON"))] == [None, None]
    assert (found.gaps(), counting.sums.counts[PLACE]) == ([], 2)


@pytest.mark.parametrize(("first_offset", "is_lost"), [(None, True), (6, False), (7, False), (8, True)])
def test_a_valid_record_that_no_table_holds_is_lost_unless_its_id_was_there_before(
    first_offset: int | None, *, is_lost: bool
) -> None:
    found = Findings(0)
    counting = recount(found)
    digest = read_statement(statement(uuid.UUID(int=7, version=4).bytes), XapiVersion.V1).digest
    suspect = counting.take(record(7))
    assert suspect is not None
    counting.settle(suspect, None if first_offset is None else (first_offset, digest))
    lost = [(RECORDER, LOST, "drill", PLACE[0], ((7, 7),), True)] if is_lost else []
    assert [(gap.hop, gap.meaning, gap.app, gap.hour, gap.offsets, gap.exact) for gap in found.gaps()] == lost


def test_a_refused_record_without_a_dead_letter_is_named() -> None:
    found = Findings(0)
    counting = recount(found)
    assert counting.take(record(3, b"not JSON")) is None
    conflict = counting.take(record(4))
    assert conflict is not None
    counting.settle(conflict, (2, b"other content   "))
    [gap] = found.gaps()
    assert (gap.meaning, gap.offsets, gap.statements) == (NO_LETTER, ((3, 4),), 2)


def test_what_the_recorder_has_not_reached_waits() -> None:
    found = Findings(0)
    assert recount(found).take(record(100)) is None
    [gap] = found.gaps()
    assert (gap.meaning, gap.waiting) == (WAITING, True)


def test_a_record_is_counted_in_the_hour_that_it_was_stored_in_not_in_which_it_came() -> None:
    late = record(1, stored_at_ms=AT_MS - 5 * HOUR_MS)
    assert place_of(late) == (PLACE[0] - 5 * 3600, "drill")
    assert place_of(record(1, stored_at_ms=-5)) == PLACE
    assert place_of(Record(0, 1, AT_MS, b"nothing of ours")) == (PLACE[0], "")


def test_activities_count_once_however_often_they_came_and_only_up_to_the_loaders_end() -> None:
    counting = ActivityRecount(end=3)
    published = [codec("activity").encode(activity(offset, stored_at_ms=AT_MS)) for offset in (1, 1, 3)]
    for value in [*published, codec("withheld").encode({**retraction(2, None), "stored_at_ms": AT_MS})]:
        counting.take(value)
    assert (list(counting.published), list(counting.withheld), counting.first) == ([1, 3], [2], 1)
    assert counting.sums.counts[PLACE] == 2
    with pytest.raises(ContractError):
        counting.take(b"nothing of ours")


def test_a_count_that_differs_from_the_log_is_a_gap_unless_lost_statements_explain_it() -> None:
    sums, found = Sums(), Findings(0)
    for offset in (4, 6, 9):
        sums.add(PLACE, offset)
    cells = [Cell(0, *PLACE, "archived", "", 2, 4, 9)]
    [gap] = sums.compare(cells, found, RECORDER, 0, since=0)
    assert (gap.expected, gap.found, gap.offsets, gap.exact) == (3, 2, ((4, 9),), False)
    assert sums.compare(cells, found, RECORDER, 0, since=PLACE[0] + 3600) == []
    found.add(RECORDER, LOST, PLACE, 6)
    assert sums.compare(cells, found, RECORDER, 0, since=0) == []


def test_each_hop_has_its_own_gaps() -> None:
    found = Findings(5)
    not_passed(found, 1, PLACE, accepted=True)
    not_passed(found, 2, PLACE, accepted=False)
    not_loaded(found, 3, PLACE)
    assert [(gap.hop, gap.partition, gap.offsets) for gap in found.gaps()] == [
        (LOADER, 5, ((3, 3),)),
        (PROCESSOR, 5, ((1, 1),)),
        (RECORDER, 5, ((2, 2),)),
    ]


def test_a_slice_tells_its_source_offsets() -> None:
    assert accepted_offsets(slice_bytes(0, [(4, drill(1)), (9, drill(2))])) == [4, 9]
    assert accepted_offsets(b"no slice") == []


def letter(offset: int, source: str = "received", stored_at_ms: int = AT_MS) -> bytes:
    """As it lies on `refused`."""
    made = {
        "partition": 0,
        "offset": offset,
        "statement_id": None,
        "app": "drill",
        "stored_at_ms": stored_at_ms,
        "reason": "invalid",
        "path": "$",
        "rule": "an actor has exactly one identifier",
        "original": b"{}",
        "source": source,
    }
    return codec("refused").encode(made)


@pytest.mark.parametrize(("source", "offset"), [("received", 7), ("accepted", None)])
def test_only_a_letter_of_received_accounts_for_a_record_of_received(source: str, offset: int | None) -> None:
    assert refused_offset(letter(7, source)) == offset
    assert refused_offset(b"no letter") is None


def test_a_letter_that_is_not_in_the_list_is_lost_or_was_not_reached_yet() -> None:
    found = Findings(0)
    recount = LettersRecount(found, OffsetSet([4, 6, 9]), position=3)
    on_topic = [letter(4), letter(5), letter(6, stored_at_ms=-1), letter(4), letter(9), letter(6, "accepted"), b"none"]
    for place, value in enumerate(on_topic):
        recount.take(Record(0, place, AT_MS, value))
    gaps = [(gap.hop, gap.meaning, gap.offsets, gap.exact, gap.waiting, gap.app, gap.hour) for gap in found.gaps()]
    assert gaps == [
        (LETTERS, NOT_KEPT_YET, ((9, 9),), True, True, "drill", PLACE[0]),
        (LETTERS, NOT_KEPT, ((4, 4), (6, 6)), True, False, "drill", PLACE[0]),
    ]
