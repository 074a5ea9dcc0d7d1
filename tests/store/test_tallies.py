"""Counts: each record once, folded, by hop, partition and hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrs.kernel.errors import StopError
from lrs.store.tallies import HourCount, Tallies, Tally

if TYPE_CHECKING:
    from lrs.store.engine import Engine

HOUR = 1_774_998_000


def _tally(first: int, last: int, count: int, **changes: object) -> Tally:
    tally = Tally("recorder", 0, first, last, "drill", HOUR, "archived", "", count)
    return tally._replace(**changes)  # type: ignore[arg-type]


@pytest.fixture
def tallies(archive_engine: Engine) -> Tallies:
    return Tallies(archive_engine, "board")


def test_counts_add_up_by_outcome_hour_and_partition(tallies: Tallies) -> None:
    refused = {"outcome": "refused", "reason": "invalid"}
    tallies.insert([_tally(0, 9, 8), _tally(3, 4, 2, **refused)])
    tallies.insert([_tally(10, 19, 10, hour=HOUR + 3600), _tally(0, 0, 1, partition=1, app="portal")])
    assert tallies.totals("recorder") == {("archived", ""): 19, ("refused", "invalid"): 2}
    assert tallies.by_partition("recorder")[1] == {("archived", ""): 1}
    assert tallies.by_hour("recorder") == [
        HourCount(HOUR, "drill", "archived", "", 8),
        HourCount(HOUR, "drill", "refused", "invalid", 2),
        HourCount(HOUR, "portal", "archived", "", 1),
        HourCount(HOUR + 3600, "drill", "archived", "", 10),
    ]
    assert tallies.totals("loader") == {}


def test_a_batch_counted_before_is_not_counted_again(tallies: Tallies, archive_engine: Engine) -> None:
    batch = [_tally(0, 9, 8), _tally(3, 4, 2, outcome="refused")]
    tallies.insert(batch)
    tallies.insert(batch)
    Tallies(archive_engine, "board").insert([*batch, _tally(10, 11, 2)])
    assert sum(tallies.totals("recorder").values()) == 12
    assert (tallies.high_water("recorder", 0), tallies.high_water("recorder", 1)) == (11, -1)


def test_a_count_that_reaches_over_the_high_water_stops_the_part(tallies: Tallies) -> None:
    tallies.insert([_tally(0, 9, 10)])
    with pytest.raises(StopError, match="5 to 9 of partition 0 twice"):
        tallies.insert([_tally(5, 12, 8)])
    assert tallies.totals("recorder") == {("archived", ""): 10}


def test_folding_keeps_sums_and_high_water(tallies: Tallies, archive_engine: Engine) -> None:
    for batch in range(12):
        tallies.insert([_tally(batch * 5, batch * 5 + 4, 5)])
    archive_engine.command("OPTIMIZE TABLE tallies FINAL")
    assert archive_engine.query("SELECT count(), min(first_offset), max(last_offset) FROM tallies") == [(1, 0, 59)]
    assert tallies.totals("recorder") == {("archived", ""): 60}
    assert Tallies(archive_engine, "board").high_water("recorder", 0) == 59


def test_operators_are_apart(tallies: Tallies, archive_engine: Engine) -> None:
    tallies.insert([_tally(0, 9, 10)])
    other = Tallies(archive_engine, "publisher")
    assert other.totals("recorder") == {}
    assert other.high_water("recorder", 0) == -1


def test_hops_and_partitions_have_their_own_high_water(tallies: Tallies) -> None:
    tallies.insert([_tally(0, 9, 10), _tally(0, 3, 4, partition=2), _tally(0, 6, 7, hop="loader")])
    found = [tallies.high_water(hop, partition) for hop in ("recorder", "loader") for partition in (0, 2)]
    assert found == [9, 3, 6, -1]
