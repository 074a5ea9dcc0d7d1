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
from lrs.api.gateway.cursors import MOST_STATEMENTS, Format, read_cursor, write_cursor
from lrs.api.gateway.parameters import Wanted, read_parameters
from lrs.kernel.statements.relations import Condition, about_activity, about_agent, of_registration, with_verb
from lrs.store.archive import Cursor, StatementFilter

_ID = "6690e6c9-3ef0-4ed3-8b37-7f3964730bee"
_AGENT = {"account": {"homePage": "https://board.example.jp", "name": "u1"}}
_KEY = "account\x1fhttps://board.example.jp\x1fu1"


def _app_of(key: str) -> str | None:
    return "drill" if key == _KEY else None


def _asked(query: bytes) -> Wanted:
    return read_parameters(query, _app_of)


def _read(**parameters: str) -> StatementFilter:
    return _asked(urlencode(parameters).encode()).filter


def test_no_parameters_ask_for_the_newest_page() -> None:
    assert _asked(b"").filter == StatementFilter(limit=MOST_STATEMENTS)


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
        (
            about_agent(_KEY, related=False),
            with_verb("http://adlnet.gov/expapi/verbs/answered"),
            about_activity("https://drill.example.jp/items/1", related=False),
            of_registration(uuid.UUID(_ID).bytes),
        ),
        since_ms=1_775_001_600_123,
        until_ms=1_775_088_000_000,
        limit=7,
        ascending=True,
    )


def test_related_widens_what_it_belongs_to_and_an_agent_may_be_an_apps_authority() -> None:
    agent, activity = json.dumps(_AGENT), "https://drill.example.jp/items/1"
    related = {"related_agents": "true", "related_activities": "true"}
    assert _read(agent=agent, **related).conditions == (about_agent(_KEY, related=True, app="drill"),)
    other = json.dumps({"mbox": "mailto:a@example.jp"})
    assert _read(agent=other, **related).conditions == (about_agent("mbox\x1fmailto:a@example.jp", related=True),)
    assert _read(activity=activity, **related).conditions == (about_activity(activity, related=True),)
    assert _read(agent=agent, related_agents="false").conditions == (about_agent(_KEY, related=False),)
    assert _read(**related).conditions == ()


@pytest.mark.parametrize(("given", "limit"), [("0", MOST_STATEMENTS), ("1", 1), ("999999999", MOST_STATEMENTS)])
def test_the_limit_is_the_servers_where_none_or_more_is_asked_for(given: str, limit: int) -> None:
    assert _read(limit=given).limit == limit


@pytest.mark.parametrize("name", ["statementId", "voidedStatementId"])
def test_an_id_goes_with_format_and_attachments(name: str) -> None:
    wanted = _asked(urlencode({name: _ID, "format": "ids", "attachments": "true"}).encode())
    assert wanted.format == "ids"
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
        (b"related_agents=1", "related_agents"),
        (b"related_activities=TRUE", "related_activities"),
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
        _asked(query)
    assert (caught.value.status, caught.value.path) == (400, parameter)


_CONDITIONS = st.builds(
    Condition, st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=3).map(tuple), st.booleans()
)
_FILTERS = st.builds(
    StatementFilter,
    conditions=st.lists(_CONDITIONS, max_size=4).map(tuple),
    since_ms=st.none() | st.integers(-(2**62), 2**62),
    until_ms=st.none() | st.integers(-(2**62), 2**62),
    limit=st.integers(1, MOST_STATEMENTS),
    ascending=st.booleans(),
    after=st.builds(Cursor, st.integers(0, 2**62), st.integers(0, 2**15), st.integers(0, 2**62)),
    app=st.none(),
    authority=st.none(),
)
_FORMATS: st.SearchStrategy[Format] = st.sampled_from(["exact", "ids", "canonical"])


@given(_FILTERS, _FORMATS, st.booleans())
def test_a_more_token_is_read_back_whole(wanted: StatementFilter, form: Format, attachments: bool) -> None:  # noqa: FBT001
    assert wanted.after is not None
    token = write_cursor(wanted._replace(after=None), wanted.after, format=form, attachments=attachments)
    assert read_cursor(token) == (wanted, form, attachments)
    assert _asked(urlencode({"cursor": token}).encode()) == Wanted(wanted, format=form, attachments=attachments)


def test_a_more_token_says_nothing_of_whose_statements_they_are() -> None:
    wanted, after = StatementFilter(app="drill", authority=b"{}"), Cursor(1, 2, 3)
    token = write_cursor(wanted, after, format="exact", attachments=False)
    assert read_cursor(token)[0] == StatementFilter(after=after)


@given(_FILTERS, st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_more_token_is_refused(wanted: StatementFilter, place: int, change: int) -> None:
    assert wanted.after is not None
    token = write_cursor(wanted, wanted.after, format="exact", attachments=False)
    place %= len(token)
    other = token[:place] + chr(ord(token[place]) ^ change) + token[place + 1 :]
    with contextlib.suppress(HttpError):
        assert read_cursor(other) == read_cursor(token)  # bits of base64 that carry nothing


@pytest.mark.parametrize(
    "wanted",
    [
        StatementFilter(limit=0),
        StatementFilter(limit=MOST_STATEMENTS + 1),
        StatementFilter((Condition((b"short",)),)),
        StatementFilter((Condition(()),)),
        StatementFilter((Condition((bytes(8),)),) * 5),
        StatementFilter((Condition((bytes(8),) * 4),)),
        StatementFilter(since_ms=2**63),
    ],
)
def test_a_more_token_holds_no_more_than_a_request_could_ask(wanted: StatementFilter) -> None:
    token = write_cursor(wanted, Cursor(1, 2, 3), format="exact", attachments=False)
    with pytest.raises(HttpError):
        read_cursor(token)


def test_a_more_token_is_short_however_long_the_filters_are() -> None:
    long = "https://drill.example.jp/" + "x" * 8000
    wanted = _read(agent=json.dumps(_AGENT), verb=long, activity=long, registration=_ID, related_activities="true")
    assert len(write_cursor(wanted, Cursor(1, 2, 3), format="canonical", attachments=True)) < 200
