"""Facts about what the page makes of a row of looks."""

from __future__ import annotations

import json
from dataclasses import replace

import orjson
import pytest

from lrs.api.operations.observation import GROUPS, FileSystem, ProcessState, Verdict
from lrs.api.operations.snapshot import Pace, Severity
from lrs.kernel.topics import Noun
from lrs.store.accounting import Gap
from lrs.store.flows import Flow
from tests.support.operations import START, Made, beginning_at, without


def kinds(made: Made, **changes: object) -> list[tuple[str, str]]:
    """What is found five minutes after the start, with other surroundings."""
    history = made.history(300)
    history.surroundings(START + 300, made.around(300).but(**changes))
    seen = history.snapshot(START + 300)
    assert seen is not None
    return [(finding.severity.value, finding.kind) for finding in seen.findings]


def test_before_the_first_look_there_is_nothing_to_show() -> None:
    assert Made().history(-1).snapshot(START) is None


def test_every_hop_shows_what_it_counted_and_how_fast() -> None:
    seen = Made(partitions=4, each=25).snapshot(300)
    totals = {name: stream.total for name, stream in seen.streams.items()}
    assert totals["received"] == 30_000
    assert totals["archived"] + totals["refused"] + totals["duplicate"] == totals["received"]
    assert totals["published"] + totals["withheld"] == totals["archived"]
    assert seen.streams["received"].per_second == pytest.approx(100)
    assert seen.streams["archived"].per_second == pytest.approx(97)
    assert set(seen.streams["received"].trend) == {100.0}
    assert 55 <= len(seen.streams["received"].trend) <= 61


def test_a_zone_in_which_all_is_well_has_no_finding() -> None:
    seen = Made().snapshot()
    assert (seen.severity, seen.findings) == ("good", ())
    assert seen.accounts.state == "balanced"
    assert seen.freshness is not None
    assert seen.freshness.p50 == pytest.approx(0.4167, abs=0.001)
    assert seen.freshness.p95 == 1.0


def test_a_hundred_apps_and_sixty_four_partitions_are_all_there() -> None:
    seen = Made(apps=100, partitions=64).snapshot(60)
    assert len(seen.apps) == 100
    assert [len(group.partitions) for group in seen.groups] == [64] * len(GROUPS)
    told = json.loads(orjson.dumps(seen.to_json()))
    assert told["state"] == "good"
    assert len(told["apps"]) == 100


def test_a_gap_is_the_first_thing_to_say() -> None:
    seen = Made(gap=True).snapshot()
    assert [(finding.severity, finding.kind) for finding in seen.findings] == [(Severity.BAD, "gap")]
    (gap,) = seen.accounts.gaps
    assert (gap.hop, gap.app, gap.partition, gap.offsets, gap.exact) == ("loader", "app-001", 1, ((3, 3), (7, 9)), True)
    assert gap.hour is not None
    assert gap.hour.endswith(":00Z")


def test_a_sum_that_is_looked_at_again_is_not_called_balanced_nor_a_gap() -> None:
    history = Made().history(60)
    verdict = Made().around(60).verdict
    assert verdict is not None
    history.surroundings(START + 60, Made().around(60).but(verdict=replace(verdict, unsure=True)))
    seen = history.snapshot(START + 60)
    assert seen is not None
    assert seen.accounts.state == "checking"


def test_gaps_of_sums_show_until_their_places_are_known() -> None:
    verdict = Made().around(300).verdict
    assert verdict is not None
    rough = replace(verdict, gaps=(Gap("recorder", 2, 10, 9, "archived, and statements in the archive"),))
    assert kinds(Made(), verdict=rough) == [("bad", "gap")]


def test_what_is_late_is_not_called_missing() -> None:
    verdict = Made().around(300).verdict
    assert verdict is not None
    late = tuple(Gap("processor", p, 100 + p, 0, "overdue", waiting=True) for p in range(3))
    history = Made().history(300)
    history.surroundings(START + 300, Made().around(300).but(verdict=replace(verdict, gaps=late)))
    seen = history.snapshot(START + 300)
    assert seen is not None
    assert (seen.accounts.state, seen.accounts.late, seen.accounts.gaps) == ("late", {"processor": 303}, ())
    assert [(one.severity.value, one.kind, one.values["statements"]) for one in seen.findings] == [
        ("warn", "late", 303)
    ]


