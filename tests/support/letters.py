"""Dead letters for the stores, as the letters part would make them."""

from __future__ import annotations

from typing import Any

from lrs.store.dead_letters import DeadLetter
from tests.support.rows import BASE_MS, key


def letter(offset: int, *, partition: int = 0, **changes: Any) -> DeadLetter:  # noqa: ANN401 - any column
    """The letter of the record at an offset; `changes` are columns."""
    made = DeadLetter(
        source="received",
        partition=partition,
        offset=offset,
        statement_id=key("id", partition, offset),
        app="drill",
        stored_at_ms=BASE_MS + offset,
        refused_at_ms=BASE_MS + 1000 + offset,
        reason="invalid",
        path="$.actor",
        rule="an actor has exactly one identifier",
        original=b"\xc3\x01 \x00 %d" % offset,
    )
    return made._replace(**changes)
