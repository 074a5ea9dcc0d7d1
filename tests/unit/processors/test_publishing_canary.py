"""No byte of what a sender can write freely may leave the personal zone."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from lrs.kernel.codec import codec
from lrs.kernel.pseudonyms import Pseudonyms, learner_key
from lrs.kernel.records import Accepted
from processors.reference_entries import UNTIL_WITHDRAWN, Learner, Views
from processors.slices import publish_slice
from tests.support.learning import ADL, CODE, HOME, ITEM, NAME, ROOT_KEY, SALT, SCHOOL, slice_bytes, views

CANARY = "Kanaria7Sakura"
NUMBER = 918_273_645_546
PERSON = {
    "objectType": "Agent",
    "name": "山田花子",
    "account": {"homePage": "https://staff.example.jp", "name": "teacher-9"},
}
FULL: dict[str, Any] = {
    "id": "11111111-2222-4333-8444-555555555555",
    "actor": {"objectType": "Agent", "name": "山田太郎", "account": {"homePage": HOME, "name": NAME}},
    "verb": {"id": f"{ADL}/verbs/answered", "display": {"ja-JP": "回答した"}},
    "object": {
        "objectType": "Activity",
        "id": ITEM,
        "definition": {
            "type": f"{ADL}/activities/cmi.interaction",
            "name": {"ja-JP": "分数"},
            "description": {"ja-JP": "太郎さんの問題"},
            "moreInfo": "https://drill.example.jp/more",
            "interactionType": "choice",
            "correctResponsesPattern": ["a"],
            "choices": [{"id": "a", "description": {"ja-JP": "はい"}}],
            "extensions": {
                "https://w3id.org/japan-xapi/extensions/course-of-study-code": [CODE],
                "https://w3id.org/japan-xapi/extensions/unit": ["分数"],
                "https://example.jp/student": {"name": "山田太郎", "list": ["x"]},
            },
        },
    },
    "result": {
        "score": {"scaled": 0.5, "raw": 5, "min": 0, "max": 10},
        "success": True,
        "completion": True,
        "response": "わたしは山田太郎です",
        "duration": "PT10S",
        "extensions": {"https://mexcbt.mext.go.jp/scoringType": "auto"},
    },
    "context": {
        "registration": "0f0f0f0f-0000-4000-8000-00000000000a",
        "instructor": PERSON,
        "team": {"objectType": "Group", "name": "6年2組", "member": [PERSON]},
        "revision": "1",
        "platform": "MEXCBT",
        "language": "ja-JP",
        "statement": {"objectType": "StatementRef", "id": "99999999-2222-4333-8444-555555555555"},
        "contextActivities": {
            "parent": [{"id": "https://drill.example.jp/sheets/1", "definition": {"name": {"ja": "x"}}}],
            "grouping": [{"id": "https://drill.example.jp/sittings/1"}],
            "category": [{"id": "https://w3id.org/japan-xapi/profiles/assessment"}],
            "other": [{"id": "https://drill.example.jp/others/1"}],
        },
        "contextAgents": [{"objectType": "contextAgent", "agent": PERSON, "relevantTypes": ["https://example.jp/t"]}],
        "extensions": {
            "https://mexcbt.mext.go.jp/deliveryId": "d-1",
            "https://w3id.org/japan-xapi/extensions/course-of-study-code": [CODE],
        },
    },
    "timestamp": "2026-05-01T09:30:59.123Z",
    "stored": "2026-05-01T09:31:00.000Z",
    "authority": PERSON,
    "version": "1.0.3",
    "attachments": [
        {
            "usageType": "https://example.jp/photo",
            "display": {"ja-JP": "写真"},
            "description": {"ja-JP": "太郎"},
            "contentType": "image/png",
            "length": 3,
            "sha2": "0" * 64,
            "fileUrl": "https://example.jp/photo.png",
        }
    ],
}

Path = tuple[str | int, ...]


def places(value: object, path: Path = ()) -> Iterator[Path]:
    """Every place of a string or a number, and every key of an open map."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))
    elif isinstance(value, str):
        yield path


def planted(path: Path, text: str) -> dict[str, Any]:
    body = copy.deepcopy(FULL)
    inner: Any = body
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = text
    return body


def followed(body: dict[str, Any]) -> Views:
    """Views that know whoever the statement's actor is, so that it is published if it can be."""
    known = views()
    account = body["actor"].get("account") if isinstance(body["actor"], dict) else None
    if isinstance(account, dict):
        key = learner_key(account["homePage"], account["name"])
        known.roster[key] = Learner(key, SALT, SCHOOL, 6)
        known.consent[key] = UNTIL_WITHDRAWN
    return known


