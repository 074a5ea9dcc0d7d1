"""Which dead letters would be kept today: by the recorder's rules, today's limits and today's ids."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest

from lrs.kernel.codec import codec
from lrs.kernel.replaying import Candidate, Replayed, Verdict
from lrs.kernel.settings import GatewaySettings, Settings
from lrs.kernel.statements import XapiVersion, read_statement
from lrs.store.ids import IdEntry
from processors.rejudging import Rejudging
from tests.support.log import received, statement

STORED_MS = 1_780_000_000_000


class Ids:
    """An id index in memory."""

    def __init__(self, **taken: bytes) -> None:
        self.taken = {bytes.fromhex(key): IdEntry(0, 0, digest) for key, digest in taken.items()}

    def get_many(self, ids: Sequence[bytes]) -> list[IdEntry | None]:
        return [self.taken.get(one) for one in ids]


def judged(*originals: bytes, ids: Ids | None = None, **gateway: Any) -> list[Verdict]:  # noqa: ANN401 - any setting
    settings = Settings(gateway=GatewaySettings.model_validate(gateway))
    return Rejudging(settings, ids or Ids())([Candidate(original, STORED_MS) for original in originals])


def digest(raw: bytes) -> bytes:
    return read_statement(raw, XapiVersion("1.0.3")).digest


def outcomes(verdicts: Sequence[Verdict]) -> list[tuple[str, str]]:
    return [(verdict.outcome.value, str(verdict.reason)) for verdict in verdicts]


def test_a_good_one_goes_on_the_log_with_id_app_and_the_time_it_came_in() -> None:
    one = os.urandom(16)
    original = received(one, app="reader", authority=b"{}", xapi_version="2.0.0")[1]
    [verdict] = judged(original)
    assert verdict.outcome is Replayed.REPLAYED
    assert verdict.record == codec("received").decode(original) | {"stored_at_ms": STORED_MS}


def test_what_is_stored_by_now_needs_nothing_and_a_conflict_stays() -> None:
    same, other = os.urandom(16), os.urandom(16)
    ids = Ids(**{same.hex(): digest(statement(same)), other.hex(): digest(statement(other, content=1))})
    verdicts = judged(received(same)[1], received(other)[1], ids=ids)
    assert outcomes(verdicts) == [("stored", ""), ("refused", "conflict")]
    assert [verdict.record for verdict in verdicts] == [None, None]


def test_of_two_with_one_id_the_first_wins() -> None:
    one = os.urandom(16)
    originals = [received(one)[1], received(one)[1], received(one, statement(one, content=1))[1]]
    assert outcomes(judged(*originals)) == [("replayed", ""), ("stored", ""), ("refused", "conflict")]


@pytest.mark.parametrize(
    ("original", "reason"),
    [
        (b"no envelope", "wrong_envelope"),
        (received(b"\x01" * 16, app="")[1], "wrong_envelope"),
        (received(b"\x01" * 16, xapi_version="0.9")[1], "wrong_envelope"),
        (received(b"\x01" * 16, statement(b"\x02" * 16))[1], "wrong_envelope"),
        (received(b"\x01" * 16, b"{}")[1], "invalid"),
        (received(b"\x01" * 16, b"\xff")[1], "not_json"),
        (received(b"\x01" * 16, statement(b"\x01" * 16, result={"response": "x" * 2000}))[1], "too_large"),
    ],
)
def test_what_breaks_a_rule_still_stays_refused(original: bytes, reason: str) -> None:
    good = received(os.urandom(16))[1]
    assert outcomes(judged(good, original, good[:-1], max_statement_kb=1))[:2] == [
        ("replayed", ""),
        ("refused", reason),
    ]


def test_a_limit_that_was_raised_lets_it_through() -> None:
    one = os.urandom(16)
    original = received(one, statement(one, result={"response": "x" * 2000}))[1]
    assert outcomes(judged(original, max_statement_kb=1)) == [("refused", "too_large")]
    assert outcomes(judged(original, max_statement_kb=4)) == [("replayed", "")]


def test_a_stamp_that_no_clock_has_is_mended_by_the_time_it_came_in() -> None:
    [verdict] = judged(received(os.urandom(16), stored_at_ms=-5)[1])
    assert verdict.outcome is Replayed.REPLAYED
