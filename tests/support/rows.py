"""Rows for the stores, as the recorder and the loader would make them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from lrs.kernel.activity_records import ActivityRecord, read_activity_record
from lrs.kernel.codec import codec
from lrs.kernel.records import Activity, Withheld
from lrs.store.archive import ArchiveRow

BASE_MS = 1_775_000_000_000


def key(*parts: object) -> bytes:
    """16 bytes that stand for something named by `parts`."""
    return hashlib.sha256(repr(parts).encode()).digest()[:16]


def archive_row(offset: int, *, partition: int = 0, **changes: Any) -> ArchiveRow:  # noqa: ANN401 - any column
    """The statement at an offset; `changes` are columns."""
    row = ArchiveRow(
        statement_id=key("id", partition, offset),
        partition=partition,
        offset=offset,
        app="drill",
        stored_at_ms=BASE_MS + offset,
        timestamp_ms=BASE_MS + offset - 500,
        actor_key="account\x1fhttps://board.example.jp/\x1f児童-1",
        verb_id="http://adlnet.gov/expapi/verbs/answered",
        activity_id=f"https://drill.example.jp/items/{offset % 7}",
        registration=None,
        target_id=None,
        is_voiding=False,
        digest=key("content", partition, offset),
        authority=b'{"objectType":"Agent"}',
        version="1.0.3",
        raw=b'{"id":"\xe6\x9b\xb8","n":%d}' % offset,
    )
    return row._replace(**changes)


def activity(offset: int, *, partition: int = 0, **changes: Any) -> Activity:  # noqa: ANN401 - any field
    """The activity of the statement at an offset; `changes` are fields."""
    made: dict[str, Any] = {
        "partition": partition,
        "offset": offset,
        "app": "drill",
        "stored_at_ms": BASE_MS + offset,
        "statement_key": key("statement", partition, offset),
        "pseudonym": key("learner", offset % 11),
        "registration_key": None,
        "key_epoch": 2026,
        "occurred_at_ms": BASE_MS - BASE_MS % 60_000,
        "verb": "answered",
        "role": "answer",
        "activity_key": key("item", offset % 7),
        "activity_id": "",
        "curriculum_code": "8250230000000000",
        "subject": "算数",
        "grade": 4,
        "school_code": "B113210000018",
        "score_scaled": None if offset % 2 else 0.5,
        "success": None if offset % 3 == 0 else offset % 3 == 1,
        "completion": None,
        "duration_seconds": 12.5,
    }
    return Activity(**{**made, **changes})  # type: ignore[typeddict-item]


def retraction(offset: int, target: bytes | None, *, partition: int = 0) -> Withheld:
    """What became of the voiding statement at an offset; `target` is the statement key it takes out."""
    return Withheld(
        partition=partition,
        offset=offset,
        app="drill",
        stored_at_ms=BASE_MS + offset,
        reason="voiding",
        retracts=target,
    )


def records(activities: Iterable[Activity]) -> list[ActivityRecord]:
    """The activities as they come from the topic."""
    return [read_activity_record(codec("activity").encode(one)) for one in activities]
