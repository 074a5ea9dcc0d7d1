"""Where on the log a sink begins."""

from __future__ import annotations

import pytest

from lrs.kernel.errors import StopError
from processors.sink import LogSpan, start_offset


def span(begin: int, end: int, committed: int | None) -> LogSpan:
    return LogSpan("z.received.v1", 0, begin, end, committed)


@pytest.mark.parametrize(
    ("log", "accounted", "start"),
    [
        (span(0, 0, None), 0, 0),  # everything is new
        (span(40, 90, None), 0, 40),  # a new group on an old log
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
    ],
)
def test_records_that_are_gone_unread_stop_the_part(log: LogSpan, accounted: int | None) -> None:
    with pytest.raises(StopError, match="gone from the log"):
        start_offset(log, accounted)


@pytest.mark.parametrize(("log", "accounted"), [(span(0, 10, 50), None), (span(0, 10, None), 50), (span(0, 10, 5), 50)])
def test_a_log_that_is_shorter_than_what_was_read_stops_the_part(log: LogSpan, accounted: int | None) -> None:
    with pytest.raises(StopError, match="another one"):
        start_offset(log, accounted)
