"""Records of the reference topics as entries of the views."""

from __future__ import annotations

from typing import Any

import pytest

from lrs.kernel.codec import ContractError, codec
from lrs.kernel.pseudonyms import learner_key
from lrs.kernel.topics import Noun
from processors.reference_entries import UNTIL_WITHDRAWN, Item, Learner, Views, appliers, sizes
from tests.support.learning import CODE, HOME, ITEM, NAME, SALT, SCHOOL

LEARNER = learner_key(HOME, NAME)
LEARNER_RECORD = f"{HOME}\x1f{NAME}".encode()


def consent(purpose: str = "dashboards", **changed: Any) -> tuple[bytes, bytes]:  # noqa: ANN401 - fields
    record = {
        "home_page": HOME,
        "name": NAME,
        "purpose": purpose,
        "recipient_kind": "学校・教員",
        "data_class": "学習履歴・学校教育",
        "granted": True,
        "guardian": True,
        "decided_at_ms": 1,
        "valid_until_ms": None,
        **changed,
    }
    return f"{HOME}\x1f{NAME}\x1f{purpose}".encode(), codec("consent").encode(record)


def catalogue(**changed: Any) -> bytes:  # noqa: ANN401 - fields
    record = {"activity_id": ITEM, "curriculum_code": CODE, "subject": "", "item_type": "question", "title": "t"}
    return codec("catalogue").encode({**record, **changed})


def roster() -> bytes:
    place = {"school_code": SCHOOL, "grade": 6, "class_name": "2組"}
    return codec("roster").encode({"home_page": HOME, "name": NAME, "salt": SALT, **place})


def test_a_view_holds_the_latest_record_of_a_key_and_a_tombstone_removes_it() -> None:
    views = Views()
    take = appliers(views, "dashboards")
    take[Noun.CATALOGUE](ITEM.encode(), catalogue(subject="理科"))
    take[Noun.CATALOGUE](ITEM.encode(), catalogue())
    take[Noun.ROSTER](LEARNER_RECORD, roster())
    take[Noun.CONSENT](*consent())
    assert views == Views(
        {ITEM: Item(ITEM, CODE, "算数")}, {LEARNER: Learner(LEARNER, SALT, SCHOOL, 6)}, {LEARNER: UNTIL_WITHDRAWN}
    )
    assert sizes(views) == {Noun.CATALOGUE: 1, Noun.ROSTER: 1, Noun.CONSENT: 1}
    take[Noun.CATALOGUE](ITEM.encode(), None)
    take[Noun.ROSTER](LEARNER_RECORD, None)
    take[Noun.CONSENT](consent()[0], None)
    assert views == Views()


def test_a_withdrawal_takes_the_consent_away() -> None:
    views = Views()
    take = appliers(views, "dashboards")[Noun.CONSENT]
    take(*consent())
    take(*consent(granted=False))
    assert views.consent == {}


def test_a_period_ends_when_it_says() -> None:
    views = Views()
    appliers(views, "dashboards")[Noun.CONSENT](*consent(valid_until_ms=5))
    assert views.consent == {LEARNER: 5}


def test_decisions_for_other_purposes_are_not_held() -> None:
    views = Views()
    appliers(views, "dashboards")[Noun.CONSENT](*consent("research"))
    assert views.consent == {}


@pytest.mark.parametrize(
    ("noun", "key", "value"),
    [
        (Noun.CATALOGUE, ITEM.encode(), b"not avro"),
        (Noun.CATALOGUE, b"\xff", catalogue()),
        (Noun.CATALOGUE, ITEM.encode(), catalogue(curriculum_code="82N0")),
        (Noun.ROSTER, b"one part", roster()),
        (Noun.ROSTER, LEARNER_RECORD, catalogue()),
        (Noun.CONSENT, LEARNER_RECORD, consent()[1]),
    ],
)
def test_a_record_of_another_shape_changes_nothing(noun: Noun, key: bytes, value: bytes) -> None:
    views = Views()
    with pytest.raises(ContractError):
        appliers(views, "dashboards")[noun](key, value)
    assert views == Views()


def test_an_item_is_found_with_a_query_or_fragment_behind_its_id() -> None:
    views = Views(catalogue={ITEM: Item(ITEM, CODE, "算数"), f"{ITEM}?page=2": Item(f"{ITEM}?page=2", "", "")})
    for tail in ("", "?a=1", "#x", "#x?y", "?a#b"):
        found = views.item(ITEM + tail)
        assert found is not None
        assert found.activity_id == ITEM
    page = views.item(f"{ITEM}?page=2")
    assert page is not None
    assert page.activity_id == f"{ITEM}?page=2"
    assert views.item("https://drill.example.jp/?") is None
