"""What reconciling found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lrs.cli.reconciling import totals

if TYPE_CHECKING:
    from lrs.cli.reconciliation import Report
    from lrs.store.accounting import Gap
    from lrs.store.hours import HourBalance

_HOURS = 24
_RANGES = 5
_COLUMNS = ("received", "archived", "refused", "duplicate", "published", "withheld", "loaded")


def as_json(found: Report) -> dict[str, Any]:
    """The sums of all time, the newest hours, and every gap."""
    balance = found.balance
    return {
        **totals(balance),
        "refused_by_reason": dict(balance.refused),
        "withheld_by_reason": dict(balance.withheld),
        "balanced": found.balanced,
        "gaps": [_gap(gap) for gap in found.gaps],
        "hours": [
            {"hour": _time(hour.hour), "app": hour.app, **{name: getattr(hour, name) for name in _COLUMNS}}
            for hour in found.hours
        ],
        "hours_left_out": found.hours_left_out,
    }


def lines(found: Report) -> Iterator[str]:
    """A table of the sums, one of the newest hours, and a sentence for each gap."""
    yield from _sums(found)
    if found.hours:
        yield ""
        yield from _hours(found.hours[-_HOURS:])
        older = found.hours_left_out + len(found.hours[:-_HOURS])
        if older:
            yield f"and {older:,} older lines"
    yield ""
    if found.balanced:
        yield "All accounted for."
    for gap in found.gaps:
        yield sentence(gap)


def sentence(gap: Gap) -> str:
    """One line for a person."""
    place = [f"hop {gap.hop}"]
    if gap.hour is not None:
        place += [f"app {gap.app or '(unknown)'}", f"hour {_time(gap.hour)}"]
    place.append(f"partition {gap.partition}")
    if gap.offsets:
        shown = ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in gap.offsets[:_RANGES])
        more = f" and {len(gap.offsets) - _RANGES} more ranges" if len(gap.offsets) > _RANGES else ""
        place.append(f"{'offsets' if gap.exact else 'somewhere in offsets'} {shown}{more}")
    said = f"{gap.statements:,} {gap.meaning}" if gap.exact and not gap.found else _difference(gap)
    return f"GAP at {', '.join(place)}: {said}"


def _difference(gap: Gap) -> str:
    return f"{gap.meaning}: expected {gap.expected:,}, found {gap.found:,}"


def _sums(found: Report) -> Iterator[str]:
    balance = found.balance
    rows = (
        ("received", balance.received, ""),
        ("  archived", balance.archived, ""),
        ("    published", balance.published, ""),
        ("      loaded", balance.loaded, f"  (of which retracted {balance.retracted:,})"),
        ("    withheld", sum(balance.withheld.values()), _reasons(balance.withheld)),
        ("  refused", sum(balance.refused.values()), _reasons(balance.refused)),
        ("  duplicate", balance.duplicate, ""),
    )
    for name, count, note in rows:
        yield f"{name:<16}{count:>14,}{note}"


def _hours(hours: list[HourBalance]) -> Iterator[str]:
    width = max(3, *(len(hour.app) for hour in hours))
    yield f"{'hour of stored':<18}{'app':<{width}}" + "".join(f"{name:>12}" for name in _COLUMNS)
    for hour in hours:
        yield f"{_time(hour.hour):<18}{hour.app:<{width}}" + "".join(f"{getattr(hour, name):>12,}" for name in _COLUMNS)


def _reasons(counts: Mapping[str, int]) -> str:
    return f"  ({', '.join(f'{reason} {count:,}' for reason, count in counts.items())})" if counts else ""


def _gap(gap: Gap) -> dict[str, Any]:
    hour = None if gap.hour is None else _time(gap.hour)
    offsets = [list(where) for where in gap.offsets]
    return {**gap._asdict(), "hour": hour, "offsets": offsets, "statements": gap.statements}


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%MZ")
