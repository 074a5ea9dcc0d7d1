"""What becomes of one statement; the traps are those that Japanese drill logs are known for."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from lrs.kernel.pseudonyms import Pseudonyms, learner_key
from lrs.kernel.reasons import Withholding
from processors.reference_entries import Item, Learner, Views
from processors.vocabulary import VERBS
from tests.support.learning import (
    ADL,
    CODE,
    HOME,
    ITEM,
    NAME,
    ROOT_KEY,
    SALT,
    SCHOOL,
    STORED_MS,
    activity,
    statement,
    views,
    withheld,
)

KEY = learner_key(HOME, NAME)
OTHER_CODE = "8322203231200000"


def test_an_answer_becomes_an_activity_of_the_closed_list() -> None:
    keys = Pseudonyms(ROOT_KEY, "dashboards")
    body = statement(registration=None)
    body["context"] = {"registration": "0f0f0f0f-0000-4000-8000-00000000000a"}
    assert activity(body) == {
        "partition": 3,
        "offset": 7,
        "app": "drill",
        "stored_at_ms": STORED_MS,
        "statement_key": keys.statement_key(uuid.UUID(body["id"]).bytes),
        "pseudonym": keys.pseudonym(2026, SALT, KEY),
        "registration_key": keys.registration_key(2026, "0f0f0f0f-0000-4000-8000-00000000000a"),
        "key_epoch": 2026,
        "occurred_at_ms": 1_777_627_800_000,
        "verb": "answered",
        "role": "answer",
        "activity_key": keys.activity_key(ITEM),
        "activity_id": ITEM,
        "curriculum_code": CODE,
        "subject": "算数",
        "grade": 6,
        "school_code": SCHOOL,
        "score_scaled": 1 / 3,
        "success": False,
        "completion": None,
        "duration_seconds": 63.5,
    }


@pytest.mark.parametrize(
    ("changed", "known", "reason"),
    [
        ({"actor": {"mbox": "mailto:a@example.jp"}}, views(), Withholding.NOT_A_LEARNER),
        (
            {"actor": {"objectType": "Group", "account": {"homePage": HOME, "name": NAME}}},
            views(),
            Withholding.NOT_A_LEARNER,
        ),
        ({}, views(consent={}), Withholding.NO_CONSENT),
        ({}, views(consent={KEY: STORED_MS}), Withholding.NO_CONSENT),
        ({}, views(roster={}), Withholding.NOT_ON_ROSTER),
        ({}, Views(), Withholding.NO_CONSENT),
        ({"object": {"objectType": "StatementRef", "id": str(uuid.uuid4())}}, views(), Withholding.NOT_AN_ACTIVITY),
        ({"object": {"objectType": "Agent", "mbox": "mailto:a@example.jp"}}, views(), Withholding.NOT_AN_ACTIVITY),
        ({"object": {"objectType": "StatementRef", "id": str(uuid.uuid4())}}, Views(), Withholding.NO_CONSENT),
        ({"actor": "nobody"}, views(), Withholding.UNREADABLE),
        ({"timestamp": 5}, views(), Withholding.UNREADABLE),
    ],
)
def test_what_is_not_published_is_withheld_for_a_reason(changed: dict[str, Any], known: Views, reason: str) -> None:
    found = withheld(statement(**changed), known)
    assert found == {
        "partition": 3,
        "offset": 7,
        "app": "drill",
        "stored_at_ms": STORED_MS,
        "reason": reason,
        "retracts": None,
    }


def test_consent_holds_until_the_millisecond_it_ends() -> None:
    assert activity(statement(), views(consent={KEY: STORED_MS + 1}))


def test_a_voiding_statement_names_the_key_that_its_target_has() -> None:
    target = statement(5)
    voiding = statement(
        6, verb={"id": f"{ADL}/verbs/voided"}, object={"objectType": "StatementRef", "id": target["id"].upper()}
    )
    found = withheld(voiding)
    assert found["reason"] == Withholding.VOIDING
    assert found["retracts"] == activity(target)["statement_key"]


def test_anybody_may_void() -> None:
    voiding = statement(
        actor={"mbox": "mailto:admin@example.jp"},
        verb={"id": f"{ADL}/verbs/voided"},
        object={"objectType": "StatementRef", "id": str(uuid.uuid4())},
    )
    assert withheld(voiding, Views())["reason"] == Withholding.VOIDING


def test_the_target_of_a_voiding_in_the_next_school_year_is_found() -> None:
    target = statement(5, timestamp="2026-03-31T05:00:00Z")
    voiding = statement(
        6,
        verb={"id": f"{ADL}/verbs/voided"},
        object={"objectType": "StatementRef", "id": target["id"]},
        timestamp="2026-04-02T05:00:00Z",
    )
    assert withheld(voiding)["retracts"] == activity(target)["statement_key"]


def answered(result: dict[str, Any], **context: object) -> dict[str, Any]:
    return statement(result=result, context={"contextActivities": context})


QUESTION = {"id": ITEM, "definition": {"type": f"{ADL}/activities/question"}}
ASSESSMENT = {"id": "https://drill.example.jp/sheets/1", "definition": {"type": f"{ADL}/activities/assessment"}}


@pytest.mark.parametrize(
    ("body", "role"),
    [
        (answered({"score": {"raw": 1, "max": 1}}), "answer"),
        (answered({"score": {"raw": 1, "max": 1}}, parent=[ASSESSMENT]), "answer"),
        (answered({"response": "12"}, parent=[{"id": ITEM}]), "part"),
        (answered({"response": "12"}, parent={"id": ITEM}), "part"),
        (answered({"score": {"raw": 1, "max": 1}}, parent=[QUESTION]), "part"),
        (answered({"success": True}), "answer"),
        (answered({"success": True}, parent=[ASSESSMENT]), "part"),
        (answered({"response": "a story, not yet scored"}), "part"),
        (answered({"score": {}}), "part"),
    ],
)
def test_each_question_counts_as_one_answer(body: dict[str, Any], role: str) -> None:
    assert activity(body)["role"] == role


def test_a_type_2_sitting_of_one_question_and_three_inputs_is_one_answer() -> None:
    inputs = [answered({"response": "1"}, parent=[{"id": ITEM}]) for _ in range(3)]
    for number, each in enumerate(inputs):
        each["object"] = {"id": f"{ITEM}?activity={number}"}
    question = answered({"score": {"raw": 2, "max": 3}, "success": False, "completion": True})
    question["object"] = QUESTION
    roles = [activity(each)["role"] for each in [*inputs, question]]
    assert roles.count("answer") == 1


def test_success_is_told_of_answers_only() -> None:
    # MEXCBT completes a sitting with success:false although everything was answered.
    completed = statement(
        verb={"id": f"{ADL}/verbs/completed"},
        result={"success": False, "completion": True, "score": {"raw": 5, "max": 10}},
    )
    found = activity(completed)
    assert (found["role"], found["success"], found["completion"], found["score_scaled"]) == ("sitting", None, True, 0.5)


@pytest.mark.parametrize(
    ("iri", "name", "role"),
    [
        (f"{ADL}/verbs/attempted", "attempted", "sitting"),
        ("http://id.tincanapi.com/verb/viewed", "viewed", "view"),
        ("https://w3id.org/xapi/adl/verbs/waived", "waived", "sitting"),
        (f"{ADL}/verbs/waived", "waived", "sitting"),
        ("https://adlnet.gov/expapi/verbs/completed", "completed", "sitting"),
        ("http://activitystrea.ms/schema/1.0/open", "opened", "view"),
        ("https://w3id.org/xapi/video/verbs/paused", "paused", "view"),
        ("https://drill.example.jp/verbs/felt-sad", "other", "view"),
        (f"{ADL}/verbs/Answered", "other", "view"),
    ],
)
def test_verbs_are_a_closed_list(iri: str, name: str, role: str) -> None:
    found = activity(statement(verb={"id": iri}, result={}))
    assert (found["verb"], found["role"]) == (name, role)


def test_every_listed_verb_has_one_name_and_role() -> None:
    names = {verb.name for verb in VERBS.values()}
    assert {name: {v.role for v in VERBS.values() if v.name == name} for name in names} == {
        verb.name: {verb.role} for verb in VERBS.values()
    }


@pytest.mark.parametrize(
    "key",
    [
        "https://w3id.org/japan-xapi/extensions/course-of-study-code",
        "https://w3id.org/xapi-japan-profiles/assessment/extensions/course-of-study-code",
        "https://w3id.org/xapi-japan-profiles/assessment/v1.0.0/extensions/course-of-study-code",
        "https://w3id.org/jpxapi/extensions/course-of-study-code",
    ],
)
@pytest.mark.parametrize("value", [[OTHER_CODE], OTHER_CODE, ["nonsense", OTHER_CODE, CODE]])
@pytest.mark.parametrize("where", ["content", "situation"])
def test_without_a_catalogue_entry_the_statements_own_code_counts(key: str, value: object, where: str) -> None:
    extensions = {key: value, "https://example.jp/other": 1}
    body = statement(object={"id": ITEM, "definition": {"extensions": extensions if where == "content" else {}}})
    if where == "situation":
        body["context"] = {"extensions": extensions}
    found = activity(body, views(catalogue={}))
    assert (found["curriculum_code"], found["subject"], found["activity_id"]) == (OTHER_CODE, "社会", "")


def test_the_catalogue_goes_before_what_the_statement_says() -> None:
    key = "https://w3id.org/japan-xapi/extensions/course-of-study-code"
    body = statement(object={"id": ITEM, "definition": {"extensions": {key: [OTHER_CODE]}}})
    assert activity(body)["curriculum_code"] == CODE


@pytest.mark.parametrize("code", ["1234567890123456", "82N0000000000000X", "", 5, None, {"a": 1}, [["x"]]])
def test_a_code_in_no_table_does_not_pass(code: object) -> None:
    key = "https://w3id.org/japan-xapi/extensions/course-of-study-code"
    body = statement(object={"id": ITEM, "definition": {"extensions": {key: code}}})
    assert activity(body, views(catalogue={}))["curriculum_code"] == ""


def test_an_activity_not_in_the_catalogue_has_a_key_but_no_id() -> None:
    found = activity(statement(), views(catalogue={}))
    assert found["activity_id"] == ""
    assert found["activity_key"] == activity(statement())["activity_key"]


def test_a_query_on_an_activity_id_is_neither_published_nor_another_activity() -> None:
    body = statement(object={"id": f"{ITEM}?user={NAME}#top"})
    found = activity(body)
    assert found["activity_id"] == ITEM
    assert found["activity_key"] == activity(statement())["activity_key"]


def test_a_sitting_is_the_registration_or_else_the_first_grouping() -> None:
    keys = Pseudonyms(ROOT_KEY, "dashboards")
    sitting = "https://drill.example.jp/sittings/9"
    found = activity(statement(context={"contextActivities": {"grouping": {"id": sitting}}}))
    assert found["registration_key"] == keys.registration_key(2026, sitting)
    assert activity(statement())["registration_key"] is None


def test_a_blank_behind_the_home_page_is_the_same_learner() -> None:
    actor = {"account": {"homePage": f"{HOME} ", "name": NAME}}
    assert activity(statement(actor=actor))["pseudonym"] == activity(statement())["pseudonym"]


def test_the_same_name_under_two_home_pages_is_two_learners() -> None:
    other = learner_key("https://other.example.jp", NAME)
    known = views()
    known.roster[other] = Learner(other, SALT, SCHOOL, 6)
    known.consent[other] = STORED_MS + 1
    actor = {"account": {"homePage": "https://other.example.jp", "name": NAME}}
    assert activity(statement(actor=actor), known)["pseudonym"] != activity(statement())["pseudonym"]


def test_a_uuid_v1_account_is_pseudonymised_like_any_other() -> None:
    name = "8f4b1d3a-66e1-11ec-8d3d-0242ac130003"
    key = learner_key(HOME, name)
    known = views(roster={key: Learner(key, SALT, SCHOOL, 6)}, consent={key: STORED_MS + 1})
    found = activity(statement(actor={"account": {"homePage": HOME, "name": name}}), known)
    assert found["pseudonym"] != uuid.UUID(name).bytes


def test_the_school_year_is_that_of_japan() -> None:
    assert activity(statement(timestamp="2022-03-31T15:30:00Z"))["key_epoch"] == 2022
    assert activity(statement(timestamp="2022-03-31T14:30:00Z"))["key_epoch"] == 2021


def test_another_purpose_joins_with_nothing() -> None:
    one, two = (activity(statement(), purpose=purpose) for purpose in ("dashboards", "research"))
    assert one["statement_key"] != two["statement_key"]
    assert one["pseudonym"] != two["pseudonym"]
    assert one["activity_key"] != two["activity_key"]


def test_an_entry_without_a_code_leaves_the_subject_as_the_catalogue_says() -> None:
    found = activity(statement(), views(catalogue={ITEM: Item(ITEM, "", "理科")}))
    assert (found["curriculum_code"], found["subject"]) == ("", "理科")
