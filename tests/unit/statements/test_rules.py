"""One broken rule each: the path names the place, the rule its section."""

from __future__ import annotations

from typing import Any

import pytest

from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.statements import XapiVersion, read_statement
from tests.unit.statements.examples import (
    ACTIVITY,
    AGENT,
    ATTACHMENT,
    DRILL,
    GONE,
    GROUP,
    REFERENCE,
    SUB_STATEMENT,
    VOIDED,
    about,
    changed,
    raw,
)

IRI = "https://example.jp/x"
SIGNATURE = "http://adlnet.gov/expapi/attachments/signature"

BROKEN: list[tuple[str, Any, str]] = [
    # Formatting, Data 2.2: names, types, null
    ("Id", "x", "$.Id"),
    ("actr", {}, "$.actr"),
    ("verb/Display", {}, "$.verb.Display"),
    ("object/definition/extension", {}, "$.object.definition.extension"),
    ("object/definition/key-with-dash", 1, "$.object.definition['key-with-dash']"),
    ("result/score/Scaled", 0.5, "$.result.score.Scaled"),
    ("actor/account/foo", "bar", "$.actor.account.foo"),
    ("actor", GONE, "$.actor"),
    ("verb", GONE, "$.verb"),
    ("object", GONE, "$.object"),
    ("verb/id", GONE, "$.verb.id"),
    ("object/id", GONE, "$.object.id"),
    ("actor", None, "$.actor"),
    ("actor", "me", "$.actor"),
    ("actor", [], "$.actor"),
    ("verb", None, "$.verb"),
    ("verb/id", None, "$.verb.id"),
    ("object", None, "$.object"),
    ("object", 3, "$.object"),
    ("object/definition", None, "$.object.definition"),
    ("result", None, "$.result"),
    ("result", [], "$.result"),
    ("context", None, "$.context"),
    ("context/platform", None, "$.context.platform"),
    ("context/extensions", None, "$.context.extensions"),
    ("timestamp", None, "$.timestamp"),
    ("attachments", None, "$.attachments"),
    ("result/success", "true", "$.result.success"),
    ("result/success", 1, "$.result.success"),
    ("result/completion", "false", "$.result.completion"),
    ("result/response", 36, "$.result.response"),
    ("result/score/raw", "10", "$.result.score.raw"),
    ("result/score/raw", True, "$.result.score.raw"),
    ("timestamp", 1778548530123, "$.timestamp"),
    # Id, Data 2.4.1
    ("id", "", "$.id"),
    ("id", "0190c9b2-7f51-7c3a-8d0e-5b1f5a6c7d8eF", "$.id"),
    ("id", "M190c9b2-7f51-7c3a-8d0e-5b1f5a6c7d8e", "$.id"),
    ("id", "0190c9b27f517c3a8d0e5b1f5a6c7d8e", "$.id"),
    ("id", "{0190c9b2-7f51-7c3a-8d0e-5b1f5a6c7d8e}", "$.id"),
    ("id", "0190c9b2-7f51-7c3a-8d0e-5b1f5a6c7d8\uff11", "$.id"),
    # Agents and Groups, Data 2.4.2
    ("actor/objectType", "agent", "$.actor.objectType"),
    ("actor/objectType", "Activity", "$.actor.objectType"),
    ("actor/account", GONE, "$.actor"),
    ("actor/mbox", "mailto:a@example.jp", "$.actor"),
    ("actor", {}, "$.actor"),
    ("actor", {"name": "only a name"}, "$.actor"),
    ("actor", {"mbox": "mailto:should.fail.com"}, "$.actor.mbox"),
    ("actor", {"mbox": "a@example.jp"}, "$.actor.mbox"),
    ("actor", {"mbox": "mailto:"}, "$.actor.mbox"),
    ("actor", {"mbox": "mailto:a@b@example.jp"}, "$.actor.mbox"),
    ("actor", {"mbox": "mailto:a b@example.jp"}, "$.actor.mbox"),
    ("actor", {"mbox": "mailto:a@example..jp"}, "$.actor.mbox"),
    ("actor", {"mbox": "mailto:a@example.jp?subject=x"}, "$.actor.mbox"),
    ("actor", {"mbox": ["mailto:a@example.jp"]}, "$.actor.mbox"),
    ("actor", {"mbox_sha1sum": "abc"}, "$.actor.mbox_sha1sum"),
    ("actor", {"mbox_sha1sum": "g" * 40}, "$.actor.mbox_sha1sum"),
    ("actor", {"openid": "openid.example.jp/1"}, "$.actor.openid"),
    ("actor/account/homePage", "portal.example.jp", "$.actor.account.homePage"),
    ("actor/account/homePage", "https://portal.example.jp ", "$.actor.account.homePage"),
    ("actor/account/homePage", GONE, "$.actor.account.homePage"),
    ("actor/account/name", GONE, "$.actor.account.name"),
    ("actor/account/name", 7, "$.actor.account.name"),
    ("actor/member", [AGENT], "$.actor.member"),
    ("actor", {**AGENT, "objectType": "Group", "openid": IRI}, "$.actor"),
    ("actor", {"objectType": "Group"}, "$.actor.member"),
    ("actor", {"objectType": "Group", "name": "5-2"}, "$.actor.member"),
    ("actor", {"objectType": "Group", "member": [GROUP]}, "$.actor.member[0].objectType"),
    ("actor", {"objectType": "Group", "member": [AGENT, {"name": "x"}]}, "$.actor.member[1]"),
    ("actor", {"objectType": "Group", "member": [{**AGENT, "member": []}]}, "$.actor.member[0].member"),
    ("actor", {"objectType": "Group", "member": AGENT}, "$.actor.member"),
    # Verb, Data 2.4.3
    ("verb/id", "answered", "$.verb.id"),
    ("verb/id", "ab=c://should.fail.com", "$.verb.id"),
    ("verb/id", "", "$.verb.id"),
    ("verb/id", "http:", "$.verb.id"),
    ("verb/id", "https://example.jp/a b", "$.verb.id"),
    ("verb/id", "https://example.jp/<x>", "$.verb.id"),
    ("verb/id", "https://example.jp/100%", "$.verb.id"),
    ("verb/display", "answered", "$.verb.display"),
    ("verb/display", {"en": None}, "$.verb.display.en"),
    ("verb/display", {"en": "a", "ja-JP": 1}, "$.verb.display['ja-JP']"),
    ("verb/display", {"something": "x"}, "$.verb.display.something"),
    ("verb/display", {"ja_JP": "x"}, "$.verb.display.ja_JP"),
    ("verb/display", {"": "x"}, "$.verb.display['']"),
    # Object: Activity, Data 2.4.4.1
    ("object/id", "items/1", "$.object.id"),
    ("object/objectType", "activity", "$.object.objectType"),
    ("object/objectType", "Person", "$.object.objectType"),
    ("object/objectType", 1, "$.object.objectType"),
    ("object/mbox", "mailto:a@example.jp", "$.object.mbox"),
    ("object/definition/type", "question", "$.object.definition.type"),
    ("object/definition/moreInfo", "more", "$.object.definition.moreInfo"),
    ("object/definition/name", "text", "$.object.definition.name"),
    ("object/definition/name", {"a12345678": "x"}, "$.object.definition.name.a12345678"),
    (
        "object/definition/description",
        {"zh-z-aaa-z-bbb-c-ccc": "x"},
        "$.object.definition.description['zh-z-aaa-z-bbb-c-ccc']",
    ),
    ("object/definition/interactionType", "Numeric", "$.object.definition.interactionType"),
    ("object/definition/interactionType", GONE, "$.object.definition.interactionType"),
    ("object/definition", {"choices": []}, "$.object.definition.interactionType"),
    ("object/definition", {"scale": []}, "$.object.definition.interactionType"),
    ("object/definition", {"source": []}, "$.object.definition.interactionType"),
    ("object/definition", {"target": []}, "$.object.definition.interactionType"),
    ("object/definition", {"steps": []}, "$.object.definition.interactionType"),
    ("object/definition/correctResponsesPattern", "3.6", "$.object.definition.correctResponsesPattern"),
    ("object/definition/correctResponsesPattern", [3.6], "$.object.definition.correctResponsesPattern[0]"),
    ("object/definition/choices", [{"description": {}}], "$.object.definition.choices[0].id"),
    ("object/definition/choices", [{"id": "a"}, {"id": "a"}], "$.object.definition.choices[1].id"),
    ("object/definition/choices", [{"id": 1}], "$.object.definition.choices[0].id"),
    ("object/definition/scale", [{"id": "a", "description": {"x": "y"}}], "$.object.definition.scale[0].description.x"),
    ("object/definition/extensions", {"should fail": 1}, "$.object.definition.extensions['should fail']"),
    ("object/definition/extensions", [], "$.object.definition.extensions"),
    # Result, Data 2.4.5
    ("result/score/scaled", 1.01, "$.result.score.scaled"),
    ("result/score/scaled", -1.01, "$.result.score.scaled"),
    ("result/score/raw", 10.5, "$.result.score.raw"),
    ("result/score/raw", -1, "$.result.score.raw"),
    ("result/score", {"min": 3, "max": 3}, "$.result.score.min"),
    ("result/score", {"min": 4, "max": 3, "raw": 3.5}, "$.result.score.min"),
    ("result/score", {"raw": 1, "min": 2}, "$.result.score.raw"),
    ("result/score", {"raw": 3, "max": 2}, "$.result.score.raw"),
    ("result/score", 1, "$.result.score"),
    ("result/duration", "PA1H0M0S", "$.result.duration"),
    ("result/duration", "P4W1D", "$.result.duration"),
    ("result/duration", "12.3", "$.result.duration"),
    ("result/duration", "", "$.result.duration"),
    ("result/extensions", {"code": 1}, "$.result.extensions.code"),
    # Context, Data 2.4.6
    ("context/registration", "1", "$.context.registration"),
    ("context/language", "japanese language", "$.context.language"),
    ("context/revision", 2, "$.context.revision"),
    ("context/instructor", {}, "$.context.instructor"),
    ("context/instructor", {"mbox": "x"}, "$.context.instructor.mbox"),
    ("context/team", AGENT, "$.context.team.objectType"),
    ("context/team", {"mbox": "mailto:a@example.jp"}, "$.context.team.objectType"),
    ("context/team", {"objectType": "Group"}, "$.context.team.member"),
    ("context/statement", {"id": REFERENCE["id"]}, "$.context.statement.objectType"),
    ("context/statement", {**REFERENCE, "id": "1"}, "$.context.statement.id"),
    ("context/statement", {**REFERENCE, "objectType": "Activity"}, "$.context.statement.objectType"),
    ("context/contextActivities", [], "$.context.contextActivities"),
    ("context/contextActivities/Parent", [], "$.context.contextActivities.Parent"),
    ("context/contextActivities/extensions", {}, "$.context.contextActivities.extensions"),
    ("context/contextActivities/parent", "x", "$.context.contextActivities.parent"),
    ("context/contextActivities/parent", {"id": "x"}, "$.context.contextActivities.parent.id"),
    ("context/contextActivities/other", [ACTIVITY, {"id": "x"}], "$.context.contextActivities.other[1].id"),
    ("context/contextActivities/category", [AGENT], "$.context.contextActivities.category[0].objectType"),
    ("context/extensions", {"x": {}}, "$.context.extensions.x"),
    # Timestamps, Data 2.4.7 and 4.5
    ("timestamp", "01/011/2015", "$.timestamp"),
    ("timestamp", "2026-05-12", "$.timestamp"),
    ("timestamp", "2026-05-12T10:15:30.123-00", "$.timestamp"),
    ("timestamp", "2026-05-12T10:15:30.123-0000", "$.timestamp"),
    ("timestamp", "2026-05-12T10:15:30.123-00:00", "$.timestamp"),
    ("timestamp", "2026-02-30T10:15:30Z", "$.timestamp"),
    ("timestamp", "2026-05-12 10:15:30Z", "$.timestamp"),
    ("stored", "yesterday", "$.stored"),
    # Authority and version, Data 2.4.9 and 2.4.10
    ("authority", GROUP, "$.authority"),
    ("authority", {"objectType": "Group", "member": [AGENT]}, "$.authority.member"),
    ("authority", {"objectType": "Group", "member": [AGENT, AGENT, AGENT]}, "$.authority.member"),
    ("authority", {}, "$.authority"),
    ("authority", "me", "$.authority"),
    ("version", "0.9.9", "$.version"),
    ("version", "1.1.0", "$.version"),
    ("version", "1.0.", "$.version"),
    ("version", "2.1.0", "$.version"),
    ("version", 1.0, "$.version"),
    # Attachments, Data 2.4.11
    ("attachments", ATTACHMENT, "$.attachments"),
    ("attachments", [ATTACHMENT, {**ATTACHMENT, "usageType": "x"}], "$.attachments[1].usageType"),
    ("attachments", [{**ATTACHMENT, "display": {"x": "y"}}], "$.attachments[0].display.x"),
    ("attachments", [{**ATTACHMENT, "description": {"x": "y"}}], "$.attachments[0].description.x"),
    ("attachments", [{**ATTACHMENT, "contentType": "png"}], "$.attachments[0].contentType"),
    ("attachments", [{**ATTACHMENT, "length": "27"}], "$.attachments[0].length"),
    ("attachments", [{**ATTACHMENT, "length": 27.5}], "$.attachments[0].length"),
    ("attachments", [{**ATTACHMENT, "length": -1}], "$.attachments[0].length"),
    ("attachments", [{**ATTACHMENT, "sha2": "abc"}], "$.attachments[0].sha2"),
    ("attachments", [{**ATTACHMENT, "fileUrl": "file"}], "$.attachments[0].fileUrl"),
    ("attachments", [{**ATTACHMENT, "fileURL": IRI}], "$.attachments[0].fileURL"),
    ("attachments", [{**ATTACHMENT, "usageType": SIGNATURE}], "$.attachments[0].contentType"),
    ("attachments", [{k: v for k, v in ATTACHMENT.items() if k != "sha2"}], "$.attachments[0].sha2"),
]

