"""Dead letters as JSON: what they say, and what lies in them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.api.letters.filters import cursor_text
from lrs.kernel.codec import ContractError, codec
from lrs.kernel.readable import pretty
from lrs.kernel.statements.uuids import uuid_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrs.kernel.records import Received
    from lrs.store.dead_letter_queries import Letter, LetterCounts

SHOWN_BYTES = 64 * 1024


class Content(NamedTuple):
    """What lies in an original: who let it in, in which version, and the statement's own bytes."""

    entrance: str
    xapi_version: str
    statement: bytes


def content_of(letter: Letter) -> Content:
    """The content; of what is no `received` record, all of it."""
    if letter.source == "received":
        try:
            record: Received = codec("received").decode(letter.original)
        except ContractError:
            pass
        else:
            return Content(record["entrance"], record["xapi_version"], record["statement"])
    return Content("", "", letter.original)


def time_text(at_ms: int) -> str:
    """A time in UTC, as ISO 8601 with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def letter_json(letter: Letter) -> dict[str, Any]:
    """A letter without its original."""
    return {
        "source": letter.source,
        "partition": letter.partition,
        "offset": letter.offset,
        "statement_id": uuid_text(letter.statement_id) if letter.statement_id else None,
        "app": letter.app,
        "stored_at": time_text(letter.stored_at_ms),
        "refused_at": time_text(letter.refused_at_ms),
        "reason": letter.reason,
        "path": letter.path,
        "rule": letter.rule,
        "bytes": letter.original_bytes,
        "replayed_at": time_text(letter.replayed_at_ms) if letter.replayed_at_ms is not None else None,
    }


def detail_json(letter: Letter) -> dict[str, Any]:
    """A letter with its original in base64, and the statement in it, indented, its first 64 KiB."""
    content = content_of(letter)
    text, left_out = pretty(content.statement, SHOWN_BYTES)
    return {
        **letter_json(letter),
        "entrance": content.entrance,
        "xapi_version": content.xapi_version,
        "statement": text,
        "statement_bytes_left_out": left_out,
        "original": base64.b64encode(letter.original).decode("ascii"),
    }


def page_json(letters: Sequence[Letter], counts: LetterCounts, *, more: bool) -> dict[str, Any]:
    """A page of letters, how many there are of each kind, and `after` for the next page."""
    return {
        "letters": [letter_json(letter) for letter in letters],
        "counts": {
            "total": counts.total,
            "reasons": dict(counts.reasons),
            "apps": dict(counts.apps),
            "hours": {time_text(hour * 1000): count for hour, count in counts.hours},
        },
        "after": cursor_text(letters[-1].cursor) if more else None,
    }