def written(body: dict[str, Any], known: Views) -> bytes:
    """Every byte that leaves for the pseudonymous zone, record keys and logs included."""
    whole = {**body, "id": FULL["id"]} if not _is_uuid(body["id"]) else body
    value = slice_bytes(0, [(1, whole)])
    if whole is not body:  # the id that the sender wrote stays in the JSON
        value = value.replace(FULL["id"].encode(), str(body["id"]).encode()[: len(FULL["id"])].ljust(36))
    with capture_logs() as logs:
        outcomes = publish_slice(value, 0, known, Pseudonyms(ROOT_KEY, "dashboards"))
    assert len(outcomes.records) == 1
    return b"".join(part or b"" for record in outcomes.records for part in record) + json.dumps(logs).encode()


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def forms(text: str) -> list[bytes]:
    return [text.encode(), text.encode("utf-16-le"), text.lower().encode(), text[2:].encode(), text[:-2].encode()]


@pytest.mark.parametrize("path", list(places(FULL)), ids=lambda path: ".".join(map(str, path)))
def test_a_marked_identifier_in_any_place_stays_inside(path: Path) -> None:
    for text in (CANARY, f"https://example.jp/{CANARY}", f"mailto:{CANARY}@example.jp", f"{ITEM}?user={CANARY}"):
        body = planted(path, text)
        for known in (followed(body), Views()):
            out = written(body, known)
            assert not [form for form in forms(CANARY) if form in out]


@pytest.mark.parametrize(
    "holder",
    [
        ("object", "definition", "extensions"),
        ("result", "extensions"),
        ("context", "extensions"),
        ("object", "definition", "name"),
        ("verb", "display"),
    ],
)
def test_a_marked_identifier_as_a_key_stays_inside(holder: Path) -> None:
    body = copy.deepcopy(FULL)
    inner: Any = body
    for step in holder:
        inner = inner[step]
    inner[f"https://w3id.org/japan-xapi/{CANARY}/extensions/course-of-study-code"] = [CANARY]
    inner[CANARY] = CANARY
    assert CANARY.encode() not in written(body, followed(body))


def test_a_sixteen_character_number_sent_as_a_curriculum_code_stays_inside() -> None:
    code = "Kanaria7Sakura16"
    body = copy.deepcopy(FULL)
    body["object"]["definition"]["extensions"] = {"https://w3id.org/japan-xapi/extensions/course-of-study-code": [code]}
    body["context"]["extensions"] = {}
    known = followed(body)
    known.catalogue.clear()
    assert code.encode() not in written(body, known)


def test_ids_and_accounts_do_not_pass_in_any_usual_form() -> None:
    out = written(FULL, followed(FULL))
    for identifier in (FULL["id"], FULL["context"]["registration"], NAME):
        known = uuid.UUID(identifier)
        for form in (known.bytes, known.bytes_le, known.hex.encode(), str(known).encode(), str(known).upper().encode()):
            assert form not in out
    for text in ("山田太郎", "太郎", "6年2組", HOME, "portal.example.jp", "staff.example.jp", "sittings"):
        assert text.encode() not in out


def test_seconds_of_the_timestamp_do_not_pass() -> None:
    one, two = copy.deepcopy(FULL), copy.deepcopy(FULL)
    two["timestamp"] = "2026-05-01T09:30:01.000Z"
    assert written(one, followed(one)) == written(two, followed(two))


@given(st.sampled_from(list(places(FULL))), st.text(st.characters(codec="utf-8"), min_size=6, max_size=60))
def test_any_text_in_any_place_is_published_or_withheld_and_stays_inside(path: Path, text: str) -> None:
    marked = f"{CANARY}{text}"
    body = planted(path, marked)
    assert CANARY.encode() not in written(body, followed(body))


def test_a_member_of_a_slice_that_no_statement_is_is_withheld_and_its_neighbours_are_not() -> None:
    good = copy.deepcopy(FULL)
    member: Accepted = {
        "offset": 2,
        "statement_id": bytes(16),
        "app": "drill",
        "stored_at_ms": 1,
        "statement": f'{{"actor": {{"name": "{CANARY}"'.encode(),
    }
    taken = codec("accepted").decode(slice_bytes(0, [(1, good), (3, good)]))
    taken["statements"].insert(1, member)
    outcomes = publish_slice(codec("accepted").encode(taken), 0, followed(good), Pseudonyms(ROOT_KEY, "dashboards"))
    assert len(outcomes.records) == 3
    assert outcomes.withheld == {"unreadable": 1}
    assert CANARY.encode() not in outcomes.records[1][1]
