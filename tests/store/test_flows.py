"""What went through a hop, out of its tallies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrs.store.facts import Facts
from lrs.store.flows import AppCount, Flow, flow
from lrs.store.holdings import LOADER, RECORDER
from lrs.store.tallies import Tallies, Tally
from tests.support.rows import activity, records, retraction

if TYPE_CHECKING:
    from lrs.store.engine import Engine

HOUR = 1_780_000_000 // 3600 * 3600


def _tally(hop: str, place: tuple[int, int, int], app: str, ended: tuple[str, str], count: int) -> Tally:
    hour = HOUR + 3600 * (app == "late")
    return Tally(hop, *place, app, hour, *ended, count)


def test_a_flow_has_the_sums_of_outcomes_reasons_and_apps(archive_engine: Engine) -> None:
    tallies = Tallies(archive_engine, "board")
    tallies.insert([_tally("recorder", (0, 0, 9), "drill", ("archived", ""), 9),
                    _tally("recorder", (0, 0, 9), "drill", ("refused", "invalid"), 1)])  # fmt: skip
    tallies.insert([_tally("recorder", (1, 5, 7), "late", ("archived", ""), 3)])
    Tallies(archive_engine, "another").insert([_tally("recorder", (1, 0, 3), "theirs", ("archived", ""), 4)])
    found = flow(archive_engine, tallies, RECORDER, since=HOUR + 3600, quotas={"drill": 5.0})
    assert found.outcomes == {"archived": 12, "refused": 1}
    assert found.reasons == {("archived", ""): 12, ("refused", "invalid"): 1}
    assert (found.first, found.ends) == ({0: 0, 1: 5}, {0: 10, 1: 8})
    assert found.apps == (
        AppCount("drill", "archived", "", 9, 0, HOUR),
        AppCount("drill", "refused", "invalid", 1, 0, HOUR),
        AppCount("late", "archived", "", 3, 3, HOUR + 3600),
    )
    assert (found.quotas, found.retracted, found.counted) == ({"drill": 5.0}, 0, 13)
    assert Flow.from_json(found.to_json()) == found


def test_a_hop_that_counted_nothing_has_an_empty_flow(archive_engine: Engine) -> None:
    found = flow(archive_engine, Tallies(archive_engine, "board"), RECORDER, since=0)
    assert found == Flow({}, {}, {}, {}, (), 0, {})


def test_facts_that_were_taken_out_are_told_once_each(facts_engine: Engine) -> None:
    facts, tallies = Facts(facts_engine), Tallies(facts_engine, "board")
    facts.insert(records([activity(offset) for offset in range(3)]))
    facts.insert_retractions([retraction(3, activity(1)["statement_key"])])
    tallies.insert([_tally("loader", (0, 0, 3), "drill", ("published", ""), 3),
                    _tally("loader", (0, 0, 3), "drill", ("withheld", "voiding"), 1)])  # fmt: skip
    facts.apply_retractions()
    found = flow(facts_engine, tallies, LOADER, since=0)
    assert (found.outcome("published"), found.outcome("withheld"), found.retracted) == (3, 1, 1)