def test_sums_that_speak_of_the_same_statements_are_counted_once() -> None:
    verdict = Made().around(300).verdict
    assert verdict is not None
    rough = [Gap("recorder", p, 10, 7, meaning) for p in (0, 1) for meaning in ("one", "another")]
    history = Made().history(300)
    history.surroundings(START + 300, Made().around(300).but(verdict=replace(verdict, gaps=tuple(rough))))
    seen = history.snapshot(START + 300)
    assert seen is not None
    assert [one.values["statements"] for one in seen.findings] == [6]


def test_accounts_that_nobody_checks_are_not_called_balanced() -> None:
    assert kinds(Made(), verdict=None) == [("warn", "no_accountant")]
    old = Made().around(300).verdict
    assert old is not None
    assert kinds(Made(), verdict=replace(old, at=START - 100)) == [("warn", "old_accounts")]


@pytest.mark.parametrize(("state", "kind"), [("away", "hung"), ("waiting", "process"), ("unready", "process")])
def test_a_process_that_is_not_ready_is_named(state: str, kind: str) -> None:
    broken = ProcessState("processors", state, 3, "connection refused")
    assert kinds(Made(), processes=(broken,)) == [("bad", kind)]


@pytest.mark.parametrize(
    ("free", "expected"),
    [(70_000_000_000, []), (1_000_000_000, [("bad", "disk_full")])],
)
def test_a_disk_that_is_almost_full_is_told(free: int, expected: list[tuple[str, str]]) -> None:
    assert kinds(Made(), file_systems=(FileSystem("zone", free, 250_000_000_000),)) == expected


def test_a_disk_that_will_be_full_in_days_is_told_once_it_was_measured_for_an_hour() -> None:
    history = Made().history(0)
    for second in range(0, 7201, 60):
        free = 70_000_000_000 - second * 1_000_000
        history.look(Made().look(second))
        around = Made().around(second).but(file_systems=(FileSystem("zone", free, 250_000_000_000),))
        history.surroundings(START + second, around)
        seen = history.snapshot(START + second)
        assert seen is not None
        assert bool(seen.findings) == (second >= 3600), second
    assert seen is not None
    (disk,) = seen.disks
    assert disk.growth_per_day == pytest.approx(86.4e9)
    assert disk.days_left == pytest.approx(62.8e9 / 86.4e9)


def test_a_group_that_took_nothing_for_a_minute_has_stopped_and_its_partitions_are_named() -> None:
    made = Made(each=10)
    history = made.history(0)
    for second in range(0, 121, 5):
        committed = {0: 10 * second, 1: 0, 2: 0, 3: 10 * second}
        history.look(without(made.look(second), "loader", committed))
        history.surroundings(START + second, made.around(second))
    seen = history.snapshot(START + 120)
    assert seen is not None
    (finding,) = seen.findings
    assert (finding.kind, finding.values["group"], finding.values["partitions"]) == ("stopped", "loader", "1, 2")
    loader = next(group for group in seen.groups if group.group == "loader")
    assert [part.pace for part in loader.partitions] == [Pace.CAUGHT_UP, Pace.STOPPED, Pace.STOPPED, Pace.CAUGHT_UP]
    assert loader.whole.records == 2400


def test_a_group_that_catches_up_says_when() -> None:
    made = Made(each=10)
    history = made.history(0)
    for second in range(0, 61, 5):
        behind = 12_000 - 100 * second
        committed = dict.fromkeys(range(4), 10 * second - behind + 20_000)
        seen = made.look(second)
        spans = {p: span._replace(end=span.end + 20_000) for p, span in seen.logs[Noun.ACTIVITY].items()}
        seen = replace(seen, logs={**seen.logs, Noun.ACTIVITY: spans})
        history.look(without(seen, "loader", committed))
        history.surroundings(START + second, made.around(second))
    shown = history.snapshot(START + 60)
    assert shown is not None
    loader = next(group for group in shown.groups if group.group == "loader")
    assert loader.whole.pace is Pace.CATCHING_UP
    assert loader.whole.seconds == pytest.approx(60.0)
    assert loader.whole.per_second == pytest.approx(4 * 110)


