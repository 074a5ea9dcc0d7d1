"""What the accountant's last look means for a person: everything accounted for, or the exact gap. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lrs.api.operations.snapshot import Accounts, GapLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lrs.api.operations.observation import Verdict
    from lrs.store.accounting import Balance, Gap

_UNKNOWN = Accounts("unknown", None, {}, 0, {}, (), searching=False)


def accounts_view(verdict: Verdict | None) -> Accounts:
    """`unknown` where no accountant has looked yet."""
    if verdict is None or verdict.balance is None:
        return _UNKNOWN
    missing = [gap for gap in verdict.gaps if not gap.waiting]
    late = {gap.hop: 0 for gap in verdict.gaps if gap.waiting}
    for gap in verdict.gaps:
        if gap.waiting:
            late[gap.hop] += gap.statements
    gaps = gap_lines(verdict.exact or missing)
    state = "gap" if gaps else "late" if late else "checking" if verdict.unsure else "balanced"
    found = verdict.balance
    return Accounts(state, verdict.at, _sums(found), _on_way(found), late, gaps, verdict.searching)


def gap_lines(gaps: Iterable[Gap]) -> tuple[GapLine, ...]:
    """Gaps as they are shown."""
    return tuple(
        GapLine(
            gap.hop,
            gap.app,
            None if gap.hour is None else f"{datetime.fromtimestamp(gap.hour, UTC):%Y-%m-%dT%H:%MZ}",
            gap.partition,
            gap.offsets,
            gap.exact,
            gap.expected,
            gap.found,
            gap.statements,
            gap.meaning,
        )
        for gap in gaps
    )


def _sums(found: Balance) -> dict[str, int]:
    return {
        "received": found.received,
        "archived": found.archived,
        "refused": sum(found.refused.values()),
        "duplicate": found.duplicate,
        "published": found.published,
        "withheld": sum(found.withheld.values()),
        "loaded": found.loaded,
        "retracted": found.retracted,
    }


def _on_way(found: Balance) -> int:
    """What came in and is neither settled by the recorder nor, if archived, by the loader."""
    settled = found.archived + sum(found.refused.values()) + found.duplicate
    passed_on = found.published + sum(found.withheld.values())
    return max(0, found.received - settled) + max(0, found.archived - passed_on)
