"""What of a snapshot a person should know, and do: the worst first. Pure.

The texts of each kind, in both languages, say what it is and what to do: `finding.<kind>.what` and `.do`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrs.api.operations.snapshot import Finding, Pace, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrs.api.operations.snapshot import Accounts, GroupLag, Snapshot

_OLD_SECONDS = 30.0
_UNBALANCED_SECONDS = 300.0
_FRESH_SECONDS = 60.0
_BEHIND_SECONDS = 600.0
_BEHIND_RECORDS = 1000
_BEHIND_WORK_SECONDS = 30.0
_REFUSED_SHARE = 0.05
_REFUSED_LEAST = 20
_DAYS_WARN, _DAYS_BAD = 14.0, 2.0
_FREE_BAD = 0.03
# A burst of some minutes is no growth to be alarmed at.
_GROWTH_SECONDS = 3_600.0
_MARGIN_WARN, _MARGIN_BAD = 2 * 86_400.0, 12 * 3_600.0
_QUOTA_NEAR = 0.9


def findings(seen: Snapshot, at: float) -> tuple[Finding, ...]:
    """At most one for each thing to do; none: all is well."""
    found = [
        *_parts(seen, at),
        *_accounts(seen, at),
        *(finding for group in seen.groups for finding in _group(group)),
        *_freshness(seen),
        *_refused(seen),
        *_disks(seen),
        *_apps(seen),
    ]
    return tuple(sorted(found, key=lambda finding: finding.severity is Severity.WARN))


def _bad(kind: str, section: str, **values: object) -> Finding:
    return Finding(Severity.BAD, kind, section, values)


def _warn(kind: str, section: str, **values: object) -> Finding:
    return Finding(Severity.WARN, kind, section, values)


def _parts(seen: Snapshot, at: float) -> Iterator[Finding]:
    for process in seen.processes:
        if process.state != "ready":
            values = {"name": process.name, "detail": process.detail or process.state}
            yield (
                _bad("hung", "processes", **values)
                if process.state == "away"
                else _bad("process", "processes", **values)
            )
    if seen.trouble and at - seen.at > _OLD_SECONDS:
        yield _bad("blind", "processes", since_seconds=at - seen.at, detail=seen.trouble)


def _accounts(seen: Snapshot, at: float) -> Iterator[Finding]:
    accounts = seen.accounts
    if accounts.state == "gap":
        hops = sorted({gap.hop for gap in accounts.gaps})
        yield _bad("gap", "accounts", statements=_missing(accounts), hops=", ".join(hops))
    elif accounts.state == "late":
        hops = sorted(accounts.late)
        yield _warn("late", "lag", statements=sum(accounts.late.values()), hops=", ".join(hops))
    elif accounts.at is None:
        yield _warn("no_accountant", "accounts")
    elif at - accounts.at > _UNBALANCED_SECONDS:
        yield _warn("old_accounts", "accounts", since_seconds=at - accounts.at)


def _missing(accounts: Accounts) -> int:
    """What is known by its offsets; else for each hop and partition the largest sum, for several speak of the same."""
    if exact := sum(gap.statements for gap in accounts.gaps if gap.exact):
        return exact
    largest: dict[tuple[str, int], int] = {}
    for gap in accounts.gaps:
        largest[gap.hop, gap.partition] = max(largest.get((gap.hop, gap.partition), 0), gap.statements)
    return sum(largest.values())


def _group(group: GroupLag) -> Iterator[Finding]:
    whole = group.whole
    values = {"group": group.group, "records": whole.records, "topic": group.topic}
    if whole.pace is Pace.LOST:
        yield _bad("lost", "lag", **{**values, "records": whole.lost})
    elif whole.pace is Pace.STOPPED:
        stuck = [str(number) for number, part in enumerate(group.partitions) if part.pace is Pace.STOPPED]
        yield _bad("stopped", "lag", **values, partitions=", ".join(stuck[:8]))
    elif whole.pace is Pace.FALLING_BEHIND and whole.records > max(
        _BEHIND_RECORDS, whole.per_second * _BEHIND_WORK_SECONDS
    ):
        yield _warn("behind", "lag", **values)
    elif whole.seconds is not None and whole.seconds > _BEHIND_SECONDS:
        yield _warn("slow", "lag", **values, seconds=whole.seconds)
    margin = group.margin_seconds
    if group.unread_since is not None and margin is not None and margin < _MARGIN_WARN:
        make = _bad if margin < _MARGIN_BAD else _warn
        yield make("retention", "keeping", **values, seconds=max(0.0, margin))


def _freshness(seen: Snapshot) -> Iterator[Finding]:
    if seen.freshness is not None and seen.freshness.p95 > _FRESH_SECONDS:
        yield _warn("stale", "freshness", seconds=seen.freshness.p95)


def _refused(seen: Snapshot) -> Iterator[Finding]:
    now = sum(reason.per_second for reason in seen.refused)
    share = now / seen.streams["received"].per_second if seen.streams["received"].per_second else 0.0
    recent = sum(reason.recent for reason in seen.refused)
    if share > _REFUSED_SHARE and recent >= _REFUSED_LEAST:
        worst = max(seen.refused, key=lambda reason: reason.per_second)
        yield _warn("refusals", "refused", share=share, reason=worst.reason)


def _disks(seen: Snapshot) -> Iterator[Finding]:
    for disk in seen.disks:
        values = {"name": disk.name, "free": disk.free}
        if disk.free < disk.size * _FREE_BAD:
            yield _bad("disk_full", "keeping", **values)
        elif disk.days_left is not None and disk.days_left < _DAYS_WARN and disk.measured_seconds >= _GROWTH_SECONDS:
            make = _bad if disk.days_left < _DAYS_BAD else _warn
            yield make("disk", "keeping", **values, days=disk.days_left)


def _apps(seen: Snapshot) -> Iterator[Finding]:
    near = [row.app for row in seen.apps if row.quota_used is not None and row.quota_used > _QUOTA_NEAR]
    if near:
        yield _warn("quota", "apps", apps=", ".join(near[:5]), count=len(near))