BROKEN_ELSEWHERE: list[tuple[dict[str, Any], str]] = [
    # Other objects, Data 2.4.4.2 and 2.4.4.3
    (about({"objectType": "Agent"}), "$.object"),
    (about({"objectType": "Agent", "id": "https://example.jp/x"}), "$.object.id"),
    (about({"mbox": "mailto:a@example.jp"}), "$.object.mbox"),
    (about({"objectType": "Group", "member": [{}]}), "$.object.member[0]"),
    (about({"objectType": "StatementRef"}), "$.object.id"),
    (about({**REFERENCE, "id": "x"}), "$.object.id"),
    (about({**REFERENCE, "definition": {}}), "$.object.definition"),
    (about({"objectType": "statementRef", "id": REFERENCE["id"]}), "$.object.objectType"),
    (about(AGENT, context={"platform": "Drill"}), "$.context.platform"),
    (about(REFERENCE, context={"revision": "2"}), "$.context.revision"),
    (about(SUB_STATEMENT, context={"platform": "Drill"}), "$.context.platform"),
    (about(changed("id", REFERENCE["id"], SUB_STATEMENT)), "$.object.id"),
    (about(changed("stored", "2026-05-12T10:15:30Z", SUB_STATEMENT)), "$.object.stored"),
    (about(changed("version", "1.0.0", SUB_STATEMENT)), "$.object.version"),
    (about(changed("authority", AGENT, SUB_STATEMENT)), "$.object.authority"),
    (about(changed("actor", {}, SUB_STATEMENT)), "$.object.actor"),
    (about(changed("verb", GONE, SUB_STATEMENT)), "$.object.verb"),
    (about(changed("object", SUB_STATEMENT, SUB_STATEMENT)), "$.object.object.objectType"),
    (about(changed("object/objectType", "activity", SUB_STATEMENT)), "$.object.object.objectType"),
    (about(changed("object", {"objectType": "Agent"}, SUB_STATEMENT)), "$.object.object"),
    (about(changed("timestamp", "x", SUB_STATEMENT)), "$.object.timestamp"),
    (about(changed("result/score/scaled", 2, SUB_STATEMENT)), "$.object.result.score.scaled"),
    (about(changed("context/team", AGENT, SUB_STATEMENT)), "$.object.context.team.objectType"),
    (about(changed("attachments", [{}], SUB_STATEMENT)), "$.object.attachments[0].usageType"),
    (
        about(changed("context/platform", "x", changed("object", AGENT, SUB_STATEMENT))),
        "$.object.context.platform",
    ),
    # Voiding, Data 2.3.2
    (changed("verb/id", VOIDED), "$.object.objectType"),
    (changed("verb/id", VOIDED, about(AGENT)), "$.object.objectType"),
    # xAPI 2.0, 4.2.2.5, is no part of 1.0.3
    (changed("context/contextAgents", []), "$.context.contextAgents"),
    (changed("context/contextGroups", []), "$.context.contextGroups"),
]

