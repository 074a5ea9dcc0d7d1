"""Data 2.2: how a statement is written, at its top level and in a SubStatement."""

from __future__ import annotations

import pytest

from tests.conformance.lrs import JSON, Lrs, refusal
from tests.conformance.statements import GONE, changed, complete, inside, said, statement

OBJECTS = [
    "actor",
    "actor.account",
    "verb",
    "object",
    "object.definition",
    "object.definition.choices[0]",
    "result",
    "result.score",
    "context",
    "context.instructor",
    "context.team",
    "context.team.member[0]",
    "context.contextActivities",
    "context.contextActivities.parent[0]",
    "context.statement",
    "attachments[0]",
]
# Where a value of each wrong JSON type is refused, and what type belongs there.
PROPERTIES = {
    "actor": "object",
    "actor.name": "string",
    "actor.account": "object",
    "actor.account.name": "string",
    "verb": "object",
    "verb.id": "string",
    "verb.display": "object",
    "verb.display.ja": "string",
    "object": "object",
    "object.id": "string",
    "object.definition": "object",
    "object.definition.name": "object",
    "object.definition.description.en": "string",
    "object.definition.type": "string",
    "object.definition.moreInfo": "string",
    "object.definition.interactionType": "string",
    "object.definition.correctResponsesPattern": "array",
    "object.definition.correctResponsesPattern[0]": "string",
    "object.definition.choices": "array",
    "object.definition.choices[0]": "object",
    "object.definition.choices[0].id": "string",
    "object.definition.extensions": "object",
    "result": "object",
    "result.score": "object",
    "result.score.scaled": "number",
    "result.score.raw": "number",
    "result.score.min": "number",
    "result.score.max": "number",
    "result.success": "boolean",
    "result.completion": "boolean",
    "result.response": "string",
    "result.duration": "string",
    "result.extensions": "object",
    "context": "object",
    "context.registration": "string",
    "context.instructor": "object",
    "context.instructor.mbox": "string",
    "context.team": "object",
    "context.team.member": "array",
    "context.team.member[0].openid": "string",
    "context.contextActivities": "object",
    "context.contextActivities.grouping[0]": "object",
    "context.revision": "string",
    "context.platform": "string",
    "context.language": "string",
    "context.statement": "object",
    "context.extensions": "object",
    "timestamp": "string",
    "attachments": "array",
    "attachments[0]": "object",
    "attachments[0].usageType": "string",
    "attachments[0].display": "object",
    "attachments[0].contentType": "string",
    "attachments[0].length": "number",
    "attachments[0].sha2": "string",
    "attachments[0].fileUrl": "string",
}
OF_TYPE: dict[str, list[object]] = {
    "object": [{"a": 1}],
    "array": [[1]],
    "string": ["1", "true", "null"],
    "number": [1],
    "boolean": [True],
}
IRIS = [
    "verb.id",
    "object.id",
    "object.definition.type",
    "object.definition.moreInfo",
    "actor.account.homePage",
    "context.team.member[0].openid",
    "context.contextActivities.category[0].id",
    "attachments[0].usageType",
    "attachments[0].fileUrl",
]


@pytest.mark.parametrize("nested", [False, True], ids=["statement", "SubStatement"])
@pytest.mark.parametrize("where", ["", *OBJECTS])
def test_a_property_that_the_standard_does_not_have_is_refused(lrs: Lrs, where: str, nested: bool) -> None:  # noqa: FBT001
    path = f"{where}.points".lstrip(".")
    assert _refused_path(lrs, path, 1, nested=nested) == f"$.{path}"


@pytest.mark.parametrize(
    "path", ["actor", "verb", "verb.id", "object.id", "result.score", "context.revision", "actor.account.homePage"]
)
def test_a_property_in_the_wrong_case_is_refused(lrs: Lrs, path: str) -> None:
    whole = complete()
    value: object = whole
    for one in path.split("."):
        assert isinstance(value, dict)
        value = value[one]
    above, _, name = path.rpartition(".")
    wrong = f"{above}.{name.capitalize() if name == name.lower() else name.lower()}".lstrip(".")
    assert lrs.refused(changed(changed(whole, path, GONE), wrong, value)) in {f"$.{wrong}", f"$.{path}"}


