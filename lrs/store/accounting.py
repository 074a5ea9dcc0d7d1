"""Does the sum come out? What each hop counted, what the tables hold, and every place where the two differ.

received = archived + refused + duplicate; archived = published + withheld; published = loaded, of which retracted were
taken out again; of everything refused a dead letter was kept. Partition numbers are carried through, so each equation
holds for each partition alone. Every count goes up to an offset that is told with it: so the sums come out at any
moment, however much is on its way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.kernel.reasons import Outcome
from lrs.store.holdings import LETTERS, LOADER, PROCESSOR, RECORDER, Held, Holdings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lrs.store.engine import Engine
    from lrs.store.tallies import Tallies

_UNREAD = "on the log, and the recorder never counted them"
_SUMS = "received up to the last one counted, and archived + refused + duplicate"
STATEMENTS = "archived, and statements in the archive"
PASSED = "archived, and published + withheld"
FACTS = "published, and facts loaded (present + retracted)"
KEPT = "refused, and dead letters kept"


class Gap(NamedTuple):
    """A sum that does not come out. `hop` is where to look, `partition` that of `received`.

    `app` and `hour` (Unix seconds, of `stored`) are told where the counts tell them. `offsets` are ranges, both ends
    included, of `received`: of the very statements if `exact`, else the span in which to look. `waiting`: they may
    still come.
    """

    hop: str
    partition: int
    expected: int
    found: int
    meaning: str
    app: str = ""
    hour: int | None = None
    offsets: tuple[tuple[int, int], ...] = ()
    exact: bool = False
    waiting: bool = False

    @property
    def statements(self) -> int:
        """By how many the sum does not come out."""
        return abs(self.expected - self.found)


class LogSpan(NamedTuple):
    """A partition of `received` as the broker has it: offsets from `begin` up to, not including, `end`."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class HopCounts:
    """What one hop counted up to the end of its `spans`, and what its tables hold up to there, by partition."""

    hop: str
    counts: Mapping[int, Mapping[tuple[str, str], int]]
    spans: Mapping[int, tuple[int, int]]
    tables: Mapping[str, Mapping[int, Held]]

    def outcome(self, outcome: str, partition: int | None = None) -> int:
        """How many records ended so, in one partition or in all."""
        return sum(self.reasons(outcome, partition).values())

    def reasons(self, outcome: str, partition: int | None = None) -> dict[str, int]:
        """For each reason how many records ended with `outcome`."""
        sums: dict[str, int] = {}
        for number, counts in self.counts.items():
            for (found, reason), count in counts.items():
                if found == outcome and partition in (None, number):
                    sums[reason] = sums.get(reason, 0) + count
        return dict(sorted(sums.items()))

    def counted(self, partition: int) -> int:
        """How many records of a partition the hop counted."""
        return sum(self.counts.get(partition, {}).values())

    def ends(self) -> dict[int, int]:
        """For each partition the offset behind the last one counted."""
        return {partition: end for partition, (_, end) in self.spans.items()}

    def held(self, table: str, partition: int | None = None) -> int:
        """How many rows a table holds, in one partition or in all."""
        return sum(held.rows for number, held in self.tables.get(table, {}).items() if partition in (None, number))

    def to_json(self) -> dict[str, Any]:
        """Plain lists and names, for a process that has no access to this store."""
        return {
            "hop": self.hop,
            "counts": [[p, *key, count] for p, counts in self.counts.items() for key, count in counts.items()],
            "spans": [[p, *span] for p, span in self.spans.items()],
            "tables": {table: [[p, *held] for p, held in parts.items()] for table, parts in self.tables.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> HopCounts:
        """The reverse of `to_json`."""
        counts: dict[int, dict[tuple[str, str], int]] = {}
        for partition, outcome, reason, count in data["counts"]:
            counts.setdefault(partition, {})[outcome, reason] = count
        tables = {
            name: {part: Held(rows, places) for part, rows, places in rows_} for name, rows_ in data["tables"].items()
        }
        return cls(data["hop"], counts, {p: (first, end) for p, first, end in data["spans"]}, tables)


@dataclass(frozen=True, slots=True)
class Balance:
    """Where all that came in is now. Balanced when there is no gap."""

    received: int
    archived: int
    refused: Mapping[str, int]
    duplicate: int
    published: int
    withheld: Mapping[str, int]
    loaded: int
    retracted: int
    gaps: list[Gap] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Whether every sum comes out, and nothing is on its way."""
        return not self.gaps


def hop_counts(engine: Engine, tallies: Tallies, hop: str, *, thorough: bool = True) -> HopCounts:
    """What `hop` (`RECORDER` or `LOADER`) counted and its tables hold.

    `thorough` also counts distinct coordinates, the check that nothing was written twice: 0.2 s per million rows. Else
    rows are counted from projections, and one by one only where those sums do not come out.
    """
    holdings = Holdings(engine, hop)
    account = tallies.account(hop)
    ends = {partition: end for partition, (_, end) in account.spans.items()}
    if thorough:
        return HopCounts(hop, account.counts, account.spans, holdings.checked(ends))
    quick = HopCounts(hop, account.counts, account.spans, holdings.quick())
    if all(_expected(quick, partition) == _rows(quick, partition) for partition in _partitions(quick)):
        return quick
    return HopCounts(hop, account.counts, account.spans, holdings.exact(ends))


def passed(engine: Engine, ends: Mapping[int, int]) -> dict[int, int]:
    """How many archived statements lie before `ends` of each partition."""
    return {partition: held.rows for partition, held in Holdings(engine, RECORDER).passed(ends)["statements"].items()}


def unlike(recorder: HopCounts, loader: HopCounts) -> bool:
    """Whether something is between the two, so that `passed` has to be asked: on its way or lost."""
    return any(
        recorder.outcome(Outcome.ARCHIVED, partition) != loader.counted(partition)
        for partition in {*recorder.counts, *loader.counts}
    )


def balance(
    log: Mapping[int, LogSpan],
    recorder: HopCounts,
    loader: HopCounts,
    passed_by: Mapping[int, int] | None = None,
    kept: Mapping[int, int] | None = None,
) -> Balance:
    """Compare what the log of `received` has with what the recorder and the loader counted and hold.

    `passed_by`: for each partition the archived statements up to the last one that the loader counted, asked after
    the loader; None where recorder and loader are not `unlike`. `kept`: the dead letters up to the last record that the
    recorder counted, asked after it; None: they are not compared. What was asked first must be the loader, last the
    log: then what moves meanwhile is only ever seen as on its way.
    """
    gaps = [
        gap
        for partition in sorted({*log, *recorder.counts, *loader.counts, *(kept or ())})
        for gap in (
            *_recorder_gaps(recorder, partition, log.get(partition, LogSpan(0, 0))),
            *_letter_gaps(recorder, partition, kept),
            *_processor_gaps(recorder, loader, partition, passed_by),
            *_differences(LOADER, partition, (_expected(loader, partition), _rows(loader, partition), FACTS)),
        )
    ]
    return Balance(
        received=sum(_received(recorder, partition, span) for partition, span in log.items()),
        archived=recorder.outcome(Outcome.ARCHIVED),
        refused=recorder.reasons(Outcome.REFUSED),
        duplicate=recorder.outcome(Outcome.DUPLICATE),
        published=loader.outcome(Outcome.PUBLISHED),
        withheld=loader.reasons(Outcome.WITHHELD),
        loaded=loader.held("activities") + loader.held("retracted"),
        retracted=loader.held("retracted"),
        gaps=[*gaps, *_doubles(recorder), *_doubles(loader)],
    )


def _received(recorder: HopCounts, partition: int, span: LogSpan) -> int:
    """What came in since the recorder began: the log may have lost its beginning before, or since."""
    return span.end - min(recorder.spans.get(partition, span)[0], span.begin)


def _recorder_gaps(recorder: HopCounts, partition: int, log: LogSpan) -> Iterable[Gap]:
    first, end = recorder.spans.get(partition, (log.begin, log.begin))
    unread = max(0, first - log.begin)
    yield from _differences(
        RECORDER,
        partition,
        (unread, 0, _UNREAD),
        (end - first, recorder.counted(partition), _SUMS),
        (_expected(recorder, partition), _rows(recorder, partition), STATEMENTS),
    )
    if log.end != end:
        why = "received, and archived + refused + duplicate"
        yield Gap(RECORDER, partition, log.end - first, end - first, why, waiting=log.end > end)


def _letter_gaps(recorder: HopCounts, partition: int, kept: Mapping[int, int] | None) -> Iterable[Gap]:
    if kept is None:
        return
    refused, found = recorder.outcome(Outcome.REFUSED, partition), kept.get(partition, 0)
    if found != refused:
        yield Gap(LETTERS, partition, refused, found, KEPT, waiting=found < refused)


def _processor_gaps(
    recorder: HopCounts, loader: HopCounts, partition: int, passed_by: Mapping[int, int] | None
) -> Iterable[Gap]:
    archived, counted = recorder.outcome(Outcome.ARCHIVED, partition), loader.counted(partition)
    if passed_by is None:
        yield from _differences(PROCESSOR, partition, (archived, counted, PASSED))
        return
    there = passed_by.get(partition, 0)
    # Statements that the archive lost are the recorder's gap; where they lay is not known here.
    lost = max(0, archived - _rows(recorder, partition))
    missing = there - counted
    if not there <= counted <= there + lost:
        yield Gap(PROCESSOR, partition, there, counted, PASSED)
    else:
        missing = 0
    coming = archived - counted - max(0, missing) - lost
    if coming > 0:
        yield Gap(PROCESSOR, partition, counted + coming, counted, PASSED, waiting=True)


def _expected(counts: HopCounts, partition: int) -> int:
    return counts.outcome(Outcome.ARCHIVED if counts.hop == RECORDER else Outcome.PUBLISHED, partition)


def _rows(counts: HopCounts, partition: int) -> int:
    tables = ("statements",) if counts.hop == RECORDER else ("activities", "retracted")
    return sum(counts.held(table, partition) for table in tables)


def _partitions(counts: HopCounts) -> set[int]:
    return {*counts.counts, *(partition for parts in counts.tables.values() for partition in parts)}


def _differences(hop: str, partition: int, *sums: tuple[int, int, str]) -> list[Gap]:
    return [Gap(hop, partition, expected, found, why) for expected, found, why in sums if expected != found]


def _doubles(hop: HopCounts) -> list[Gap]:
    return [
        Gap(hop.hop, partition, held.places, held.rows, f"distinct (partition, offset), and rows of {table}")
        for table, parts in hop.tables.items()
        for partition, held in parts.items()
        if held.rows != held.places
    ]
