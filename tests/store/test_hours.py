"""The balance of each partition, hour and app; and the questions by which a gap is found out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest
from starlette.applications import Starlette

from lrs.api.operator import OperatorGate, archive_operator_routes
from lrs.store.accounting import LogSpan, balance, hop_counts, passed, unlike
from lrs.store.archive import Archive
from lrs.store.facts import Facts
from lrs.store.holdings import LETTERS, LOADER, RECORDER, Doubled, Holdings
from lrs.store.hours import HourCounts, Hours, compare, hour_counts, partition_counts
from lrs.store.tallies import Tallies, Tally
from tests.support.rows import BASE_MS, activity, archive_row, key, records, retraction

if TYPE_CHECKING:
    from lrs.kernel.records import Activity
    from lrs.store.archive import ArchiveRow
    from lrs.store.engine import Engine

HOUR = BASE_MS // 3_600_000 * 3600
ALL = Hours(0, 4_102_444_800)
LATE_MS = BASE_MS - 3 * 3_600_000


class Stores(NamedTuple):
    """Offsets 0 to 5 of partition 2: 4 came late, 5 is refused; 1 is withheld, 3 voids 0."""

    archive: Engine
    facts: Engine
    recorded: Tallies
    loaded: Tallies

    def compared(self) -> tuple[list[tuple[str, int, int]], list[tuple[int, int, int, int]]]:
        """(hop, hour, difference) of the gaps; hour, received, loaded and withheld of each balance."""
        theirs = hour_counts(self.facts, self.loaded, LOADER, ALL, {})
        ours = hour_counts(self.archive, self.recorded, RECORDER, ALL, theirs.ends)
        for counts in (ours, theirs):
            assert HourCounts.from_json(counts.to_json()) == counts
        gaps, balances = compare(ours, theirs, self.kept())
        assert all((gap.partition, gap.app) == (2, "drill") for gap in gaps)
        return (
            [(gap.hop, gap.hour or 0, gap.found - gap.expected) for gap in gaps],
            [(one.hour, one.received, one.loaded, one.withheld) for one in balances],
        )

    def kept(self) -> HourCounts:
        """What the letters counted."""
        return hour_counts(self.archive, self.recorded, LETTERS, ALL, {})


def archived(offset: int) -> ArchiveRow:
    """A row of partition 2."""
    return archive_row(offset, partition=2, stored_at_ms=LATE_MS if offset == 4 else BASE_MS)


def published(offset: int) -> Activity:
    """An activity of partition 2."""
    return activity(offset, partition=2, stored_at_ms=LATE_MS if offset == 4 else BASE_MS)


def tally(hop: str, last: int, hour: int, ended: tuple[str, str], count: int) -> Tally:
    """Of one batch."""
    return Tally(hop, 2, 0, last, "drill", hour, *ended, count)


@pytest.fixture
def stores(archive_engine: Engine, facts_engine: Engine) -> Stores:
    """A zone that balances."""
    recorded, loaded = Tallies(archive_engine, "board"), Tallies(facts_engine, "board")
    Archive(archive_engine).insert([archived(offset) for offset in range(5)])
    recorded.insert(
        [
            tally(RECORDER, 5, HOUR, ("archived", ""), 4),
            tally(RECORDER, 5, HOUR - 3 * 3600, ("archived", ""), 1),
            tally(RECORDER, 5, HOUR, ("refused", "conflict"), 1),
            tally(LETTERS, 5, HOUR, ("refused", "conflict"), 1),
        ]
    )
    facts = Facts(facts_engine)
    facts.insert(records([published(offset) for offset in (0, 2, 4)]))
    facts.insert_retractions([{**retraction(3, published(0)["statement_key"], partition=2), "stored_at_ms": BASE_MS}])
    loaded.insert(
        [
            tally(LOADER, 4, HOUR, ("published", ""), 2),
            tally(LOADER, 4, HOUR - 3 * 3600, ("published", ""), 1),
            tally(LOADER, 4, HOUR, ("withheld", "no_consent"), 1),
            tally(LOADER, 4, HOUR, ("withheld", "voiding"), 1),
        ]
    )
    facts.apply_retractions()
    return Stores(archive_engine, facts_engine, recorded, loaded)


def test_a_late_statement_is_balanced_in_its_own_hour(stores: Stores) -> None:
    assert stores.compared() == ([], [(HOUR - 3 * 3600, 1, 1, 0), (HOUR, 5, 2, 2)])
    assert stores.recorded.hours(RECORDER, 0) == [(HOUR - 3 * 3600, 1), (HOUR, 1)]
    assert stores.recorded.hours(RECORDER, HOUR) == [(HOUR, 1)]


@pytest.mark.parametrize(
    ("store", "change", "gap"),
    [
        ("archive", "ALTER TABLE statements DELETE WHERE offset = 4", ("recorder", HOUR - 3 * 3600, -1)),
        ("archive", "INSERT INTO statements SELECT * FROM statements WHERE offset = 2", ("recorder", HOUR, 1)),
        ("facts", "ALTER TABLE activities DELETE WHERE offset = 2", ("loader", HOUR, -1)),
        ("facts", "ALTER TABLE tallies DELETE WHERE reason = 'no_consent'", ("processor", HOUR, -1)),
        ("archive", "ALTER TABLE tallies UPDATE count = 2 WHERE hop = 'letters'", ("letters", HOUR, 1)),
        ("archive", "ALTER TABLE tallies DELETE WHERE hop = 'letters'", ("letters", HOUR, -1)),
    ],
)
def test_a_difference_is_found_in_its_hop_and_hour(
    stores: Stores, store: str, change: str, gap: tuple[str, int, int]
) -> None:
    engine = stores.archive if store == "archive" else stores.facts
    engine.command(change)
    gaps, _ = stores.compared()
    assert gap in gaps
    assert {hour for _, hour, _ in gaps} == {gap[1]}


def test_a_letter_waits_until_letters_behind_it_are_kept_and_none_is_too_many_before_the_recorder_counts(
    stores: Stores,
) -> None:
    stores.recorded.insert([Tally(RECORDER, 2, 6, 9, "drill", HOUR, "refused", "invalid", 2)])

    def found() -> list[tuple[int, bool]]:
        nothing = HourCounts([], [], {})
        ours = hour_counts(stores.archive, stores.recorded, RECORDER, ALL, {})
        gaps = [gap for gap in compare(ours, nothing, stores.kept())[0] if gap.hop == LETTERS]
        return [(gap.found - gap.expected, gap.waiting) for gap in gaps]

    assert found() == [(-2, True)]
    stores.recorded.insert([Tally(LETTERS, 2, 6, 6, "drill", HOUR, "refused", "invalid", 1)])
    assert found() == [(-1, True)]
    # Of another hour, and behind what the recorder has counted.
    stores.recorded.insert([Tally(LETTERS, 2, 12, 12, "drill", HOUR + 3600, "refused", "invalid", 1)])
    assert found() == [(-1, False)]


def test_what_is_on_its_way_is_no_gap(stores: Stores) -> None:
    Archive(stores.archive).insert([archived(offset) for offset in range(6, 9)])
    assert stores.compared()[0] == []
    stores.recorded.insert([Tally(RECORDER, 2, 6, 7, "drill", HOUR, "archived", "", 2)])
    # The archive holds offset 8 and has not counted it; the log has 9; the loader has none of them.
    recorder = hop_counts(stores.archive, stores.recorded, RECORDER, thorough=False)
    loader = hop_counts(stores.facts, stores.loaded, LOADER, thorough=False)
    assert recorder.held("statements") == 7
    assert unlike(recorder, loader)
    found = balance({2: LogSpan(0, 10)}, recorder, loader, passed(stores.archive, loader.ends()))
    assert [(gap.hop, gap.statements, gap.waiting) for gap in found.gaps] == [
        ("recorder", 2, True),
        ("processor", 2, True),
    ]


def test_what_the_log_lost_before_the_recorder_began_is_no_gap_and_what_it_has_is(stores: Stores) -> None:
    stores.recorded.insert([Tally(RECORDER, 3, 40, 49, "drill", HOUR, "refused", "invalid", 10)])
    recorder = hop_counts(stores.archive, stores.recorded, RECORDER)
    loader = hop_counts(stores.facts, stores.loaded, LOADER)
    log = {2: LogSpan(0, 6), 3: LogSpan(40, 50)}
    assert balance(log, recorder, loader).balanced
    assert balance({**log, 3: LogSpan(45, 50)}, recorder, loader).received == 16
    [gap] = balance({**log, 3: LogSpan(38, 50)}, recorder, loader).gaps
    assert (gap.partition, gap.expected, gap.found) == (3, 2, 0)


def test_doubled_coordinates_are_named(stores: Stores) -> None:
    stores.archive.command("INSERT INTO statements SELECT * FROM statements WHERE offset = 4")
    assert Holdings(stores.archive, RECORDER).doubled() == [Doubled("statements", 2, 4, HOUR - 3 * 3600, "drill", 2)]
    assert Holdings(stores.facts, LOADER).doubled() == []


def test_which_offsets_came_through_is_told_in_bits_retracted_facts_included(stores: Stores) -> None:
    Archive(stores.archive).insert([archived(offset) for offset in (64, 127, 128)])
    assert Holdings(stores.archive, RECORDER).words(2, 0, 128) == [(0, 0b11111), (1, 1 | 1 << 63)]
    assert Holdings(stores.archive, RECORDER).words(2, 3, 5) == [(0, 0b11000)]
    assert Holdings(stores.facts, LOADER).words(2, 0, 100) == [(0, 0b10101)]
    assert Holdings(stores.facts, LOADER).words(1, 0, 100) == []


def test_one_partition_is_counted_alone(stores: Stores) -> None:
    assert partition_counts(stores.recorded, RECORDER, partition=1, since=0).cells == []
    found = partition_counts(stores.recorded, RECORDER, partition=2, since=HOUR)
    assert ([cell.count for cell in found.cells], found.ends) == ([4, 1], {2: 6})


@pytest.fixture
def operator(stores: Stores) -> httpx.AsyncClient:
    """The operator at the archive's endpoints."""
    routes = archive_operator_routes(OperatorGate("secret"), engine=stores.archive, tallies=stores.recorded)
    app = httpx.ASGITransport(Starlette(routes=routes))
    return httpx.AsyncClient(transport=app, base_url="http://zone", headers={"Authorization": "Bearer secret"})


