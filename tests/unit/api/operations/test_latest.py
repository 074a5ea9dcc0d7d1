"""Facts about the newest snapshot, which one thread makes and others show."""

from __future__ import annotations

import threading
from dataclasses import replace

from lrs.api.operations.latest import Latest
from tests.support.operations import START, Made


def test_whoever_wants_something_newer_gets_it_as_soon_as_it_is_there() -> None:
    latest, old = Latest(), Made().snapshot(60)
    latest.put(old)
    found: list[float] = []

    def ask() -> None:
        seen = latest.newer_than(START + 61, 30)
        assert seen is not None
        found.append(seen.at)

    asking = threading.Thread(target=ask)
    asking.start()
    while not latest.wanted:
        asking.join(0.001)
    latest.put(replace(old, at=START + 62))
    asking.join(30)
    assert found == [START + 62]
    assert not latest.wanted


def test_whoever_waits_too_long_gets_the_newest_there_is() -> None:
    latest, old = Latest(), Made().snapshot(60)
    assert latest.newer_than(START, 0.01) is None
    latest.put(old)
    assert latest.newer_than(START + 100, 0.01) is old


def test_closing_lets_go_of_whoever_waits() -> None:
    latest = Latest()
    asking = threading.Thread(target=lambda: latest.newer_than(START, 60))
    asking.start()
    latest.close()
    asking.join(30)
    assert not asking.is_alive()
    assert latest.closed


def test_it_is_watched_once_somebody_looked() -> None:
    latest = Latest()
    assert not latest.watched
    latest.watch()
    assert latest.watched