@pytest.mark.parametrize(("each", "expected"), [(5, []), (100, [("behind", "recorder")])])
def test_a_group_that_falls_behind_is_told_once_it_is_half_a_minute_of_work(
    each: int, expected: list[tuple[str, str]]
) -> None:
    made = Made(each=each)
    history = made.history(0)
    for second in range(0, 61, 5):
        history.look(without(made.look(second), "recorder", dict.fromkeys(range(4), each * second * 2 // 5)))
        history.surroundings(START + second, made.around(second))
    seen = history.snapshot(START + 60)
    assert seen is not None
    assert seen.groups[0].whole.pace is Pace.FALLING_BEHIND
    assert [(one.kind, one.values["group"]) for one in seen.findings] == expected


def test_what_retention_took_before_it_was_read_is_shouted() -> None:
    made = Made(each=10, behind=100)
    history = made.history(60)
    history.look(beginning_at(made.look(65), Noun.ACCEPTED, 600))
    history.surroundings(START + 65, made.around(65))
    seen = history.snapshot(START + 65)
    assert seen is not None
    assert [(finding.kind, finding.values["records"]) for finding in seen.findings] == [("lost", 4 * 50)]


def test_retention_that_comes_near_to_what_is_unread_is_told() -> None:
    made = Made(behind=100)
    history = made.history(300)
    around = made.around(300).but(unread_since={"loader": START - 6 * 86_400})
    history.surroundings(START + 300, around)
    seen = history.snapshot(START + 300)
    assert seen is not None
    loader = next(group for group in seen.groups if group.group == "loader")
    assert loader.margin_seconds == pytest.approx(86_400 - 300)
    assert ("warn", "retention") in [(finding.severity.value, finding.kind) for finding in seen.findings]


def test_an_app_is_last_seen_when_its_count_grew_and_before_that_in_its_last_hour() -> None:
    made = Made(apps=2)
    history = made.history(0)
    first = history.snapshot(START)
    assert first is not None
    assert [(row.seen_exactly, row.last_seen) for row in first.apps] == [(False, START)] * 2
    history.look(made.look(40))
    still = made.look(40)
    history.look(replace(still, at=START + 90))
    seen = history.snapshot(START + 90)
    assert seen is not None
    assert [(row.seen_exactly, row.last_seen) for row in seen.apps] == [(True, START + 40)] * 2


def test_an_app_at_its_quota_is_told() -> None:
    made = Made(apps=1, partitions=4, each=2600)
    seen = made.snapshot(60)
    (row,) = seen.apps
    assert row.quota == 10_000
    assert row.quota_used == pytest.approx(1.04, abs=0.01)
    assert ("quota", {"apps": "app-000", "count": 1}) in [(finding.kind, finding.values) for finding in seen.findings]


def test_numbers_that_are_old_are_not_shown_as_new_ones() -> None:
    made = Made()
    history = made.history(60)
    history.surroundings(START + 120, made.around(60).but(trouble="the broker is not available"))
    seen = history.snapshot(START + 120)
    assert seen is not None
    assert seen.at == START + 60
    assert "blind" in [finding.kind for finding in seen.findings]


def test_a_part_of_received_that_retention_took_still_counts() -> None:
    made = Made(each=10)
    assert beginning_at(made.look(60), Noun.RECEIVED, 100).received == made.look(60).received


def test_a_flow_comes_out_of_json_as_it_went_in() -> None:
    flow = Made(apps=5).look(50).recorder
    assert Flow.from_json(orjson.loads(orjson.dumps(flow.to_json()))) == flow


def test_a_verdict_without_balance_is_unknown() -> None:
    assert ("warn", "no_accountant") in kinds(Made(), verdict=Verdict())