@pytest.mark.parametrize("nested", [False, True], ids=["statement", "SubStatement"])
@pytest.mark.parametrize("path", PROPERTIES)
def test_null_is_refused_outside_extensions(lrs: Lrs, path: str, nested: bool) -> None:  # noqa: FBT001
    assert _refused_path(lrs, path, None, nested=nested).startswith(f"$.{path}")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(path, value, id=f"{path}={said(value)}")
        for path, right in PROPERTIES.items()
        for wrong, values in OF_TYPE.items()
        if wrong != right
        for value in values[:1]
    ],
)
def test_a_value_of_another_type_is_refused_and_never_converted(lrs: Lrs, path: str, value: object) -> None:
    assert lrs.refused(changed(complete(), path, value)).startswith(f"$.{path}")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("result.success", "true"),
        ("result.completion", "false"),
        ("result.score.scaled", "0.5"),
        ("result.score.raw", "5"),
        ("attachments[0].length", "4"),
        ("attachments[0].length", 4.5),
    ],
)
def test_text_that_looks_like_a_value_of_the_right_type_is_refused(lrs: Lrs, path: str, value: object) -> None:
    assert lrs.refused(changed(complete(), path, value)) == f"$.{path}"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("actor.objectType", "agent"),
        ("actor.objectType", "Person"),
        ("object.objectType", "activity"),
        ("context.team.objectType", "group"),
        ("context.team.member[0].objectType", "Group"),
        ("context.statement.objectType", "statementRef"),
        ("context.statement.objectType", "StatementReference"),
        ("object.definition.interactionType", "Choice"),
        ("object.definition.interactionType", "true_false"),
    ],
)
@pytest.mark.parametrize("nested", [False, True], ids=["statement", "SubStatement"])
def test_a_value_of_a_closed_set_is_refused_in_another_case_or_outside_it(
    lrs: Lrs,
    path: str,
    value: str,
    nested: bool,  # noqa: FBT001
) -> None:
    assert _refused_path(lrs, path, value, nested=nested).startswith(f"$.{path.rpartition('.')[0]}")


@pytest.mark.parametrize(
    "value", ["drill/1", "//drill.example.jp/1", "drill.example.jp", "", ":1", "ab=c://x", "a b:c"]
)
@pytest.mark.parametrize("path", IRIS)
def test_an_iri_without_a_legal_scheme_is_refused(lrs: Lrs, path: str, value: str) -> None:
    assert lrs.refused(changed(complete(), path, value)) == f"$.{path}"


@pytest.mark.parametrize("path", IRIS)
def test_an_iri_of_any_legal_scheme_and_script_is_taken(lrs: Lrs, path: str) -> None:
    values = ("urn:uuid:7d6d2d7a-6d3c-4f6c-9e6a-0b2d5c8f1a11", "a+b-c.1:x", "https://例え.jp/教科/算数?年=5#頁")
    lrs.store(*(changed(complete(), path, value) for value in values))


@pytest.mark.parametrize("path", ["context.extensions", "result.extensions", "object.definition.extensions"])
def test_an_extension_key_without_a_scheme_is_refused(lrs: Lrs, path: str) -> None:
    assert lrs.refused(changed(complete(), path, {"seat": 1})).startswith(f"$.{path}")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"actor":}',
        b"'actor'",
        b"null",
        b"1",
        b'"text"',
        b"[[]]",
        b"[1]",
        b"NaN",
        b"\xff\xfe{",
        b'{"actor":{"name":"\xc3\x28"}}',
        b'{"id":"a","id":"b"}',
    ],
)
def test_what_is_no_json_object_or_array_of_them_is_refused(lrs: Lrs, body: bytes) -> None:
    answer = lrs.ask("POST", "statements", content=body, headers=JSON)
    assert (answer.status_code, set(answer.json()) >= {"error", "path", "rule"}) == (400, True)


@pytest.mark.parametrize("name", ["actor", "verb", "object"])
def test_a_statement_without_one_of_its_three_parts_is_refused(lrs: Lrs, name: str) -> None:
    assert lrs.refused(changed(statement(), name, GONE)) == f"$.{name}"
    assert lrs.refused(changed(inside(statement()), f"object.{name}", GONE)) == f"$.object.{name}"


def test_a_property_given_twice_is_refused(lrs: Lrs) -> None:
    actor = b'{"mbox":"mailto:a@example.jp","mbox":"mailto:a@example.jp"}'
    body = b'{"actor":' + actor + b',"verb":{"id":"v:1"},"object":{"id":"o:1"}}'
    assert refusal(lrs.ask("POST", "statements", content=body, headers=JSON))["path"] == "$.actor.mbox"


@pytest.mark.parametrize("nested", [False, True], ids=["statement", "SubStatement"])
def test_every_property_of_the_standard_is_taken_and_returned_as_sent(lrs: Lrs, nested: bool) -> None:  # noqa: FBT001
    sent = inside(complete()) if nested else complete()
    found = lrs.stored(sent)
    assert {name: found[name] for name in sent} == sent


def _refused_path(lrs: Lrs, path: str, value: object, *, nested: bool) -> str:
    """The path that the refusal names, seen from the statement or SubStatement that was changed."""
    whole = changed(complete(), path, value)
    refused = lrs.refused(inside(whole) if nested else whole)
    return refused.replace("$.object", "$", 1) if nested else refused
