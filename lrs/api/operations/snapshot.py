"""What the operator's page shows, as values: what `/operator/now` answers, field by field.

Times are Unix seconds, durations seconds, sizes bytes, rates statements a second. None: not known yet.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Pace(StrEnum):
    """How a consumer does."""

    CAUGHT_UP = "caught_up"  # nothing waits, or less than a few seconds of work
    WAITING = "waiting"  # something came of late, and nothing was taken since
    CATCHING_UP = "catching_up"
    FALLING_BEHIND = "falling_behind"
    STOPPED = "stopped"  # something waits, and it took nothing for a minute
    LOST = "lost"  # retention took records from the log that it has not read


class Severity(StrEnum):
    """How much a finding matters."""

    BAD = "bad"  # act now
    WARN = "warn"  # act today


@dataclass(frozen=True, slots=True)
class Stream:
    """Statements of one kind: of all time, now, and how it was in the last five minutes."""

    total: int
    per_second: float
    trend: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Freshness:
    """From stored to queryable, of the last minutes' batches; each batch counts by its oldest statement."""

    p50: float
    p95: float
    batches: int
    over_seconds: float


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind: records, what is taken a second, and the time until it has caught up."""

    records: int
    per_second: float
    pace: Pace
    seconds: float | None
    lost: int = 0


@dataclass(frozen=True, slots=True)
class GroupLag:
    """One consumer group; `partitions` in order. `unread_since`: how old the oldest is that it has not read.

    `kept_seconds`: how much of the log there is; `margin_seconds`: until retention would take what is not read.
    """

    group: str
    topic: str
    whole: Lag
    partitions: tuple[Lag, ...]
    unread_since: float | None
    kept_seconds: float | None
    margin_seconds: float | None


@dataclass(frozen=True, slots=True)
class RefusedReason:
    """Refused statements of one reason; `recent` are those of the last 24 hours of `stored`."""

    reason: str
    total: int
    recent: int
    per_second: float


@dataclass(frozen=True, slots=True)
class GapLine:
    """A sum that does not come out, or statements that are missing; `hour` is ISO 8601, `offsets` have both ends."""

    hop: str
    app: str
    hour: str | None
    partition: int
    offsets: tuple[tuple[int, int], ...]
    exact: bool
    expected: int
    found: int
    statements: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """Is everything accounted for? `state`: balanced, checking, late, gap or unknown, as of `at`.

    `sums` are those of the accountant's look; `on_way` of what came in is not at its place yet, and `late` for longer
    than it should take, by the hop that has it before it. What is late is not missing.
    """

    state: str
    at: float | None
    sums: dict[str, int]
    on_way: int
    late: dict[str, int]
    gaps: tuple[GapLine, ...]
    searching: bool


@dataclass(frozen=True, slots=True)
class AppRow:
    """One app. `recent`: the last 24 hours. `seen_exactly`: else `last_seen` is the beginning of its last hour."""

    app: str
    received: int
    recent: int
    refused: int
    refused_recent: int
    per_second: float
    last_seen: float | None
    seen_exactly: bool
    quota: float | None
    quota_used: float | None


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """One file system; `days_left` at the growth of the last `measured_seconds`. None: it does not grow."""

    name: str
    free: int
    size: int
    growth_per_day: float | None
    days_left: float | None
    measured_seconds: float


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the zone."""

    name: str
    state: str
    restarts: int
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know, and do: `kind` is a key of the texts, `section` where there is more."""

    severity: Severity
    kind: str
    section: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything, at one moment."""

    at: float
    zone: str
    operator: str
    partitions: int
    streams: dict[str, Stream]
    door: dict[str, int]
    freshness: Freshness | None
    groups: tuple[GroupLag, ...]
    refused: tuple[RefusedReason, ...]
    withheld: dict[str, int]
    accounts: Accounts
    apps: tuple[AppRow, ...]
    disks: tuple[DiskSpace, ...]
    folders: dict[str, int]
    processes: tuple[Process, ...]
    findings: tuple[Finding, ...] = ()
    trouble: str = ""

    @property
    def severity(self) -> str:
        """The worst finding's, or `good`."""
        found = {finding.severity for finding in self.findings}
        return next((each.value for each in (Severity.BAD, Severity.WARN) if each in found), "good")

    def to_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"state": self.severity, **asdict(self)}
