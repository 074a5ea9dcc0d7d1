"""What the accountant holds to be a gap: what stays, and what is on its way for too long."""

from __future__ import annotations

from dataclasses import replace

from lrs.cli.gap_watch import GapWatch, Look
from lrs.store.accounting import HopCounts, LogSpan
from lrs.store.holdings import LOADER, RECORDER, Held

NONE = {"recorder": 0, "letters": 0, "processor": 0, "loader": 0}


def hop(name: str, outcome: str, table: str, counted: int, rows: int | None = None) -> HopCounts:
    """One partition that began at 0."""
    counts = {0: {(outcome, ""): counted}} if counted else {}
    spans = {0: (0, counted)} if counted else {}
    return HopCounts(name, counts, spans, {table: {0: Held(*[counted if rows is None else rows] * 2)}})


def look(at: float, log: int, archived: int, published: int, **rows: int) -> Look:
    """So many on the log, archived and published; `rows` where a table holds others."""
    recorder = hop(RECORDER, "archived", "statements", archived, rows.get("statements"))
    loader = hop(LOADER, "published", "activities", published, rows.get("activities"))
    passed_by = None if archived == published else {0: rows.get("passed", published)}
    return Look(at, {0: LogSpan(0, log)}, recorder, loader, passed_by)


def test_what_is_on_its_way_is_no_gap_until_it_is_overdue() -> None:
    watch = GapWatch(40)
    for number in range(10):
        at = number * 10
        assert watch.take(look(at, 100 + at, 90 + at, 80 + at)) == NONE
        assert not watch.unsure


def test_what_no_hop_takes_counts_when_it_is_overdue() -> None:
    watch = GapWatch(40)
    assert watch.take(look(0, 100, 90, 90)) == NONE
    assert watch.take(look(39, 200, 90, 90)) == NONE
    assert watch.take(look(41, 200, 90, 90)) == {**NONE, "recorder": 10}
    assert watch.take(look(60, 200, 200, 90)) == {**NONE, "processor": 0}
    assert watch.take(look(101, 200, 200, 90)) == {**NONE, "processor": 110}
    assert watch.take(look(110, 200, 200, 200)) == NONE


def test_a_sum_that_does_not_come_out_counts_when_it_is_seen_twice() -> None:
    watch = GapWatch(40)
    found = []
    for at, missing in ((0, 3), (3, 3), (6, 0)):
        count = watch.take(look(at, 100 + at, 100 + at, 100 + at, activities=100 + at - missing))
        found.append((count["loader"], watch.unsure))
    assert found == [(0, True), (3, False), (0, False)]


def test_several_sums_over_the_same_statements_count_once() -> None:
    watch = GapWatch(40)
    seen = look(0, 100, 97, 97, statements=100)
    # The recorder went through 100 and the archive holds them all; its counts know of 97.
    altered = seen._replace(recorder=replace(seen.recorder, spans={0: (0, 100)}))
    watch.take(altered)
    assert watch.take(altered) == {**NONE, "recorder": 3}
    assert len(watch.gaps) == 2


def refusing(at: float, refused: int, kept: int, **old: tuple[int, int]) -> Look:
    """So many refused and kept; `old`: of an earlier mark, and kept of those by now."""
    seen = look(at, refused, 0, 0)
    recorder = replace(seen.recorder, counts={0: {("refused", "invalid"): refused}}, spans={0: (0, refused)})
    return seen._replace(recorder=recorder, kept={0: kept}, old_letters=dict.fromkeys([0], old["old"]) if old else {})


def test_a_letter_is_on_its_way_until_it_is_overdue_however_many_come_behind_it() -> None:
    watch = GapWatch(30)
    assert watch.take(refusing(0, 10, 9)) == NONE
    assert watch.old(29) is None
    assert watch.take(refusing(10, 20, 19)) == NONE
    old = watch.old(31)
    assert old is not None
    assert (old.counted, old.refused) == ({0: 10}, {0: 10})
    assert watch.take(refusing(31, 60, 58, old=(10, 9))) == {**NONE, "letters": 1}
    assert not watch.unsure
    assert watch.take(refusing(41, 70, 68, old=(20, 20))) == NONE


def test_letters_that_nobody_refused_count_when_they_are_seen_twice() -> None:
    watch = GapWatch(30)
    assert [watch.take(refusing(at, 10, 12))["letters"] for at in (0, 3)] == [0, 2]
