"""Who waits for a handle gets it in turn."""

from __future__ import annotations

import statistics
import threading
import time
from typing import cast

import pytest
from clickhouse_connect.driver.client import Client

from lrs.kernel.errors import RetryError
from lrs.store.handles import Handles


class _Handle:
    """All that is asked of one that is lent, and made and thrown away."""

    def close(self) -> None:
        """Nothing to close."""


def _handles(count: int, wait_seconds: float | None) -> Handles:
    return Handles(lambda: cast("Client", _Handle()), count, wait_seconds)


def test_one_that_comes_again_at_once_lets_others_have_their_turn() -> None:
    handles, over, turns = _handles(1, None), threading.Event(), 0

    def come_again() -> None:
        nonlocal turns
        while not over.is_set():
            with handles.borrow():
                turns += 1
                time.sleep(0.001)

    greedy = threading.Thread(target=come_again)
    greedy.start()
    overtaken = []
    try:
        for _ in range(20):
            before = turns
            with handles.borrow():
                overtaken.append(turns - before)
    finally:
        over.set()
        greedy.join()
    # By the one that has it, and by one that asked just before; by more when this thread stood still, which is rare.
    assert statistics.median(overtaken) <= 2


def test_one_that_waited_too_long_is_told_and_leaves_its_place() -> None:
    handles = _handles(1, 0.01)
    with handles.borrow(), pytest.raises(RetryError, match="all handles are busy"), handles.borrow():
        pass
    with handles.borrow(), pytest.raises(RetryError, match="all handles are busy"), handles.borrow():
        pass


def test_one_that_failed_is_never_lent_again() -> None:
    handles, lent = _handles(1, None), list[Client]()

    def fail() -> None:
        with handles.borrow() as handle:
            lent.append(handle)
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        fail()
    with handles.borrow() as handle:
        assert handle is not lent[0]
    with handles.borrow() as again:
        assert again is handle


def test_closing_waits_for_what_is_lent_and_lends_no_more() -> None:
    handles, said = _handles(2, 0.01), ""
    with handles.borrow() as one, handles.borrow() as other:
        assert one is not other
        closing = threading.Thread(target=handles.close)
        closing.start()
        while "closed" not in said:
            with pytest.raises(RetryError) as told, handles.borrow():
                pass
            said = str(told.value)
        assert closing.is_alive()
    closing.join(10)
    assert not closing.is_alive()
