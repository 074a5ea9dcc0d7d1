"""Communication 2.1.3: the parameters of GET of statements, and the headers of what it answers."""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import parsedate_to_datetime

import pytest

from tests.conformance.lrs import Lrs, refusal
from tests.conformance.statements import VOIDED, complete, learner, new_id, statement

# --- parameters ---

# Part of a test's name, and so the same in every process.
ID = "6f0d7c3a-5a1e-4d53-9a51-0c8e1f6b2d47"
SINGLE = {"statementId": ID, "voidedStatementId": ID}
WRONG: list[dict[str, str]] = [
    {"nonsense": "1"},
    {"Agent": '{"mbox":"mailto:a@b.jp"}'},
    {"statementid": ID},
    {"StatementId": ID},
    {"related_Agents": "true"},
    {"relatedAgents": "true"},
    {"statementId": "1"},
    {"voidedStatementId": "1"},
    {"agent": "a"},
    {"agent": "{"},
    {"agent": '{"name":"a"}'},
    {"agent": '{"mbox":"should.fail.com"}'},
    {"agent": '{"mbox":"mailto:a@b.jp","openid":"https://a.jp"}'},
    {"agent": '{"objectType":"Group","member":[{"mbox":"mailto:a@b.jp"}]}'},
    {"verb": "answered"},
    {"activity": "items/1"},
    {"registration": "1"},
    {"related_activities": "yes"},
    {"related_agents": "1"},
    {"since": "yesterday"},
    {"since": "2026-04-08T09:00:00-00:00"},
    {"until": "2026-13-01T00:00:00Z"},
    {"limit": "-1"},
    {"limit": "ten"},
    {"limit": "1.5"},
    {"format": "all"},
    {"format": "Exact"},
    {"attachments": "yes"},
    {"ascending": "TRUE"},
]


@pytest.mark.parametrize("parameters", WRONG, ids=lambda one: "&".join(f"{key}={value}" for key, value in one.items()))
def test_a_parameter_that_is_unknown_or_malformed_is_refused_by_its_name(lrs: Lrs, parameters: dict[str, str]) -> None:
    [name] = parameters
    assert refusal(lrs.ask("GET", "statements", params=parameters))["path"].startswith(name)


@pytest.mark.parametrize("name", ["statementId", "limit", "verb", "agent"])
def test_a_parameter_given_twice_is_refused(lrs: Lrs, name: str) -> None:
    value = {"statementId": new_id(), "limit": "1", "verb": VOIDED, "agent": json.dumps(learner())}[name]
    assert refusal(lrs.ask("GET", "statements", params=[(name, value), (name, value)]))["path"] == name


@pytest.mark.parametrize("first", SINGLE)
@pytest.mark.parametrize(
    "other",
    [
        {"agent": json.dumps(learner())},
        {"verb": VOIDED},
        {"activity": "https://drill.example.jp/1"},
        {"registration": new_id()},
        {"related_activities": "true"},
        {"related_agents": "false"},
        {"since": "2026-04-08T09:00:00Z"},
        {"until": "2026-04-08T09:00:00Z"},
        {"limit": "1"},
        {"ascending": "true"},
    ],
    ids=lambda one: next(iter(one)),
)
def test_one_statement_is_asked_for_with_format_and_attachments_only(
    lrs: Lrs, first: str, other: dict[str, str]
) -> None:
    refusal(lrs.ask("GET", "statements", params={first: SINGLE[first], **other}))


def test_statementid_and_voidedstatementid_do_not_go_together(lrs: Lrs) -> None:
    refusal(lrs.ask("GET", "statements", params=SINGLE))


@pytest.mark.parametrize(
    "parameters", [{"format": one} for one in ("exact", "ids", "canonical")] + [{"attachments": "false"}]
)
def test_one_statement_is_returned_in_every_format(lrs: Lrs, parameters: dict[str, str]) -> None:
    sent = complete()
    lrs.store(sent)
    assert lrs.find(sent["id"], **parameters)["id"] == sent["id"]


# --- headers ---


def test_consistent_through_is_said_on_every_answer_and_covers_what_was_acknowledged(lrs: Lrs) -> None:
    found = lrs.stored(statement())
    for parameters in (
        {"statementId": found["id"]},
        {"statementId": new_id()},
        {"limit": "1"},
        {"nonsense": "1"},
        {"since": found["stored"]},
        {"statementId": found["id"], "attachments": "true"},
    ):
        answer = lrs.ask("GET", "statements", params=parameters)
        through = answer.headers["X-Experience-API-Consistent-Through"]
        assert datetime.fromisoformat(through) >= datetime.fromisoformat(found["stored"]), parameters


def test_a_single_statement_was_last_modified_when_it_was_stored(lrs: Lrs) -> None:
    found = lrs.stored(statement())
    answer = lrs.ask("GET", "statements", params={"statementId": found["id"]})
    stored = datetime.fromisoformat(found["stored"]).replace(microsecond=0)
    assert parsedate_to_datetime(answer.headers["Last-Modified"]) == stored
