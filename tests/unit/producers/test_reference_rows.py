"""Rows of the reference files."""

from __future__ import annotations

import pytest

from lrs.kernel.codec import codec
from lrs.kernel.errors import RefusedError
from producers.reference_rows import CATALOGUE, CONSENT, ROSTER, Known, SupersededError, Table

ITEM = {
    "activity_id": "https://drill.example.jp/items/1",
    "curriculum_code": "8250263111200000",
    "subject": "算数",
    "item_type": "question",
    "title": "分数のわり算",
}
LEARNER = {
    "home_page": "https://portal.example.jp",
    "name": "child-1",
    "school_code": "B127210000018",
    "grade": "6",
    "class_name": "2組",
    "salt": "",
}
DECISION = {
    "home_page": "https://portal.example.jp",
    "name": "child-1",
    "purpose": "dashboards",
    "recipient_kind": "学校・教員",
    "data_class": "学習履歴・学校教育",
    "granted": "true",
    "guardian": "TRUE",
    "decided_at": "2026-04-01T00:00:00+09:00",
    "valid_until": "",
}


@pytest.mark.parametrize(("table", "row"), [(CATALOGUE, ITEM), (ROSTER, LEARNER), (CONSENT, DECISION)])
def test_a_good_row_becomes_a_record_of_the_contract(table: Table, row: dict[str, str]) -> None:
    _, record = table.read(row, Known())
    assert codec(table.noun.value).decode(table.encode(record)) == record


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "rule"),
    [
        (CATALOGUE, ITEM, "activity_id", "", "empty"),
        (CATALOGUE, ITEM, "activity_id", "items/1", "IRI"),
        (CATALOGUE, ITEM, "activity_id", "https://x/" + "a" * 3000, "characters"),
        (CATALOGUE, ITEM, "curriculum_code", "82102C300000000", "has 15"),
        (CATALOGUE, ITEM, "curriculum_code", "82G03002100000000", "has 17"),
        (CATALOGUE, ITEM, "curriculum_code", "8250263111200009", "in none of"),
        (CATALOGUE, ITEM, "item_type", "Question", "one of"),
        (CATALOGUE, ITEM, "title", "a\nb", "control"),
        (ROSTER, LEARNER, "home_page", "portal", "IRI"),
        (ROSTER, LEARNER, "name", "", "empty"),
        (ROSTER, LEARNER, "name", "a\x1fb", "control"),
        (ROSTER, LEARNER, "name", "a\u3000\x85b", "control"),
        (ROSTER, LEARNER, "class_name", "2組\u2028", "control"),
        (ROSTER, LEARNER, "class_name", "2\u202e組", "control"),
        (ROSTER, LEARNER, "home_page", "https://portal.example.jp/\u3000", "IRI"),
        (ROSTER, LEARNER, "school_code", "B127210000019", "check digit"),
        (ROSTER, LEARNER, "grade", "0", "1 to 12"),
        (ROSTER, LEARNER, "grade", "13", "1 to 12"),
        (ROSTER, LEARNER, "grade", "６", "1 to 12"),
        (ROSTER, LEARNER, "grade", "小6", "1 to 12"),
        (ROSTER, LEARNER, "salt", "abc", "32 hexadecimal"),
        (CONSENT, DECISION, "purpose", "Dashboards", "purpose"),
        (CONSENT, DECISION, "granted", "maybe", "true or false"),
        (CONSENT, DECISION, "guardian", "", "true or false"),
        (CONSENT, DECISION, "recipient_kind", "", "empty"),
        (CONSENT, DECISION, "decided_at", "2026-04-01", "offset"),
        (CONSENT, DECISION, "decided_at", "2026-04-01T00:00:00", "offset"),
        (CONSENT, DECISION, "valid_until", "2026-03-31T00:00:00+09:00", "before the decision"),
    ],
)
def test_a_refusal_names_column_and_rule(table: Table, row: dict[str, str], column: str, value: str, rule: str) -> None:
    with pytest.raises(RefusedError, match=rule) as caught:
        table.read({**row, column: value}, Known())
    assert caught.value.path == column


@pytest.mark.parametrize("space", [" ", "\u3000", "\xa0"])
def test_the_spaces_of_a_name_stay_as_they_are(space: str) -> None:
    name = f"{space}学校法人{space}あゆみ学園{space}"
    _, item = CATALOGUE.read({**ITEM, "title": name}, Known())
    key, learner = ROSTER.read({**LEARNER, "name": name, "class_name": name}, Known())
    assert item["title"] == learner["name"] == learner["class_name"] == name
    assert key.decode().endswith(f"\x1f{name}")


def test_codes_are_case_sensitive() -> None:
    upper, lower = ({**ITEM, "curriculum_code": f"82{third}0000000000000"} for third in "Nn")
    assert CATALOGUE.read(upper, Known())[1] != CATALOGUE.read(lower, Known())[1]


def test_a_learner_keeps_the_salt_that_is_known() -> None:
    known = Known()
    _, first = ROSTER.read(LEARNER, known)
    _, again = ROSTER.read({**LEARNER, "grade": "7", "school_code": "C102210000881"}, known)
    assert again["salt"] == first["salt"]


def test_a_new_learner_gets_a_salt_of_their_own() -> None:
    salts = {ROSTER.read({**LEARNER, "name": f"child-{n}"}, Known())[1]["salt"] for n in range(50)}
    assert len(salts) == 50


def test_a_salt_in_the_file_counts_before_the_known_one() -> None:
    known = Known()
    ROSTER.read(LEARNER, known)
    assert ROSTER.read({**LEARNER, "salt": "AB" * 16}, known)[1]["salt"] == b"\xab" * 16


def test_an_older_decision_does_not_undo_a_newer_one() -> None:
    known = Known()
    CONSENT.read({**DECISION, "granted": "false", "decided_at": "2026-06-01T00:00:00+09:00"}, known)
    with pytest.raises(SupersededError):
        CONSENT.read(DECISION, known)
    assert CONSENT.read({**DECISION, "decided_at": "2026-06-01T00:00:00+09:00"}, known)
