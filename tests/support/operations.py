"""Looks at zones of any size, made by hand: what the operator's page is shown without a zone behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lrs.api.operations.history import History
from lrs.api.operations.observation import (
    GROUPS,
    FileSystem,
    Observation,
    ProcessState,
    Surroundings,
    Verdict,
)
from lrs.kernel.topics import Noun
from lrs.store.accounting import Balance, Gap, LogSpan
from lrs.store.flows import AppCount, Flow

if TYPE_CHECKING:
    from lrs.api.operations.snapshot import Snapshot

START = 1_795_492_800.0
HOUR = int(START) // 3600 * 3600
REASONS = ("invalid", "conflict", "too_large")
HOSTILE = '<img src=x onerror=alert(1)>[/bold]\x1b[2J"'


@dataclass(frozen=True, slots=True)
class Made:
    """A zone in which every partition takes `each` statements a second; `behind` records wait for each group."""

    apps: int = 3
    partitions: int = 4
    each: int = 10
    behind: int = 0
    gap: bool = False
    names: tuple[str, ...] = ()

    def look(self, second: int) -> Observation:
        """What is seen `second` seconds after the start."""
        count = self.each * second
        total = count * self.partitions
        refused = dict.fromkeys(REASONS, total // 100)
        archived = total - sum(refused.values())
        counts = {("archived", ""): archived, **{("refused", reason): n for reason, n in refused.items()}}
        withheld = archived // 20
        loaded = {("published", ""): archived - withheld, ("withheld", "no_consent"): withheld}
        spans = {p: LogSpan(0, count) for p in range(self.partitions)}
        return Observation(
            at=START + second,
            logs={noun: dict(spans) for noun in GROUPS.values()},
            committed={group: dict.fromkeys(spans, max(0, count - self.behind)) for group in GROUPS},
            recorder=self._flow(counts, spans),
            loader=self._flow(loaded, spans),
        )

    def around(self, second: int) -> Surroundings:
        """What is around it then."""
        done = self.look(second)
        sums = {name: done.recorder.outcome(name) for name in ("archived", "duplicate")}
        found = Balance(
            received=done.received,
            archived=sums["archived"],
            refused={reason: n for (_, reason), n in done.recorder.reasons.items() if reason},
            duplicate=sums["duplicate"],
            published=done.loader.outcome("published"),
            withheld={"no_consent": done.loader.outcome("withheld")},
            loaded=done.loader.outcome("published"),
            retracted=0,
        )
        gap = Gap("loader", 1, 1, 0, "published, and not in the facts", "app-001", HOUR, ((3, 3), (7, 9)), exact=True)
        gaps = (gap,) if self.gap else ()
        return Surroundings(
            verdict=Verdict(START + second, found, gaps, exact=gaps),
            processes=tuple(ProcessState(name, "ready", 0, "") for name in ("broker", "lrs", "processors", "store")),
            freshness={0.5: 6.0 * second, 1.0: 9.5 * second, float("inf"): 10.0 * second},
            door={"received": 100, "rejected": 7},
            file_systems=(FileSystem("zone", 70_000_000_000, 250_000_000_000),),
            folders={"broker": 3_000_000_000, "archive": 900_000_000, "facts": 400_000_000},
            kept_since={noun.value: START - 86_400 for noun in GROUPS.values()},
            retention_seconds={noun.value: 604_800.0 for noun in GROUPS.values()},
        )

    def snapshot(self, seconds: int = 300, step: int = 5) -> Snapshot:
        """What the page shows after so many seconds of looking."""
        history = self.history(seconds, step)
        seen = history.snapshot(START + seconds)
        assert seen is not None
        return seen

    def history(self, seconds: int, step: int = 5) -> History:
        """One that has looked so long."""
        history = History("osaka", "みどり市教育委員会", self.partitions)
        for second in range(0, seconds + 1, step):
            history.look(self.look(second))
            history.surroundings(START + second, self.around(second))
        return history

    def _flow(self, reasons: dict[tuple[str, str], int], spans: dict[int, LogSpan]) -> Flow:
        outcomes: dict[str, int] = {}
        for (outcome, _), count in reasons.items():
            outcomes[outcome] = outcomes.get(outcome, 0) + count
        names = [*self.names, *(f"app-{number:03}" for number in range(self.apps - len(self.names)))]
        apps = tuple(
            AppCount(app, outcome, reason, count // len(names), count // len(names) // 2, HOUR)
            for app in names
            for (outcome, reason), count in reasons.items()
        )
        return Flow(
            outcomes,
            reasons,
            {p: span.end for p, span in spans.items()},
            dict.fromkeys(spans, 0),
            apps,
            0,
            {names[0]: 10_000.0},
        )


def without(seen: Observation, group: str, committed: dict[int, int]) -> Observation:
    """The same look, with other committed offsets of one group."""
    return replace(seen, committed={**seen.committed, group: committed})


def beginning_at(seen: Observation, noun: Noun, begin: int) -> Observation:
    """The same look at a log of which retention took the first records."""
    spans = {p: LogSpan(begin, span.end) for p, span in seen.logs[noun].items()}
    return replace(seen, logs={**seen.logs, noun: spans})