async def test_the_archive_answers_for_coordinates_and_ids(operator: httpx.AsyncClient) -> None:
    there = "/operator/archive"
    assert (await operator.get(f"{there}/places?partition=2&first=3&end=9")).json() == {
        "places": [[3, HOUR, "drill"], [4, HOUR - 3 * 3600, "drill"]]
    }
    assert (await operator.get(f"{there}/passed?ends=0,0,3")).json() == {"passed": [[2, 3]]}
    known = key("id", 2, 1).hex()
    expected = [known, 2, 1, key("content", 2, 1).hex()]
    assert (await operator.get(f"{there}/ids?ids={known},{key('other').hex()}")).json() == {"ids": [expected]}
    assert (await operator.get(f"{there}/letters?ends=0,0,6")).json() == {"letters": [[2, 1]]}
    assert (await operator.get(f"{there}/letter_offsets?partition=2&first=0&end=9")).json() == {
        "words": [],
        "position": 0,
    }
    cells = (await operator.get(f"{there}/letter_cells?since=0&until=4102444800")).json()
    assert HourCounts.from_json(cells).ends == {2: 6}
    assert (await operator.get(f"{there}/hours?since=0")).json() == {"hours": [[HOUR - 3 * 3600, 1], [HOUR, 1]]}


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("hours", "since"),
        ("hours?since=-1", "since"),
        ("cells?since=7200&until=3600", "until"),
        ("cells?since=0&until=1&passed=1,x", "passed"),
        ("counted?since=0&partition=65536", "partition"),
        ("offsets?partition=0&first=0&end=4194305", "end"),
        ("places?partition=0&first=0&end=10001", "end"),
        ("passed?ends=99999999999999999999", "ends"),
        ("letters?ends=1,x", "ends"),
        ("letter_cells?since=7200&until=3600", "until"),
        ("letter_offsets?partition=0&first=0&end=4194305", "end"),
        ("ids?ids=00", "ids"),
        ("ids?ids=zz", "ids"),
    ],
)
async def test_a_bad_parameter_is_refused_by_name(operator: httpx.AsyncClient, query: str, parameter: str) -> None:
    answer = await operator.get(f"/operator/archive/{query}")
    assert (answer.status_code, answer.json()["rule"].split()[:2]) == (400, ["parameter", parameter])
