"""X-Experience-API-Consistent-Through: never later than what can be read."""

from __future__ import annotations

import pytest

from lrs.api.gateway.consistency import Consistency
from lrs.kernel.progress import ArchiveProgress


@pytest.fixture
def progress() -> ArchiveProgress:
    return ArchiveProgress(1)


def _told(consistency: Consistency) -> str:
    [(name, value)] = consistency.headers(())
    assert name == b"x-experience-api-consistent-through"
    return value.decode()


def test_a_statement_on_its_way_to_the_log_holds_the_time_back(progress: ArchiveProgress) -> None:
    progress.advance(0, 1, 5000)
    assert _told(Consistency(progress, lambda: 9000)) == "1970-01-01T00:00:04.999Z"
    assert _told(Consistency(progress, lambda: 3000)) == "1970-01-01T00:00:02.999Z"
    assert Consistency(progress, lambda: 3000).begin() == 2999


def test_an_archive_that_is_not_known_promises_nothing(progress: ArchiveProgress) -> None:
    assert _told(Consistency(progress, lambda: 9000)) == "1970-01-01T00:00:00.000Z"


def test_an_answer_that_tells_what_its_body_holds_is_not_told_another_time(progress: ArchiveProgress) -> None:
    consistency = Consistency(progress, lambda: 9000)
    assert consistency.headers((consistency.header(2000),)) == ()
