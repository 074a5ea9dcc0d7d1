"""GET parameters and the `more` token."""

from __future__ import annotations

import contextlib
import json
import uuid
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.api.gateway.answers import HttpError
from lrs.api.gateway.cursors import read_cursor, write_cursor
from lrs.api.gateway.parameters import MOST_STATEMENTS, read_parameters
from lrs.store.archive import Cursor, StatementFilter

_ID = "6690e6c9-3ef0-4ed3-8b37-7f3964730bee"
_AGENT = {"account": {"homePage": "https://board.example.jp", "name": "u1"}}


def _read(**parameters: str) -> StatementFilter:
    return read_parameters(urlencode(parameters).encode()).filter


def test_no_parameters_ask_for_the_newest_page() -> None:
    assert read_parameters(b"").filter == StatementFilter(limit=MOST_STATEMENTS)


def test_every_filter_is_read() -> None:
    wanted = _read(
        agent=json.dumps(_AGENT),
        verb="http://adlnet.gov/expapi/verbs/answered",
        activity="https://drill.example.jp/items/1",
        registration=_ID.upper(),
        since="2026-04-01T09:00:00.123+09:00",
        until="2026-04-02T00:00:00Z",
        limit="7",
        ascending="true",
    )
    assert wanted == StatementFilter(
        verb="http://adlnet.gov/expapi/verbs/answered",
        activity="https://drill.example.jp/items/1",
        actor_key="account\x1fhttps://board.example.jp\x1fu1",
        registration=uuid.UUID(_ID).bytes,
        since_ms=1_775_001_600_123,
        until_ms=1_775_088_000_000,
        limit=7,
        ascending=True,
    )


@pytest.mark.parametrize(("given", "limit"), [("0", MOST_STATEMENTS), ("1", 1), ("999999999", MOST_STATEMENTS)])
def test_the_limit_is_the_servers_where_none_or_more_is_asked_for(given: str, limit: int) -> None:
    assert _read(limit=given).limit == limit


@pytest.mark.parametrize("name", ["statementId", "voidedStatementId"])
def test_an_id_goes_with_format_and_attachments(name: str) -> None:
    wanted = read_parameters(urlencode({name: _ID, "format": "exact", "attachments": "true"}).encode())
    assert uuid.UUID(_ID).bytes in {wanted.statement_id, wanted.voided_id}
    assert wanted.attachments


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        (b"foo=1", "foo"),
        (b"StatementId=" + _ID.encode(), "StatementId"),
        (b"statementid=" + _ID.encode(), "statementid"),
        (b"Limit=1", "Limit"),
        (b"limit=-1", "limit"),
        (b"limit=1.5", "limit"),
        (b"limit=", "limit"),
        (b"limit=1&limit=2", "limit"),
        (b"statementId=nonsense", "statementId"),
        (f"statementId={_ID}&voidedStatementId={_ID}".encode(), "statementId"),
        (f"statementId={_ID}&limit=1".encode(), "statementId"),
        (f"voidedStatementId={_ID}&ascending=true".encode(), "voidedStatementId"),
        (b"registration=1", "registration"),
        (b"verb=answered", "verb"),
        (b"activity=1", "activity"),
        (b"since=yesterday", "since"),
        (b"until=2026-04-01T00:00:00+09:00", "until"),  # the plus is a space
        (b"ascending=True", "ascending"),
        (b"attachments=yes", "attachments"),
        (b"format=full", "format"),
        (b"agent=", "agent"),
        (b"agent=%7B%7D", "agent"),
        (b"agent=%7B", "agent"),
        (b'agent={"objectType":"Group","member":[{"mbox":"mailto:a@example.com"}]}', "agent"),
        (b'agent={"mbox":"nobody"}', "agent.mbox"),
        (b"verb=%FF", "query"),
        (b"verb=\xff", "query"),
        (b"&".join([b"limit=1"] * 60), "query"),
        (b"cursor=AAAA", "cursor"),
        (b"cursor=%E3%81%82", "cursor"),
        (b"cursor=AAAA&limit=1", "cursor"),
    ],
)
def test_a_parameter_that_breaks_a_rule_is_named(query: bytes, parameter: str) -> None:
    with pytest.raises(HttpError) as caught:
        read_parameters(query)
    assert (caught.value.status, caught.value.path) == (400, parameter)


_FILTERS = st.builds(
    StatementFilter,
    verb=st.none() | st.text(st.characters(codec="utf-8")),
    activity=st.none() | st.text(st.characters(codec="utf-8")),
    actor_key=st.none() | st.text(st.characters(codec="utf-8")),
    registration=st.none() | st.binary(min_size=16, max_size=16),
    since_ms=st.none() | st.integers(-(2**62), 2**62),
    until_ms=st.none() | st.integers(-(2**62), 2**62),
    limit=st.integers(1, MOST_STATEMENTS),
    ascending=st.booleans(),
)
_CURSORS = st.builds(Cursor, st.integers(0, 2**62), st.integers(0, 2**15), st.integers(0, 2**62))


@given(_FILTERS, _CURSORS, st.booleans())
def test_a_more_token_is_read_back_whole(wanted: StatementFilter, after: Cursor, attachments: bool) -> None:  # noqa: FBT001
    token = write_cursor(wanted, after, attachments=attachments)
    assert read_cursor(token) == (wanted._replace(after=after), attachments)
    assert read_parameters(urlencode({"cursor": token}).encode()).filter.after == after


@given(_FILTERS, _CURSORS, st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_more_token_is_refused(wanted: StatementFilter, after: Cursor, place: int, change: int) -> None:
    token = write_cursor(wanted, after, attachments=False)
    place %= len(token)
    other = token[:place] + chr(ord(token[place]) ^ change) + token[place + 1 :]
    with contextlib.suppress(HttpError):
        assert read_cursor(other) == read_cursor(token)  # bits of base64 that carry nothing
