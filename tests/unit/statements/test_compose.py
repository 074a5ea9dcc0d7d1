"""What GET returns: all that was sent, what the record store sets, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.statements import XapiVersion, compose, read_statement
from tests.unit.statements.examples import (
    ACTIVITY,
    AGENT,
    DRILL,
    GONE,
    ID,
    OTHER_ID,
    SUB_STATEMENT,
    about,
    changed,
    raw,
)

STORED = 1_778_548_531_007
AUTHORITY = {"objectType": "Agent", "account": {"homePage": "http://127.0.0.1:8080", "name": "drill"}}


def composed(body: bytes, version: str = "1.0.3") -> Any:  # noqa: ANN401 - any JSON
    key = bytes.fromhex(ID.replace("-", ""))
    text = compose(body, statement_id=key, stored_ms=STORED, authority=json.dumps(AUTHORITY).encode(), version=version)
    read_statement(text, XapiVersion.V2 if version.startswith("2") else XapiVersion.V1)
    return json.loads(text)


def test_what_was_sent_comes_back_with_what_the_store_sets() -> None:
    assert composed(raw(DRILL)) == DRILL | {
        "timestamp": "2026-05-12T01:15:30.123Z",
        "stored": "2026-05-12T01:15:31.007Z",
        "authority": AUTHORITY,
        "version": "1.0.0",
    }


def test_a_statement_without_id_and_timestamp_gets_them() -> None:
    statement = composed(raw(about(ACTIVITY)))
    assert statement["id"] == ID
    assert statement["timestamp"] == statement["stored"] == "2026-05-12T01:15:31.007Z"


def test_what_the_sender_said_of_stored_and_authority_is_overwritten() -> None:
    statement = composed(raw(about(ACTIVITY, stored="2001-01-01T00:00:00Z", authority=AGENT)))
    assert (statement["stored"], statement["authority"]) == ("2026-05-12T01:15:31.007Z", AUTHORITY)


@pytest.mark.parametrize(
    ("sent", "version", "returned"), [("1.0", "1.0.3", "1.0"), ("1.0.9", "2.0.0", "1.0.9"), ("2.0.0", "1.0.3", "2.0.0")]
)
def test_a_version_that_was_sent_is_kept(sent: str, version: str, returned: str) -> None:
    assert composed(raw(changed("version", sent)), version)["version"] == returned


def test_a_version_that_was_not_sent_is_the_requests() -> None:
    assert composed(raw(DRILL), "2.0.0")["version"] == "2.0.0"
    assert composed(raw(DRILL), "1.0.3")["version"] == "1.0.0"


def test_a_context_activity_alone_comes_back_in_a_list() -> None:
    activities = {"parent": ACTIVITY, "grouping": [ACTIVITY], "other": []}
    listed = {"parent": [ACTIVITY], "grouping": [ACTIVITY], "other": []}
    assert composed(raw(changed("context/contextActivities", activities)))["context"]["contextActivities"] == listed
    inner = changed("context/contextActivities", activities, SUB_STATEMENT)
    assert composed(raw(about(inner)))["object"]["context"]["contextActivities"] == listed
    escaped = raw(about(inner)).replace(b"SubStatement", b"Sub\\u0053tatement")
    assert composed(escaped)["object"]["context"]["contextActivities"] == listed


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ("2023-05-04T12:00:00-05:00", "2023-05-04T17:00:00Z"),
        ("2026-05-12T10:15:30.123456789+09:00", "2026-05-12T01:15:30.123456789Z"),
        ("2026-05-12T10:15:30.1Z", "2026-05-12T10:15:30.1Z"),
        ("2026-05-12T10:15:30+00:00", "2026-05-12T10:15:30+00:00"),
        ("2026-05-12T10:15:30", "2026-05-12T10:15:30Z"),
        ("20260512T101530,5+0900", "2026-05-12T01:15:30.5Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"),
        ("2026-05-12T24:00:00+09:00", "2026-05-12T15:00:00Z"),
        ("0900-01-01T00:00:00+00:30", "0899-12-31T23:30:00Z"),
        ("0001-01-01T00:00:00+09:00", "0001-01-01T00:00:00+09:00"),
    ],
)
def test_timestamps_come_back_in_utc(sent: str, returned: str) -> None:
    assert composed(raw(changed("timestamp", sent)))["timestamp"] == returned
    assert composed(raw(about(changed("timestamp", sent, SUB_STATEMENT))))["object"]["timestamp"] == returned


def test_numbers_and_durations_keep_their_digits() -> None:
    body = raw(changed("result/duration", "P1DT12H36M0.12567S")).replace(
        b'"raw": 10', b'"raw": 9.99999999999999999999E0'
    )
    key = bytes(16)
    text = compose(body, statement_id=key, stored_ms=STORED, authority=b"{}", version="1.0.3")
    assert b"9.99999999999999999999E0" in text
    assert b"P1DT12H36M0.12567S" in text


@given(
    st.text(),
    st.dictionaries(
        st.text("abc", min_size=1).map("urn:x:{}".format), st.text() | st.floats(allow_nan=False, allow_infinity=False)
    ),
)
def test_nothing_that_was_sent_is_lost(response: str, extensions: dict[str, Any]) -> None:
    statement = changed(
        "result/response", response, changed("context/extensions", extensions, changed("timestamp", GONE))
    )
    returned = composed(raw(changed("id", OTHER_ID, statement)))
    assert returned["result"] == statement["result"]
    assert returned["context"] == statement["context"]
    assert returned["object"] == statement["object"]