_CONTEXT_AGENT = {"objectType": "contextAgent", "agent": AGENT}
_CONTEXT_GROUP = {"objectType": "contextGroup", "group": GROUP}
BROKEN_IN_2: list[tuple[str, Any, str]] = [
    ("contextAgents", _CONTEXT_AGENT, "$.context.contextAgents"),
    ("contextAgents", [{"agent": AGENT}], "$.context.contextAgents[0].objectType"),
    ("contextAgents", [{**_CONTEXT_AGENT, "objectType": "contextagent"}], "$.context.contextAgents[0].objectType"),
    ("contextAgents", [{**_CONTEXT_AGENT, "agent": {}}], "$.context.contextAgents[0].agent"),
    ("contextAgents", [{**_CONTEXT_AGENT, "agent": GROUP}], "$.context.contextAgents[0].agent.objectType"),
    ("contextAgents", [{**_CONTEXT_AGENT, "relevantTypes": []}], "$.context.contextAgents[0].relevantTypes"),
    ("contextAgents", [{**_CONTEXT_AGENT, "relevantTypes": ["x"]}], "$.context.contextAgents[0].relevantTypes[0]"),
    ("contextGroups", [{**_CONTEXT_GROUP, "objectType": "Group"}], "$.context.contextGroups[0].objectType"),
    ("contextGroups", [{**_CONTEXT_GROUP, "group": AGENT}], "$.context.contextGroups[0].group.objectType"),
    ("contextGroups", [{**_CONTEXT_GROUP, "relevantTypes": [1]}], "$.context.contextGroups[0].relevantTypes[0]"),
    ("contextGroups", [{**_CONTEXT_GROUP, "agent": AGENT}], "$.context.contextGroups[0].agent"),
]


