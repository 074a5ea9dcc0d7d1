"""Where on the log a sink begins."""

from __future__ import annotations

import pytest

from lrs.kernel.errors import StopError
from processors.sink import LogSpan, lost_before, lost_records, refuse_added, start_offset


def span(begin: int, end: int, committed: int | None) -> LogSpan:
    return LogSpan("z.received.v1", 0, begin, end, committed)


@pytest.mark.parametrize(
    ("log", "accounted", "start"),
    [
        (span(0, 0, None), 0, 0),  # everything is new
        (span(40, 90, None), 60, 40),  # a new group, of which the store says that what is gone was done
        (span(40, 90, None), 40, 40),
        (span(0, 90, None), 50, 0),  # killed before its first commit: from the start, and skips what is there
        (span(0, 90, 50), 50, 50),
        (span(0, 90, 50), 70, 50),  # killed between accounting and commit
        (span(0, 90, 50), None, 50),
        (span(0, 90, 90), 90, 90),
        (span(0, 90, 50), 20, 20),  # the store was restored from a backup: filled again from the log
        (span(20, 90, 50), 20, 20),
    ],
)
def test_reading_begins_where_nothing_can_be_missed(log: LogSpan, accounted: int | None, start: int) -> None:
    assert start_offset(log, accounted) == start


@pytest.mark.parametrize(
    ("log", "accounted"),
    [
        (span(60, 90, 50), 50),  # retention passed the committed offset
        (span(60, 90, 50), None),
        (span(20, 90, 50), 10),  # retention passed what a restored store needs
        (span(60, 90, None), 50),
        (span(60, 90, None), 0),  # a new group on an old log, with an empty store
        (span(60, 90, None), None),  # or where the store cannot tell
    ],
)
def test_records_that_are_gone_unread_stop_the_part(log: LogSpan, accounted: int | None) -> None:
    with pytest.raises(StopError, match="gone from the log"):
        start_offset(log, accounted)


@pytest.mark.parametrize(("log", "accounted"), [(span(0, 10, 50), None), (span(0, 10, None), 50), (span(0, 10, 5), 50)])
def test_a_log_that_is_shorter_than_what_was_read_stops_the_part(log: LogSpan, accounted: int | None) -> None:
    with pytest.raises(StopError, match="another one"):
        start_offset(log, accounted)


@pytest.mark.parametrize(("accounted", "committed"), [(50, 50), (None, 50), (50, None), (0, None), (None, None)])
def test_what_the_operator_knows_to_be_lost_is_gone_past_and_counted(
    accounted: int | None, committed: int | None
) -> None:
    log = span(60, 90, committed)
    assert start_offset(log._replace(lost_before=60), accounted) == 60
    assert lost_records(log, accounted) == 60 - (accounted or committed or 0)
    with pytest.raises(StopError, match=r"offsets \d+ to 59, are gone"):
        start_offset(log._replace(lost_before=59), accounted)


def test_nothing_is_lost_while_the_log_has_what_was_not_done() -> None:
    assert lost_records(span(50, 90, 50), None) == lost_records(span(0, 90, None), None) == 0


def test_lost_records_are_named_by_topic_and_partition() -> None:
    listed = "z.received.v1-2:1204 z.received.v1-12:7 z.activity.v1-2:5"
    assert lost_before(listed, "z.received.v1", 2) == 1204
    assert lost_before(listed, "z.activity.v1", 2) == 5
    assert lost_before(listed, "z.activity.v1", 12) == lost_before("", "z.received.v1", 0) == 0


def test_a_partition_that_was_added_is_refused_with_what_to_do() -> None:
    refuse_added("z.received.v1", 3, 4)
    with pytest.raises(StopError, match=r"partition 4, .* AYUMI_BROKER__PARTITIONS"):
        refuse_added("z.received.v1", 4, 4)
