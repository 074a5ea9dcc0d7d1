"""Statements to send: the least one, one with every property, and changes to them by a path."""

from __future__ import annotations

import copy
import json
import re
import uuid
from itertools import pairwise
from typing import Any

GONE = object()
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
_STEP = re.compile(r"\.?([^.\[\]]+)|\[([0-9]+)\]")


def new_id() -> str:
    """A random UUID."""
    return str(uuid.uuid4())


def iri(kind: str = "items") -> str:
    """An IRI that nothing else uses."""
    return f"https://drill.example.jp/{kind}/{new_id()}"


def learner() -> dict[str, Any]:
    """An Agent that nothing else uses."""
    return {"objectType": "Agent", "account": {"homePage": "https://board.example.jp", "name": new_id()}}


def statement(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
    """The least that a statement has, about a learner and an item of its own."""
    return {"actor": learner(), "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"}, "object": {"id": iri()}} | (
        changes
    )


def complete() -> dict[str, Any]:
    """A statement with every property of xAPI 1.0.3 that an app may set."""
    return statement(
        id=new_id(),
        actor={**learner(), "name": "山田"},
        verb={"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en-US": "answered", "ja": "解答した"}},
        object={"objectType": "Activity", "id": iri(), "definition": _definition()},
        result={
            "score": {"scaled": 0.5, "raw": 5, "min": 0, "max": 10},
            "success": True,
            "completion": False,
            "response": "a",
            "duration": "PT4H35M59.14S",
            "extensions": {"https://drill.example.jp/ext/tries": {"count": 2, "last": None}},
        },
        context={
            "registration": new_id(),
            "instructor": {"mbox": "mailto:sensei@example.jp"},
            "team": {"objectType": "Group", "name": "3-2", "member": [{"openid": "https://id.example.jp/a"}]},
            "contextActivities": {kind: [{"id": iri(kind)}] for kind in ("parent", "grouping", "category", "other")},
            "revision": "2",
            "platform": "tablet",
            "language": "ja-JP",
            "statement": {"objectType": "StatementRef", "id": new_id()},
            "extensions": {"https://drill.example.jp/ext/seat": 12},
        },
        timestamp="2026-04-08T09:00:00.123Z",
        attachments=[_attachment()],
    )


def _definition() -> dict[str, Any]:
    return {
        "name": {"en": "Fractions", "ja": "分数"},
        "description": {"en": "Choose one"},
        "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
        "moreInfo": "https://drill.example.jp/about",
        "interactionType": "choice",
        "correctResponsesPattern": ["a[,]b"],
        "choices": [{"id": "a", "description": {"en": "one half"}}, {"id": "b"}],
        "extensions": {"https://drill.example.jp/ext/level": None},
    }


def _attachment() -> dict[str, Any]:
    return {
        "usageType": "http://id.example.jp/attachments/work",
        "display": {"en": "work"},
        "description": {"en": "a photograph of the work"},
        "contentType": "image/png",
        "length": 4,
        "sha2": "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589",
        "fileUrl": "https://drill.example.jp/files/1.png",
    }


def changed(base: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy of `base` with `value` at a path such as `context.team.member[0].name`; `GONE` removes what is there."""
    whole = copy.deepcopy(base)
    steps = [name or int(index) for name, index in _STEP.findall(path)]
    inner: Any = whole
    for one, following in pairwise(steps):
        if isinstance(inner, dict) and one not in inner:
            inner[one] = [] if isinstance(following, int) else {}
        inner = inner[one]
    if value is GONE:
        del inner[steps[-1]]
    elif isinstance(inner, list) and steps[-1] == len(inner):
        inner.append(value)
    else:
        inner[steps[-1]] = value
    return whole


def inside(whole: dict[str, Any]) -> dict[str, Any]:
    """A statement whose object is `whole` as a SubStatement, which has none of what a record store sets."""
    inner = {name: value for name, value in whole.items() if name not in {"id", "stored", "version", "authority"}}
    return statement(object={"objectType": "SubStatement", **inner})


def said(value: object) -> str:
    """A value as part of a test's name."""
    return "gone" if value is GONE else json.dumps(value, ensure_ascii=True)[:60]