def refusal(statement: object, version: XapiVersion) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read_statement(raw(statement), version)
    return caught.value


@pytest.mark.parametrize("version", XapiVersion)
@pytest.mark.parametrize(("place", "value", "path"), BROKEN)
def test_a_broken_rule_is_refused_at_its_path(place: str, value: object, path: str, version: XapiVersion) -> None:
    error = refusal(changed(place, value), version)
    assert error.path == path
    assert error.reason == Refusal.INVALID
    assert "(xAPI 1.0.3 Data " in error.rule


@pytest.mark.parametrize(("statement", "path"), BROKEN_ELSEWHERE)
def test_a_broken_rule_of_another_kind_of_statement_is_refused_at_its_path(statement: object, path: str) -> None:
    error = refusal(statement, XapiVersion.V1)
    assert (error.path, error.reason) == (path, Refusal.INVALID)


@pytest.mark.parametrize(("place", "value", "path"), BROKEN_IN_2)
def test_a_broken_rule_of_version_2_is_refused_at_its_path(place: str, value: object, path: str) -> None:
    error = refusal(changed(f"context/{place}", value), XapiVersion.V2)
    assert error.path == path
    nested = refusal(about(changed(f"context/{place}", value, SUB_STATEMENT)), XapiVersion.V2)
    assert nested.path == path.replace("$", "$.object", 1)


