"""Parts in one process: a loop and a thread each, one end for all."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from lrs.cli.running import run_parts
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.parts import Check


class Obedient:
    """Runs until it is told to stop."""

    name = "obedient"

    def __init__(self, *, then: signal.Signals | None = None) -> None:
        self.thread: int | None = None
        self.stopped = False
        self._then = then

    async def run(self, stop: asyncio.Event) -> None:
        self.thread = threading.get_ident()
        if self._then:
            os.kill(os.getpid(), self._then)
        await stop.wait()
        self.stopped = True

    def checks(self) -> list[Check]:
        return []


class Ending(Obedient):
    """Raises, or returns when nobody asked it to."""

    name = "ending"

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self._error = error

    async def run(self, stop: asyncio.Event) -> None:  # noqa: ARG002 - the protocol's
        if self._error:
            raise self._error


class Deaf(Obedient):
    """Does not stop."""

    name = "deaf"

    async def run(self, stop: asyncio.Event) -> None:
        await super().run(stop)
        await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def signals_as_before() -> object:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield None
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_parts_which_finish_their_work(number: signal.Signals) -> None:
    parts = [Obedient(), Obedient(then=number)]
    assert run_parts(parts) == 0
    assert all(part.stopped for part in parts)


def test_each_part_has_a_thread_of_its_own() -> None:
    parts = [Obedient(), Obedient(then=signal.SIGTERM)]
    run_parts(parts)
    assert len({threading.get_ident(), *(part.thread for part in parts)}) == 3


def test_a_part_that_fails_ends_the_process_and_the_others_finish(capsys: pytest.CaptureFixture[str]) -> None:
    other = Obedient()
    assert run_parts([other, Ending(ValueError("a\nbug"))]) == 1
    assert other.stopped
    assert capsys.readouterr().err.splitlines()[-1] == f"ayumi: {Ending.name} failed: ValueError: a bug"


def test_a_part_that_wants_to_be_tried_again_ends_the_process_with_one() -> None:
    assert run_parts([Ending(RetryError("broker", "away"))]) == 1


def test_a_part_that_refuses_says_so_to_a_person_and_ends_the_process_with_two(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_parts([Obedient(), Ending(StopError("the key is gone", remedy="Restore it."))]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "ayumi: the key is gone. Restore it."


def test_a_part_that_ends_by_itself_ends_the_process_with_one() -> None:
    assert run_parts([Obedient(), Ending(None)]) == 1


def test_a_part_that_does_not_stop_is_left_behind_with_one() -> None:
    assert run_parts([Deaf(then=signal.SIGTERM)], stop_seconds=0.2) == 1
