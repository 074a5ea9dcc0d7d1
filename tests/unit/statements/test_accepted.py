"""What the standard allows is accepted, however unusual, and read for what it is."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from lrs.kernel.statements import XapiVersion, read_statement
from tests.unit.statements.examples import (
    ACTIVITY,
    AGENT,
    ATTACHMENT,
    DRILL,
    GONE,
    GROUP,
    ID,
    OTHER_ID,
    REFERENCE,
    SUB_STATEMENT,
    VOIDED,
    about,
    changed,
    raw,
)

IRI = "https://example.jp/x"
ALLOWED: list[tuple[str, Any]] = [
    ("id", GONE),
    ("id", ID.upper()),
    ("id", "00000000-0000-0000-0000-000000000000"),
    ("actor", {"mbox": "mailto:児童+5-2@例え.jp"}),
    ("actor", {"mbox": "mailto:a.b!#$%&'*+/=^_`{|}~-@localhost"}),
    ("actor", {"mbox_sha1sum": "EBD31E95054c018b10727ccffd2ef2ec3a016ee9"}),
    ("actor", {"openid": "http://openid.example.jp/12345"}),
    ("actor", {"name": "", "account": {"homePage": "urn:x:y", "name": ""}}),
    ("actor", {"objectType": "Group", "member": [AGENT, {"mbox_sha1sum": "a" * 40}]}),
    ("actor", {"objectType": "Group", "member": []}),
    ("actor", GROUP),
    ("actor", {**GROUP, "member": [AGENT]}),
    ("verb/id", "http://example.com/فعل/خواندن"),
    ("verb/id", "http://www.example.com/%E6%AD%A9/a?b=c#d"),
    ("verb/id", "tag:example.jp,2026:steps"),
    ("verb/display", {}),
    (
        "verb/display",
        {"cmn": "a", "tlh": "b", "sr-Latn-RS": "c", "es-MX": "d", "x-own": "e", "i-klingon": "f", "und": ""},
    ),
    ("verb/display", {"de-CH-1901-a-extend1-x-phonebk": "g", "zh-cmn-Hans-CN": "h", "es-419": "i", "JA-jp": "j"}),
    ("verb/display", GONE),
    ("object/objectType", GONE),
    ("object/definition", {}),
    ("object/definition", {"moreInfo": IRI, "type": IRI, "name": {}, "description": {"ja": ""}, "extensions": {}}),
    ("object/definition", {"interactionType": "other"}),
    (
        "object/definition",
        {"interactionType": "choice", "choices": [{"id": "a"}, {"id": "b", "description": {"ja": "い"}}]},
    ),
    ("object/definition", {"interactionType": "matching", "source": [{"id": "a"}], "target": [{"id": "a"}]}),
    ("object/definition", {"interactionType": "likert", "scale": [{"id": "0"}], "correctResponsesPattern": []}),
    ("object/definition/extensions", {IRI: None, "urn:a:b": "", "urn:a:c": {}, "urn:a:d": [None, {"a b": None}]}),
    ("result", {}),
    ("result", {"score": {}}),
    ("result/score", {"scaled": -1}),
    ("result/score", {"raw": -1e300, "max": 12.125}),
    ("result/score", {"raw": 0.12123434, "min": 0.12123434, "max": 0.12123435}),
    ("result/duration", "P4W"),
    ("result/duration", "P3Y1M29DT4H35M59.14S"),
    ("result/duration", "P1DT12H36M0.12567S"),
    ("result/duration", "PT0S"),
    ("result/duration", "PT1,5H"),
    ("result/response", ""),
    ("result/extensions", {IRI: [1, 2.5, True, None, {"x": {"y": []}}]}),
    ("context", {}),
    ("context/contextActivities", {}),
    (
        "context/contextActivities",
        {"parent": ACTIVITY, "grouping": [], "category": [ACTIVITY, ACTIVITY], "other": [ACTIVITY]},
    ),
    ("context/instructor", GROUP),
    ("context/instructor", AGENT),
    ("context/team", {"objectType": "Group", "member": [AGENT]}),
    ("context/statement", REFERENCE),
    ("context/revision", ""),
    ("timestamp", "2126-05-12T10:15:30Z"),
    ("timestamp", "2026-05-12T10:15:30"),
    ("timestamp", "2026-05-12T10:15Z"),
    ("timestamp", "20260512T101530,5+0900"),
    ("timestamp", "2026-05-12T10:15:30.123456789-11:30"),
    ("timestamp", "2008-09-15T15:53:00.601+00:00"),
    ("stored", "2013-05-18T05:32:34.804Z"),
    ("authority", AGENT),
    ("authority", {"objectType": "Group", "member": [AGENT, AGENT]}),
    ("version", "1.0"),
    ("version", "1.0.0"),
    ("version", "1.0.9"),
    ("version", "2.0.0"),
    ("attachments", []),
    ("attachments", [ATTACHMENT]),
    ("attachments", [{**ATTACHMENT, "fileUrl": IRI, "description": {}, "contentType": "text/plain; charset=utf-8"}]),
    (
        "attachments",
        [
            {
                **ATTACHMENT,
                "usageType": "http://adlnet.gov/expapi/attachments/signature",
                "contentType": "application/octet-stream",
            }
        ],
    ),
]


@pytest.mark.parametrize("version", XapiVersion)
@pytest.mark.parametrize(("place", "value"), ALLOWED)
def test_what_the_standard_allows_is_accepted(place: str, value: object, version: XapiVersion) -> None:
    statement = raw(changed(place, value))
    assert read_statement(statement, version).raw == statement


@pytest.mark.parametrize(
    ("place", "value"), [row for row in ALLOWED if row[0] not in {"id", "stored", "authority", "version"}]
)
def test_a_sub_statement_may_have_the_same(place: str, value: object) -> None:
    inner = {"objectType": "SubStatement"} | {name: part for name, part in DRILL.items() if name != "id"}
    assert read_statement(raw(about(changed(place, value, inner))), XapiVersion.V1).object_kind == "SubStatement"


def test_version_2_has_context_agents_and_groups() -> None:
    context = {
        "contextAgents": [
            {"objectType": "contextAgent", "agent": AGENT},
            {"objectType": "contextAgent", "agent": {"openid": IRI}, "relevantTypes": [IRI, IRI]},
        ],
        "contextGroups": [
            {"objectType": "contextGroup", "group": GROUP, "relevantTypes": [IRI]},
            {"objectType": "contextGroup", "group": {"objectType": "Group", "member": [AGENT]}},
        ],
    }
    read_statement(raw(changed("context", context)), XapiVersion.V2)
    read_statement(raw(about(changed("context", context, SUB_STATEMENT))), XapiVersion.V2)


def test_a_drill_answer_is_read_completely() -> None:
    statement = read_statement(raw(DRILL), XapiVersion.V1)
    assert statement.statement_id == uuid.UUID(ID).bytes
    assert statement.actor_key == "account\x1fhttps://portal.example.jp\x1f5f0c7d61-5b43-4e0b-9f9b-0d6a2c3d4e5f"
    assert statement.verb_id == "http://adlnet.gov/expapi/verbs/answered"
    assert (statement.object_kind, statement.activity_id) == ("Activity", "https://drill.example.jp/items/math/5/00123")
    assert (statement.target_id, statement.is_voiding) == (None, False)
    assert statement.registration == uuid.UUID(OTHER_ID).bytes
    assert statement.timestamp_ms == 1_778_548_530_123
    assert len(statement.digest) == 16


def test_what_is_absent_is_none_or_empty() -> None:
    statement = read_statement(raw(about(AGENT)), XapiVersion.V1)
    assert (statement.statement_id, statement.registration, statement.target_id) == (None, None, None)
    assert statement.timestamp_ms is None
    assert statement.activity_id == ""


@pytest.mark.parametrize(
    ("actor", "key"),
    [
        ({"mbox": "mailto:Taro@Example.JP"}, "mbox\x1fmailto:Taro@example.jp"),
        ({"mbox_sha1sum": "A" * 40}, "mbox_sha1sum\x1f" + "a" * 40),
        ({"openid": IRI}, f"openid\x1f{IRI}"),
        (GROUP, "account\x1fhttps://portal.example.jp\x1fclass-5-2"),
        ({"objectType": "Group", "member": [AGENT]}, ""),
    ],
)
def test_the_actor_key_is_the_identifier_in_canonical_form(actor: object, key: str) -> None:
    assert read_statement(raw(changed("actor", actor)), XapiVersion.V1).actor_key == key


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (AGENT, "Agent"),
        (GROUP, "Group"),
        (REFERENCE, "StatementRef"),
        (SUB_STATEMENT, "SubStatement"),
        (ACTIVITY, "Activity"),
    ],
)
def test_the_kind_of_the_object_is_told(target: dict[str, Any], kind: str) -> None:
    assert read_statement(raw(about(target)), XapiVersion.V1).object_kind == kind


def test_a_voiding_statement_names_its_target() -> None:
    statement = read_statement(raw(changed("verb/id", VOIDED, about(REFERENCE))), XapiVersion.V1)
    assert statement.is_voiding
    assert statement.target_id == uuid.UUID(OTHER_ID).bytes


def test_a_sub_statement_with_the_voided_verb_voids_nothing() -> None:
    inner = changed("verb/id", VOIDED, changed("object", REFERENCE, SUB_STATEMENT))
    statement = read_statement(raw(about(inner)), XapiVersion.V1)
    assert not statement.is_voiding
    assert statement.target_id is None


def test_the_bytes_are_kept_as_they_came() -> None:
    spaced = (
        b' \n{"verb" : {"id":"http:\\/\\/example.jp\\/x"}, "object":{"id":"urn:a:b"},"actor":{"mbox":"mailto:a@b.jp"}} '
    )
    statement = read_statement(spaced, XapiVersion.V1)
    assert statement.raw == spaced
    assert statement.verb_id == "http://example.jp/x"
