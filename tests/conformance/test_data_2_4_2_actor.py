"""Data 2.4.2: Agents and Groups, wherever they stand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.conformance.lrs import Lrs
from tests.conformance.statements import changed, complete, inside, statement

IDENTIFIERS: dict[str, object] = {
    "mbox": "mailto:a@example.jp",
    "mbox_sha1sum": "1d0a1d35e6f8ff8d4b2f4b1d7d8f1a2b3c4d5e6f",
    "openid": "https://id.example.jp/a",
    "account": {"homePage": "https://board.example.jp", "name": "u1"},
}
WRONG: list[tuple[str, object]] = [
    ("mbox", "a@example.jp"),
    ("mbox", "mailto:should.fail.com"),
    ("mbox", "mailto:@example.jp"),
    ("mbox", "mailto:a@"),
    ("mbox", "mailto:a@example.jp,b@example.jp"),
    ("mbox", "https://example.jp/a@b"),
    ("mbox", ""),
    ("mbox_sha1sum", "1d0a1d35"),
    ("mbox_sha1sum", "z" * 40),
    ("mbox_sha1sum", "a" * 41),
    ("openid", "id.example.jp/a"),
    ("openid", "ab=c://id.example.jp"),
    ("account.homePage", "board.example.jp"),
    ("account.homePage", ""),
]
# Where an Agent may stand, and where a Group may.
AGENTS = ["actor", "object", "context.instructor", "authority", "context.team.member[0]"]
GROUPS = ["actor", "object", "context.instructor", "context.team"]


def agent(**identifiers: object) -> dict[str, object]:
    return {"objectType": "Agent", **identifiers}


def group(**properties: object) -> dict[str, object]:
    return {"objectType": "Group", **properties}


def placed(where: str, party: object) -> dict[str, Any]:
    """A statement with an Agent or a Group in a place; where it is the object, with no more than the least."""
    return statement(object=party) if where == "object" else changed(complete(), where, party)


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_an_agent_of_each_identifier_is_taken_everywhere(lrs: Lrs, name: str) -> None:
    sent = agent(name="A", **{name: IDENTIFIERS[name]})
    ids = dict(zip(AGENTS, lrs.store(*(placed(where, sent) for where in AGENTS)), strict=True))
    assert lrs.find(ids["actor"])["actor"] == sent
    assert lrs.find(ids["object"])["object"] == sent
    assert lrs.find(ids["context.instructor"])["context"]["instructor"] == sent


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_an_identified_group_is_taken_with_and_without_members(lrs: Lrs, name: str) -> None:
    members: list[dict[str, object]] = [{}, {"member": [agent(mbox="mailto:m@example.jp")]}, {"member": []}]
    groups = [group(**{name: IDENTIFIERS[name]}, **some) for some in members]
    lrs.store(*(placed(where, one) for where in GROUPS for one in groups))


@pytest.mark.parametrize("where", GROUPS)
def test_an_anonymous_group_is_taken_with_members(lrs: Lrs, where: str) -> None:
    lrs.store(placed(where, group(name="3-2", member=[agent(mbox="mailto:m@example.jp"), {"openid": "https://a.jp"}])))


@pytest.mark.parametrize("where", GROUPS)
def test_an_anonymous_group_without_members_is_refused(lrs: Lrs, where: str) -> None:
    assert lrs.refused(placed(where, group(name="3-2"))) == f"$.{where}.member"


@pytest.mark.parametrize(("path", "value"), WRONG)
@pytest.mark.parametrize("where", AGENTS)
def test_an_identifier_of_the_wrong_form_is_refused(lrs: Lrs, where: str, path: str, value: object) -> None:
    name, _, inner = path.partition(".")
    identifier = {"homePage": "https://a.jp", "name": "u", inner: value} if inner else value
    assert lrs.refused(placed(where, agent(**{name: identifier}))) == f"$.{where}.{path}"


@pytest.mark.parametrize("where", [*AGENTS, "group"])
def test_two_identifiers_are_refused(lrs: Lrs, where: str) -> None:
    for first, second in pairwise(IDENTIFIERS):
        two = {first: IDENTIFIERS[first], second: IDENTIFIERS[second]}
        sent = placed("actor", group(**two)) if where == "group" else placed(where, agent(**two))
        assert lrs.refused(sent) == ("$.actor" if where == "group" else f"$.{where}")


@pytest.mark.parametrize("where", AGENTS)
def test_an_agent_without_an_identifier_is_refused(lrs: Lrs, where: str) -> None:
    assert lrs.refused(placed(where, agent(name="A"))) == f"$.{where}"


@pytest.mark.parametrize("missing", ["homePage", "name"])
@pytest.mark.parametrize("where", AGENTS)
def test_an_account_without_homepage_or_name_is_refused(lrs: Lrs, where: str, missing: str) -> None:
    account = {"homePage": "https://board.example.jp", "name": "u1"}
    del account[missing]
    assert lrs.refused(placed(where, agent(account=account))) == f"$.{where}.account.{missing}"


@pytest.mark.parametrize("where", ["actor", "object", "context.instructor"])
def test_an_agent_with_members_is_refused(lrs: Lrs, where: str) -> None:
    sent = agent(mbox="mailto:a@example.jp", member=[agent(mbox="mailto:b@example.jp")])
    assert lrs.refused(placed(where, sent)) == f"$.{where}.member"


@pytest.mark.parametrize("where", GROUPS)
@pytest.mark.parametrize(
    "member",
    [group(mbox="mailto:g@example.jp"), agent(), {"name": "A"}, "mailto:a@example.jp", agent(mbox="a@example.jp")],
    ids=["group", "empty", "no identifier", "text", "no mailto"],
)
def test_a_member_of_a_group_is_a_valid_agent(lrs: Lrs, where: str, member: object) -> None:
    sent = placed(where, group(mbox="mailto:g@example.jp", member=[agent(mbox="mailto:b@example.jp"), member]))
    assert lrs.refused(sent).startswith(f"$.{where}.member[1]")


@pytest.mark.parametrize("where", AGENTS[:3])
def test_the_rules_of_agents_hold_in_a_substatement(lrs: Lrs, where: str) -> None:
    assert lrs.refused(inside(placed(where, agent(mbox="mailto:should.fail.com")))) == f"$.object.{where}.mbox"
    assert lrs.refused(inside(placed(where, agent()))) == f"$.object.{where}"


def test_an_actor_needs_no_objecttype_but_an_object_that_is_an_agent_does(lrs: Lrs) -> None:
    party = {"mbox": "mailto:a@example.jp"}
    assert lrs.stored(statement(actor=party))["actor"] == party
    assert lrs.refused(statement(object=party)).startswith("$.object")


@pytest.mark.parametrize("missing", ["objectType"])
def test_a_team_and_a_group_say_so(lrs: Lrs, missing: str) -> None:
    team = group(mbox="mailto:g@example.jp")
    del team[missing]
    assert lrs.refused(placed("context.team", team)).startswith("$.context.team")
    assert lrs.refused(statement(actor={"name": "3-2", "member": [agent(mbox="mailto:m@example.jp")]})).startswith(
        "$.actor"
    )


def test_a_team_is_no_agent(lrs: Lrs) -> None:
    assert lrs.refused(placed("context.team", agent(mbox="mailto:a@example.jp"))).startswith("$.context.team")
