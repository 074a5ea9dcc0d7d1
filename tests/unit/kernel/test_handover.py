"""What the gateway has read the recorder takes, if it is the same to the byte; memory stays bounded."""

from __future__ import annotations

import time

import pytest

from lrs.kernel.handover import Handover
from lrs.kernel.statements import Statement, XapiVersion, read_statement
from tests.unit.statements.examples import DRILL, raw

ID = bytes(range(16))
RAW = raw(DRILL)


@pytest.fixture
def statement() -> Statement:
    """A valid one."""
    return read_statement(RAW, XapiVersion.V1)


def test_the_same_bytes_of_the_same_version_are_taken_once(statement: Statement) -> None:
    handover = Handover()
    handover.give(ID, XapiVersion.V1, statement)
    assert handover.take(ID, XapiVersion.V1, bytes(bytearray(RAW))) is statement
    assert handover.take(ID, XapiVersion.V1, RAW) is None


def test_other_bytes_or_another_version_are_not(statement: Statement) -> None:
    handover = Handover()
    handover.give(ID, XapiVersion.V1, statement)
    assert handover.take(ID, XapiVersion.V1, RAW + b" ") is None
    assert handover.take(ID, XapiVersion.V2, RAW) is None
    assert handover.take(bytes(16), XapiVersion.V1, RAW) is None


def test_without_room_the_older_stay_for_they_are_asked_for_first(statement: Statement) -> None:
    handover = Handover(max_bytes=2 * len(RAW))
    for number in range(3):
        handover.give(bytes([number]) * 16, XapiVersion.V1, statement)
    taken = [handover.take(bytes([number]) * 16, XapiVersion.V1, RAW) for number in range(3)]
    assert taken == [statement, statement, None]
    handover.give(ID, XapiVersion.V1, statement)
    assert handover.take(ID, XapiVersion.V1, RAW) is statement


def test_what_nobody_asks_for_makes_room_after_a_while(statement: Statement, monkeypatch: pytest.MonkeyPatch) -> None:
    handover = Handover(max_bytes=len(RAW))
    handover.give(ID, XapiVersion.V1, statement)
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    handover.give(bytes(16), XapiVersion.V1, statement)
    assert handover.take(bytes(16), XapiVersion.V1, RAW) is statement
    assert handover.take(ID, XapiVersion.V1, RAW) is None
