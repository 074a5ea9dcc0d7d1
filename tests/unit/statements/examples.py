"""Statements to start from: a complete drill answer, and ways to change one value of it or of a smaller one."""

from __future__ import annotations

import copy
import json
from typing import Any

ID = "0190c9b2-7f51-7c3a-8d0e-5b1f5a6c7d8e"
OTHER_ID = "3b1f5a6c-7d8e-4190-89b2-7f517c3a8d0e"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
SHA2 = "495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a"
AGENT = {"objectType": "Agent", "mbox": "mailto:learner@example.jp"}
GROUP = {"objectType": "Group", "account": {"homePage": "https://portal.example.jp", "name": "class-5-2"}}
ACTIVITY = {"id": "https://drill.example.jp/items/1"}
REFERENCE = {"objectType": "StatementRef", "id": OTHER_ID}
ATTACHMENT = {
    "usageType": "https://drill.example.jp/attachments/handwriting",
    "display": {"ja": "手書き"},
    "contentType": "image/png",
    "length": 27,
    "sha2": SHA2,
}
DRILL: dict[str, Any] = {
    "id": ID,
    "actor": {
        "objectType": "Agent",
        "account": {"homePage": "https://portal.example.jp", "name": "5f0c7d61-5b43-4e0b-9f9b-0d6a2c3d4e5f"},
    },
    "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en-US": "answered", "ja-JP": "解答した"}},
    "object": {
        "objectType": "Activity",
        "id": "https://drill.example.jp/items/math/5/00123",
        "definition": {
            "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
            "name": {"ja-JP": "小数のかけ算 12"},
            "interactionType": "numeric",
            "correctResponsesPattern": ["3.6"],
            "extensions": {"https://w3id.org/xapi-japan-profiles/extensions/code": ["8250233511110000"]},
        },
    },
    "result": {
        "score": {"scaled": 1, "raw": 10, "min": 0, "max": 10},
        "success": True,
        "completion": True,
        "response": "3.6",
        "duration": "PT12.34S",
    },
    "context": {
        "registration": OTHER_ID,
        "platform": "Drill",
        "language": "ja-JP",
        "contextActivities": {"grouping": [{"id": "https://drill.example.jp/sittings/8c0e5b1f"}]},
    },
    "timestamp": "2026-05-12T10:15:30.123+09:00",
}
SUB_STATEMENT: dict[str, Any] = {
    "objectType": "SubStatement",
    "actor": AGENT,
    "verb": {"id": "http://adlnet.gov/expapi/verbs/attempted"},
    "object": ACTIVITY,
}
GONE = object()


def changed(place: str, value: Any, base: dict[str, Any] = DRILL) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """A copy of `base` with `value` at `place` (`result/score/raw`), or without it if `value` is GONE."""
    statement = copy.deepcopy(base)
    *above, name = place.split("/")
    holder: Any = statement
    for step in above:
        holder = holder[int(step)] if isinstance(holder, list) else holder.setdefault(step, {})
    if value is GONE:
        del holder[name]
    else:
        holder[name] = copy.deepcopy(value)
    return statement


def about(target: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """A small statement whose object is `target`."""
    return {"actor": AGENT, "verb": {"id": "http://adlnet.gov/expapi/verbs/interacted"}, "object": target, **more}


def raw(statement: object) -> bytes:
    """`statement` as a client sends it."""
    return json.dumps(statement, ensure_ascii=False).encode()
