"""The dead letter of a record that is none: bytes on one of our own topics that nobody can read. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrs.kernel.codec import codec
from lrs.kernel.reasons import Refusal

if TYPE_CHECKING:
    from lrs.kernel.records import Refused
    from lrs.kernel.topics import Noun


def poison_letter(  # noqa: PLR0913 - coordinates, and what is wrong
    noun: Noun, topic: str, partition: int, offset: int, *, at_ms: int, original: bytes | None, problem: str
) -> tuple[bytes | None, bytes]:
    """A record of `refused` for what lay at `offset` of a topic since `at_ms` and is `problem`."""
    letter: Refused = {
        "partition": partition,
        "offset": offset,
        "statement_id": None,
        "app": "",
        "stored_at_ms": at_ms,
        "reason": Refusal.WRONG_ENVELOPE.value,
        "path": "$",
        "rule": f"record {offset} of {topic} is {problem}",
        "original": original or b"",
        "source": noun.value,
    }
    return None, codec("refused").encode(letter)
