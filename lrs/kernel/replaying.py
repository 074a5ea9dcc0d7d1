"""What may become of a dead letter that is to be replayed; decided where statements are settled, acted on elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from lrs.kernel.records import Received


class Replayed(StrEnum):
    """What a replay made of one dead letter."""

    REPLAYED = "replayed"  # put on `received` anew
    STORED = "stored"  # its statement is in the store already: nothing to do
    REFUSED = "refused"  # breaks a rule still, and stays where it is


class Candidate(NamedTuple):
    """A dead letter's original Kafka value, and when it came in, in milliseconds since 1970 UTC."""

    original: bytes
    stored_at_ms: int


class Verdict(NamedTuple):
    """What is to be done with a candidate; `record` is what to put on the log, `reason` why it stays refused."""

    outcome: Replayed
    record: Received | None = None
    reason: str = ""


Judge = Callable[[Sequence[Candidate]], list[Verdict]]
"""Judges candidates in order, by today's rules and today's ids. Blocks; safe in any thread."""