@pytest.mark.parametrize(("place", "value", "path"), [row for row in BROKEN if not row[2].startswith(("$.id", "$.Id"))])
def test_a_sub_statement_obeys_the_same_rules(place: str, value: object, path: str) -> None:
    inner = {"objectType": "SubStatement"} | {key: value for key, value in DRILL.items() if key != "id"}
    error = refusal(about(changed(place, value, inner)), XapiVersion.V1)
    assert error.path == path.replace("$", "$.object", 1) or error.path.split(".")[2] in {
        "stored",
        "authority",
        "version",
    }


def test_a_rule_is_one_sentence_with_its_source() -> None:
    error = refusal(changed("result/score/scaled", 2), XapiVersion.V1)
    assert error.rule == "scaled is between -1 and 1 (xAPI 1.0.3 Data 2.4.5.1)"
    assert str(error) == "$.result.score.scaled: scaled is between -1 and 1 (xAPI 1.0.3 Data 2.4.5.1)"


def test_a_wrong_type_names_both_types() -> None:
    error = refusal(changed("result/success", "true"), XapiVersion.V1)
    assert error.rule == "must be true or false, not a string (xAPI 1.0.3 Data 2.4.5)"


def test_a_refusal_is_the_same_when_the_part_is_seen_again() -> None:
    first = refusal(changed("verb/id", "x"), XapiVersion.V1)
    again = refusal(changed("verb/id", "x"), XapiVersion.V1)
    assert str(first) == str(again)


def test_a_path_can_begin_anywhere() -> None:
    with pytest.raises(RefusedError) as caught:
        read_statement(raw(changed("actor/mbox", 1)), XapiVersion.V1, path="$[3]")
    assert caught.value.path == "$[3].actor.mbox"
