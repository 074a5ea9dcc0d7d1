"""How far each consumer group is behind on each partition, and how long until it is not. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lrs.api.operations.measuring import pace, rate
from lrs.api.operations.observation import GROUPS, Observation, Surroundings
from lrs.api.operations.snapshot import GroupLag, Lag, Pace

if TYPE_CHECKING:
    from lrs.kernel.topics import Noun

_WORST_FIRST = (Pace.LOST, Pace.STOPPED, Pace.FALLING_BEHIND, Pace.CATCHING_UP, Pace.WAITING, Pace.CAUGHT_UP)


class Looks(NamedTuple):
    """A look of a minute ago, one of some seconds ago, the newest, what is around it, and the time (Unix seconds)."""

    before: Observation
    lately: Observation
    now: Observation
    around: Surroundings
    at: float


def group_lags(looks: Looks) -> tuple[GroupLag, ...]:
    """Every group, in the order of the way."""
    return tuple(_group(group, noun, looks) for group, noun in GROUPS.items())


def _group(group: str, noun: Noun, looks: Looks) -> GroupLag:
    before, lately, now, around, at = looks
    seconds, recent_seconds = now.at - before.at, now.at - lately.at
    parts = []
    for partition in sorted(now.logs[noun]):
        then, began = _here(before, group, noun, partition)
        waiting, position = _here(now, group, noun, partition)
        per_second = rate(_here(lately, group, noun, partition)[1], position, recent_seconds)
        lost = _lost(now, group, noun, partition)
        parts.append(pace(then, waiting, max(0, position - began), seconds, per_second, lost=lost))
    whole = _whole(parts)
    unread = around.unread_since.get(group) if whole.records else None
    kept, retention = around.kept_since.get(noun), around.retention_seconds.get(noun)
    margin = None if retention is None else retention - (at - unread if unread else 0.0)
    return GroupLag(group, noun.value, whole, tuple(parts), unread, at - kept if kept else None, margin)


def _whole(parts: list[Lag]) -> Lag:
    """The sum; as slow as its worst partition, for an hour of data is not there before its last statement is."""
    worst = min((part.pace for part in parts), key=_WORST_FIRST.index, default=Pace.CAUGHT_UP)
    times = [part.seconds for part in parts if part.pace is worst and part.seconds is not None]
    return Lag(
        sum(part.records for part in parts),
        sum(part.per_second for part in parts),
        worst,
        max(times, default=None),
        sum(part.lost for part in parts),
    )


def _here(seen: Observation, group: str, noun: Noun, partition: int) -> tuple[int, int]:
    """Records that wait, and the offset of the first of them."""
    span = seen.logs[noun].get(partition)
    if span is None:
        return 0, 0
    position = max(seen.committed.get(group, {}).get(partition, span.begin), span.begin)
    return max(0, span.end - position), position


def _lost(seen: Observation, group: str, noun: Noun, partition: int) -> int:
    """Records that retention took before the group had read them."""
    committed = seen.committed.get(group, {}).get(partition)
    return 0 if committed is None else max(0, seen.logs[noun][partition].begin - committed)
