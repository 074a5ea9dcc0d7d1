"""Statements, slices and reference data for tests of the processor."""

from __future__ import annotations

import json
import uuid
from typing import Any

from lrs.kernel.codec import codec
from lrs.kernel.pseudonyms import Pseudonyms, learner_key
from lrs.kernel.records import Accepted, Activity, Withheld
from processors.publishing import publish
from processors.reference_entries import UNTIL_WITHDRAWN, Item, Learner, Views

HOME = "https://portal.example.jp"
NAME = "5d1c6a1e-6f0a-4a3b-9a43-000000000001"
SALT = bytes(range(16))
SCHOOL = "B127210000018"
CODE = "8250263111200000"
ITEM = "https://drill.example.jp/items/1"
ROOT_KEY = bytes(range(32))
STORED_MS = 1_780_000_000_000
ADL = "http://adlnet.gov/expapi"


def statement(number: int = 1, **fields: object) -> dict[str, Any]:
    """A drill's answer; `fields` replace its own."""
    return {
        "id": str(uuid.UUID(int=number, version=4)),
        "actor": {"objectType": "Agent", "account": {"homePage": HOME, "name": NAME}},
        "verb": {"id": f"{ADL}/verbs/answered", "display": {"ja-JP": "回答した"}},
        "object": {"id": ITEM, "definition": {"type": f"{ADL}/activities/cmi.interaction"}},
        "result": {
            "score": {"scaled": 0.3333333, "raw": 1, "min": 0, "max": 3},
            "success": False,
            "duration": "PT1M3.5S",
        },
        "timestamp": "2026-05-01T09:30:59.123Z",
        **fields,
    }


def accepted(body: dict[str, Any], offset: int = 7) -> Accepted:
    """`body` as a member of a slice."""
    return {
        "offset": offset,
        "statement_id": uuid.UUID(body["id"]).bytes,
        "app": "drill",
        "stored_at_ms": STORED_MS,
        "statement": json.dumps(body, ensure_ascii=False).encode(),
    }


def slice_bytes(partition: int, bodies: list[tuple[int, dict[str, Any]]]) -> bytes:
    """A value of `accepted` with these (offset, statement) pairs."""
    members = [accepted(body, offset) for offset, body in bodies]
    return codec("accepted").encode({"partition": partition, "statements": members})


def views(**replaced: Any) -> Views:  # noqa: ANN401 - fields of Views
    """One learner with consent, one item."""
    key = learner_key(HOME, NAME)
    known = Views(
        catalogue={ITEM: Item(ITEM, CODE, "算数")},
        roster={key: Learner(key, SALT, SCHOOL, 6)},
        consent={key: UNTIL_WITHDRAWN},
    )
    for name, value in replaced.items():
        setattr(known, name, value)
    return known


def outcome(body: dict[str, Any], known: Views | None = None, purpose: str = "dashboards") -> Activity | Withheld:
    """What `publish` makes of a statement."""
    return publish(accepted(body), 3, known or views(), Pseudonyms(ROOT_KEY, purpose))


def activity(body: dict[str, Any], known: Views | None = None, purpose: str = "dashboards") -> Activity:
    """The activity of a statement that is published."""
    found = outcome(body, known, purpose)
    assert "reason" not in found, found
    return found


def withheld(body: dict[str, Any], known: Views | None = None) -> Withheld:
    """Why a statement is withheld."""
    found = outcome(body, known)
    assert "reason" in found, found
    return found  # type: ignore[return-value]
