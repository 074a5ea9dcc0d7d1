"""What the topic `activity` carries to bytes, written out by hand: in a quarter of the general encoder's time.

An activity takes 3.3 µs against 13.8. The contract stays `avro/activity.v*.avsc` and `avro/withheld.v*.avsc`: a test
holds these encoders to the codec's bytes for any record.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING

from lrs.kernel.avro_binary import long, recurring_long, recurring_string
from lrs.kernel.codec import codec

if TYPE_CHECKING:
    from lrs.kernel.records import Activity, Withheld

_NULL = b"\x00"
_SECOND = b"\x02"  # the second branch of a union with null
_BOOLEANS: dict[bool | None, bytes] = {None: _NULL, False: b"\x02\x00", True: b"\x02\x01"}
_DOUBLE = Struct("<d").pack


def encode_activity(activity: Activity) -> bytes:
    """The single-object bytes of `activity`, equal to `codec("activity").encode(activity)`.

    Types are the caller's promise: a value that does not fit raises whatever Python raises.
    """
    registration_key = activity["registration_key"]
    score_scaled, duration_seconds = activity["score_scaled"], activity["duration_seconds"]
    return b"".join(
        (
            _header("activity"),
            recurring_long(activity["partition"]),
            long(activity["offset"]),
            recurring_string(activity["app"]),
            recurring_long(activity["stored_at_ms"]),
            activity["statement_key"],
            activity["pseudonym"],
            _NULL if registration_key is None else _SECOND + registration_key,
            recurring_long(activity["key_epoch"]),
            recurring_long(activity["occurred_at_ms"]),
            recurring_string(activity["verb"]),
            recurring_string(activity["role"]),
            activity["activity_key"],
            recurring_string(activity["activity_id"]),
            recurring_string(activity["curriculum_code"]),
            recurring_string(activity["subject"]),
            recurring_long(activity["grade"]),
            recurring_string(activity["school_code"]),
            _NULL if score_scaled is None else _SECOND + _DOUBLE(score_scaled),
            _BOOLEANS[activity["success"]],
            _BOOLEANS[activity["completion"]],
            _NULL if duration_seconds is None else _SECOND + _DOUBLE(duration_seconds),
        )
    )


def encode_withheld(withheld: Withheld) -> bytes:
    """The single-object bytes of `withheld`, as `encode_activity`."""
    retracts = withheld["retracts"]
    return b"".join(
        (
            _header("withheld"),
            recurring_long(withheld["partition"]),
            long(withheld["offset"]),
            recurring_string(withheld["app"]),
            recurring_long(withheld["stored_at_ms"]),
            recurring_string(withheld["reason"]),
            _NULL if retracts is None else _SECOND + retracts,
        )
    )


@lru_cache(2)
def _header(noun: str) -> bytes:
    return codec(noun).header
