"""What a statement is about, told from its bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lrs.kernel.statements import XapiVersion, read_statement
from lrs.kernel.statements.relations import (
    Kind,
    authority_key,
    authority_relations,
    joined,
    of_uuid,
    plain_relations,
    relation,
    separate,
)
from lrs.kernel.statements.uuids import uuid_bytes

_ID = "6690e6c9-3ef0-4ed3-8b37-7f3964730bee"
_VERB = "http://adlnet.gov/expapi/verbs/answered"
_ITEM = "https://drill.example.jp/items/1"


def _agent(name: str) -> dict[str, Any]:
    return {"mbox": f"mailto:{name}@Example.jp"}


def _key(name: str) -> str:
    return f"mbox\x1fmailto:{name}@example.jp"


def _statement(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
    return {"actor": _agent("ann"), "verb": {"id": _VERB}, "object": {"id": _ITEM}, **changes}


def _relations(version: XapiVersion = XapiVersion.V2, **changes: Any) -> set[bytes]:  # noqa: ANN401 - any property
    keys = separate(read_statement(json.dumps(_statement(**changes)).encode(), version).relations)
    assert len(keys) == len(set(keys))
    return set(keys)


_PLAIN = {relation(Kind.AGENT, _key("ann")), relation(Kind.VERB, _VERB), relation(Kind.ACTIVITY, _ITEM)}


def test_the_plain_properties_are_what_the_columns_tell() -> None:
    registration = uuid_bytes(_ID)
    assert _relations(context={"registration": _ID.upper()}) == {*_PLAIN, of_uuid(registration or b"")}
    assert set(separate(plain_relations(_key("ann"), _VERB, _ITEM, registration))) == {
        *_PLAIN,
        of_uuid(registration or b""),
    }
    assert separate(plain_relations("", _VERB, "", None)) == [relation(Kind.VERB, _VERB)]


def test_an_instructor_that_is_also_the_actor_has_both_keys() -> None:
    assert _relations(context={"instructor": _agent("ann")}) == {*_PLAIN, relation(Kind.RELATED_AGENT, _key("ann"))}


@pytest.mark.parametrize(
    "context",
    [
        {"instructor": _agent("ben")},
        {"team": {"objectType": "Group", "member": [_agent("ben")]}},
        {"team": {"objectType": "Group", **_agent("ben")}},
        {"contextAgents": [{"objectType": "contextAgent", "agent": _agent("ben")}]},
        {
            "contextGroups": [
                {"objectType": "contextGroup", "group": {"objectType": "Group", "member": [_agent("ben")]}}
            ]
        },
    ],
)
def test_agents_of_a_context_are_related(context: dict[str, Any]) -> None:
    assert _relations(context=context) == {*_PLAIN, relation(Kind.RELATED_AGENT, _key("ben"))}


def test_all_of_a_substatement_is_related_but_its_verb_and_registration() -> None:
    inner = _statement(
        objectType="SubStatement",
        actor=_agent("ben"),
        verb={"id": "https://example.jp/other"},
        context={
            "registration": _ID,
            "instructor": _agent("cid"),
            "contextActivities": {"parent": {"id": "https://p.jp"}},
        },
    )
    assert _relations(object=inner) == {
        relation(Kind.AGENT, _key("ann")),
        relation(Kind.VERB, _VERB),
        relation(Kind.RELATED_AGENT, _key("ben")),
        relation(Kind.RELATED_AGENT, _key("cid")),
        relation(Kind.RELATED_ACTIVITY, _ITEM),
        relation(Kind.RELATED_ACTIVITY, "https://p.jp"),
    }


def test_members_of_the_actor_count_as_agents() -> None:
    group = {"objectType": "Group", **_agent("team"), "member": [_agent("ann"), _agent("ben")]}
    assert _relations(actor=group) == {*_PLAIN, *(relation(Kind.AGENT, _key(name)) for name in ("team", "ben"))}


def test_an_authority_is_related_and_one_that_is_missing_is_its_app() -> None:
    authority = json.dumps(_agent("app")).encode()
    assert separate(authority_relations(authority, "drill")) == [
        authority_key(authority),
        relation(Kind.RELATED_AGENT, _key("app")),
    ]
    for missing in (None, b""):
        assert authority_relations(missing, "drill") == relation(Kind.APP, "drill")
    for broken in (b"{", b"\xff", b'{"mbox":1}'):
        assert authority_relations(broken, "drill") == authority_key(broken) + relation(Kind.APP, "drill")
    person = json.dumps({"objectType": "Group", "member": [_agent("app"), _agent("ann")]}).encode()
    assert authority_relations(person, "drill") == joined(
        [authority_key(person), *(relation(Kind.RELATED_AGENT, _key(name)) for name in ("app", "ann"))]
    )


def test_definitions_are_those_of_the_object_the_context_and_the_substatement() -> None:
    def activity(number: int) -> dict[str, Any]:
        return {"id": f"https://e.jp/{number}", "definition": {"name": {"ja": str(number)}}}

    context = {"contextActivities": {"parent": activity(2), "other": [activity(3), {"id": "https://e.jp/4"}]}}
    inner = _statement(objectType="SubStatement", object=activity(1), context=context)
    for changes in ({"object": activity(1), "context": context}, {"object": inner}):
        found = read_statement(json.dumps(_statement(**changes)).encode(), XapiVersion.V1).definitions
        assert [(one.activity_id, json.loads(one.content)) for one in found] == [
            (f"https://e.jp/{number}", {"name": {"ja": str(number)}}) for number in (1, 2, 3)
        ]
