"""What the gateway has read the recorder takes, if its record is the same to the byte; memory stays bounded."""

from __future__ import annotations

import time

import pytest

from lrs.kernel.codec import codec
from lrs.kernel.handover import Handover, Known
from lrs.kernel.records import Origin
from lrs.kernel.statements import XapiVersion, read_statement
from tests.unit.statements.examples import DRILL, raw

ID = bytes(range(16))
RAW = raw(DRILL)


def known(statement_id: bytes = ID) -> Known:
    """A statement as the gateway gives it."""
    origin = Origin("drill", "GATEWAY", "1.0.3", 1_700_000_000_000, None)
    value = codec("received").encode({**origin._asdict(), "statement_id": statement_id, "statement": RAW})
    return Known(value, statement_id, origin, read_statement(RAW, XapiVersion.V1))


def test_the_same_bytes_are_taken_once() -> None:
    handover, one = Handover(), known()
    handover.give([one])
    assert handover.take(ID, bytes(bytearray(one.value))) is one
    assert handover.take(ID, one.value) is None


def test_other_bytes_or_another_id_are_not() -> None:
    handover, one = Handover(), known()
    handover.give([one])
    assert handover.take(ID, one.value + b" ") is None
    assert handover.take(bytes(16), one.value) is None
    assert handover.take(ID, one.value) is one


def test_without_room_the_older_stay_for_they_are_asked_for_first() -> None:
    three = [known(bytes([number]) * 16) for number in range(3)]
    handover = Handover(max_bytes=2 * len(three[0].value))
    for one in three:
        handover.give([one])
    assert [handover.take(one.statement_id, one.value) for one in three] == [*three[:2], None]
    handover.give(three[2:])
    assert handover.take(bytes([2]) * 16, three[2].value) is three[2]


def test_what_nobody_asks_for_makes_room_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    old, young, youngest = known(), known(bytes(16)), known(bytes([1]) * 16)
    handover = Handover(max_bytes=len(old.value))
    handover.give([old])
    monkeypatch.setattr(time, "monotonic", lambda: began + 31)
    handover.give([young])
    assert handover.take(bytes(16), young.value) is None
    assert handover.take(ID, old.value) is old
    handover.give([old])
    monkeypatch.setattr(time, "monotonic", lambda: began + 62)
    handover.give([])
    monkeypatch.setattr(time, "monotonic", lambda: began + 93)
    handover.give([youngest])
    assert handover.take(ID, old.value) is None
    assert handover.take(bytes([1]) * 16, youngest.value) is youngest
