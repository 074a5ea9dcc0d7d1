"""Data 2.4.7 to 2.4.10: timestamp, stored, authority and version, which a record store sets or completes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conformance.lrs import Lrs
from tests.conformance.statements import changed, complete, inside, said, statement

NO_TIMESTAMPS = [
    "",
    "now",
    "2026-04-08",
    "2026-13-08T09:00:00Z",
    "2026-04-31T09:00:00Z",
    "2026-04-08T25:00:00Z",
    "2026-04-08T09:00:00-00",
    "2026-04-08T09:00:00-0000",
    "2026-04-08T09:00:00-00:00",
    "2026-04-08 09.00",
    "1775638800",
    "2026-04-08T09:00:00ZZ",
]


def agent(name: str = "a") -> dict[str, Any]:
    return {"objectType": "Agent", "mbox": f"mailto:{name}@example.jp"}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- 2.4.7: timestamp, and timestamps in general (4.5) ---


@pytest.mark.parametrize("timestamp", NO_TIMESTAMPS)
@pytest.mark.parametrize("path", ["timestamp", "stored"])
def test_what_is_no_timestamp_is_refused(lrs: Lrs, path: str, timestamp: str) -> None:
    assert lrs.refused(changed(complete(), path, timestamp)) == f"$.{path}"


@pytest.mark.parametrize("timestamp", NO_TIMESTAMPS[4:9])
def test_what_is_no_timestamp_is_refused_in_a_substatement(lrs: Lrs, timestamp: str) -> None:
    assert lrs.refused(inside(statement(timestamp=timestamp))) == "$.object.timestamp"


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-04-08T09:00:00Z",
        "2026-04-08T09:00:00.1Z",
        "2026-04-08T09:00:00.123456Z",
        "2026-04-08T18:00:00+09:00",
        "2026-04-07T23:00:00-10:00",
        "2026-04-08T09:00:00+00:00",
        "1999-12-31T23:59:59Z",
        "2099-04-08T09:00:00Z",
    ],
)
def test_a_timestamp_with_any_offset_and_of_any_time_comes_back_as_the_same_instant_in_utc(
    lrs: Lrs, timestamp: str
) -> None:
    returned = lrs.stored(statement(timestamp=timestamp))["timestamp"]
    assert moment(returned) == moment(timestamp)
    assert moment(returned).utcoffset() == moment("2026-01-01T00:00:00Z").utcoffset()


def test_without_a_timestamp_the_time_of_storing_counts(lrs: Lrs) -> None:
    found = lrs.stored(statement())
    assert found["timestamp"] == found["stored"]


# --- 2.4.8: stored ---


def test_stored_is_the_stores_own_time_to_the_millisecond(lrs: Lrs) -> None:
    before = datetime.now(UTC).timestamp()
    found = lrs.stored(statement(stored="2001-01-01T00:00:00Z"))["stored"]
    assert before - 0.001 <= moment(found).timestamp() <= datetime.now(UTC).timestamp()
    assert len(found.partition(".")[2].rstrip("Z")) >= 3


# --- 2.4.9: authority ---


def test_the_authority_is_set_from_the_credential(lrs: Lrs) -> None:
    without, given = (lrs.stored(one)["authority"] for one in (statement(), statement(authority=agent())))
    assert given == without
    assert without["objectType"] == "Agent"
    assert set(without["account"]) == {"homePage", "name"}


def test_an_authority_may_be_an_anonymous_group_of_two(lrs: Lrs) -> None:
    lrs.store(statement(authority={"objectType": "Group", "member": [agent("a"), agent("b")]}))


@pytest.mark.parametrize(
    "authority",
    [
        {"objectType": "Group", "mbox": "mailto:g@example.jp", "member": [agent("a"), agent("b")]},
        {"objectType": "Group", "mbox": "mailto:g@example.jp"},
        {"objectType": "Group", "member": [agent("a")]},
        {"objectType": "Group", "member": [agent("a"), agent("b"), agent("c")]},
        {"objectType": "Group", "member": []},
        {"objectType": "Activity", "id": "https://drill.example.jp/1"},
        {"objectType": "Agent"},
        "mailto:a@example.jp",
    ],
    ids=["identified", "identified, no members", "one", "three", "none", "Activity", "no identifier", "text"],
)
def test_another_authority_is_refused(lrs: Lrs, authority: object) -> None:
    assert lrs.refused(statement(authority=authority)).startswith("$.authority")


# --- 2.4.10: version ---


@pytest.mark.parametrize("version", ["1.0", "1.0.0", "1.0.3", "1.0.9", "2.0.0"])
def test_a_version_of_1_0_or_2_0_is_kept(lrs: Lrs, version: str) -> None:
    assert lrs.stored(statement(version=version))["version"] == version


@pytest.mark.parametrize("version", ["", "0.9.9", "1.1.0", "1", "2.1.0", "3.0.0", "v1.0.3", "latest", 1.0], ids=said)
def test_another_version_is_refused(lrs: Lrs, version: object) -> None:
    assert lrs.refused(statement(version=version)) == "$.version"


def test_a_statement_without_a_version_gets_that_of_the_request(lrs: Lrs) -> None:
    assert lrs.stored(statement())["version"] == ("2.0.0" if lrs.is_v2 else "1.0.0")
