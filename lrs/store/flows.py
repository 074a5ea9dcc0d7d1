"""How much went through one hop up to now, as it counted itself: by partition, and by app.

Made to be asked every few seconds: from the tallies alone, no table of statements is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.store.holdings import LOADER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrs.store.engine import Engine
    from lrs.store.tallies import Tallies

_APPS = """
SELECT app, outcome, reason, sum(count), sumIf(count, toUnixTimestamp(hour) >= {since:UInt32}),
       toUnixTimestamp(max(hour))
FROM tallies
WHERE hop = {hop:String} AND operator = {operator:String}
GROUP BY app, outcome, reason ORDER BY app, outcome, reason
"""
_RETRACTED = "SELECT count() FROM retracted FINAL"


class AppCount(NamedTuple):
    """Statements of one app that ended alike: of all time, and of the hours since the one that was asked for.

    `last_hour` is the last hour of `stored` that has one, in Unix seconds.
    """

    app: str
    outcome: str
    reason: str
    count: int  # type: ignore[assignment]  # the term; the tuple's method of that name is not used
    recent: int
    last_hour: int


@dataclass(frozen=True, slots=True)
class Flow:
    """`ends`: for each partition the offset of `received` behind the last record that was counted."""

    outcomes: Mapping[str, int]
    reasons: Mapping[tuple[str, str], int]
    ends: Mapping[int, int]
    first: Mapping[int, int]
    apps: tuple[AppCount, ...]
    retracted: int
    quotas: Mapping[str, float]

    @property
    def counted(self) -> int:
        """All records that the hop counted."""
        return sum(self.outcomes.values())

    def outcome(self, name: str) -> int:
        """How many ended so."""
        return self.outcomes.get(name, 0)

    def to_json(self) -> dict[str, Any]:
        """Plain lists, for a process that has no access to this store."""
        return {
            "reasons": [[*key, count] for key, count in self.reasons.items()],
            "spans": [[p, self.first[p], end] for p, end in self.ends.items()],
            "apps": [list(app) for app in self.apps],
            "retracted": self.retracted,
            "quotas": dict(self.quotas),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Flow:
        """The reverse of `to_json`."""
        reasons = {(outcome, reason): count for outcome, reason, count in data["reasons"]}
        return cls(
            _summed(reasons),
            reasons,
            {p: end for p, _, end in data["spans"]},
            {p: first for p, first, _ in data["spans"]},
            tuple(AppCount(*app) for app in data["apps"]),
            data["retracted"],
            data["quotas"],
        )


def flow(engine: Engine, tallies: Tallies, hop: str, *, since: int, quotas: Mapping[str, float] | None = None) -> Flow:
    """What `hop` (`RECORDER` or `LOADER`) has counted; `since` in Unix seconds is where an app's recent hours begin.

    `quotas`: the statements a second that apps with a quota of their own may send.
    """
    # In this order: what is taken out was counted before, so a sum never seems larger than what it is a part of.
    retracted = int(engine.query(_RETRACTED)[0][0]) if hop == LOADER else 0
    apps = engine.query(_APPS, {"hop": hop, "operator": tallies.operator, "since": since})
    account = tallies.account(hop)
    reasons: dict[tuple[str, str], int] = {}
    for counts in account.counts.values():
        for key, count in counts.items():
            reasons[key] = reasons.get(key, 0) + count
    return Flow(
        _summed(reasons),
        reasons,
        {partition: end for partition, (_, end) in account.spans.items()},
        {partition: first for partition, (first, _) in account.spans.items()},
        tuple(AppCount(*row) for row in apps),
        retracted,
        dict(quotas or {}),
    )


def _summed(reasons: Mapping[tuple[str, str], int]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for (outcome, _), count in reasons.items():
        sums[outcome] = sums.get(outcome, 0) + count
    return sums
