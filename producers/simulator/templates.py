"""The fixed parts of every statement as bytes, built once per item, unit or sitting.

A statement is `{"id":"…",` + actor + `verb` and `object` + `result` + `context` + `"timestamp":"…"}`. Joining bytes
costs a tenth of building and dumping a dictionary, which would take more of two cores than the zone under test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

import orjson

from producers.simulator.apps import Style

if TYPE_CHECKING:
    from producers.simulator.apps import App

_ADL = "http://adlnet.gov/expapi"
_VIEWED = "http://id.tincanapi.com/verb/viewed"
_PAGE = "http://activitystrea.ms/schema/1.0/page"
_SCORING_TYPE = "https://mexcbt.mext.go.jp/scoringType"
_DELIVERY = "https://mexcbt.mext.go.jp/deliveryId"
_GAP = "@registration@"

_DISPLAY = {
    "attempted": "開始した",
    "answered": "回答した",
    "completed": "完了した",
    "viewed": "閲覧した",
    "voided": "取り消した",
    "commented": "コメントした",
}


class Target(NamedTuple):
    """What a statement is about: the curriculum facts that go into its object. No code: the activity is not listed."""

    app: App
    subject: str
    grade: int
    code: str
    unit: str


def verb_object(verb: str, target: dict[str, Any]) -> bytes:
    """`"verb":{…},"object":{…}` without a trailing comma."""
    iri = _VIEWED if verb == "viewed" else f"{_ADL}/verbs/{verb}"
    display = {"ja-JP": _DISPLAY[verb], "en-US": verb}
    return orjson.dumps({"verb": {"id": iri, "display": display}, "object": target})[1:-1]


def assessment(target: Target, activity_id: str) -> dict[str, Any]:
    """The object of a sitting."""
    return _activity(target, activity_id, f"{_ADL}/activities/assessment", f"{target.unit} 確認ドリル", {})


def page(target: Target, activity_id: str) -> dict[str, Any]:
    """A page with a hint or an explanation."""
    return _activity(target, activity_id, _PAGE, f"{target.unit} 解説", {})


def question(target: Target, activity_id: str, title: str) -> dict[str, Any]:
    """A question that is scored as a whole."""
    return _activity(target, activity_id, f"{_ADL}/activities/question", title, {})


def interaction(target: Target, activity_id: str, title: str, answer: str) -> dict[str, Any]:
    """One input: the question itself of MEXCBT type 1, a part of the question of type 2."""
    return _activity(target, activity_id, f"{_ADL}/activities/cmi.interaction", title, {
        "interactionType": "fill-in",
        "correctResponsesPattern": [answer],
    })  # fmt: skip


def result(raw: int, highest: int, response: str, style: Style) -> bytes:
    """`,"result":{…` of a scored answer, up to the digits of its duration in seconds."""
    scored: dict[str, Any] = {
        "score": {"scaled": round(raw / highest, 7), "raw": raw, "min": 0, "max": highest},
        "success": raw == highest,
        "completion": True,
        "response": response,
    }
    return _open_result(scored, style)


def unscored(response: str) -> bytes:
    """`,"result":{…` of one input of a type 2 question, up to the digits of its duration."""
    return _open_result({"response": response}, Style.MEXCBT)


def reached_end(raw: int, highest: int, seconds: int, *, style: Style) -> bytes:
    """The whole result of `completed`. MEXCBT says success:false there even of those who passed: never count it."""
    return b',"result":%b' % orjson.dumps(
        {
            "score": {"scaled": round(raw / highest, 7), "raw": raw, "min": 0, "max": highest},
            "success": style is Style.DRILL,
            "completion": True,
            "duration": f"PT{seconds}S",
        }
    )


class Context(NamedTuple):
    """`,"context":{…},"timestamp":"` with two gaps for the registration of the sitting, which its IRI repeats."""

    before: bytes
    between: bytes
    after: bytes

    def write(self, registration: bytes) -> bytes:
        """The context of one sitting."""
        return registration.join(self)


def context(app: App, activity_id: str, parent: dict[str, Any] | None = None) -> Context:
    """The context of every statement about one activity."""
    activities: dict[str, Any] = {"grouping": [{"id": f"{app.base}/sittings/{_GAP}"}]}
    if parent is not None:
        activities["parent"] = [parent]
    if app.profile:
        activities["category"] = [{"id": app.profile}]
    fields: dict[str, Any] = {
        "registration": _GAP,
        "platform": app.platform,
        "language": "ja-JP",
        "contextActivities": activities,
    }
    version = b""
    if app.style is Style.MEXCBT:
        fields["extensions"] = {_DELIVERY: str(uuid5(NAMESPACE_URL, activity_id))}
        version = b'"version":"1.0.0",'
    whole = b',"context":%b,%b"timestamp":"' % (orjson.dumps(fields), version)
    return Context(*whole.split(_GAP.encode()))


def reference(verb: str, target_id: str) -> bytes:
    """Verb, object and context of a statement about a statement, up to its timestamp: voided, or commented."""
    target = {"objectType": "StatementRef", "id": target_id}
    return b'%b,"context":{"language":"ja-JP"},"timestamp":"' % verb_object(verb, target)


def grade_word(grade: int) -> str:
    """The grade as 教育データ標準 writes it."""
    return f"小学校第{grade}学年" if grade <= 6 else f"中学校第{grade - 6}学年"


def _activity(target: Target, activity_id: str, kind: str, name: str, more: dict[str, Any]) -> dict[str, Any]:
    base = target.app.extensions
    extensions: dict[str, Any] = {
        f"{base}/grade": [grade_word(target.grade)],
        f"{base}/subject": [target.subject],
    }
    if target.code:
        extensions[f"{base}/course-of-study-code"] = [target.code]
        extensions[f"{base}/unit"] = [target.unit]
    language = "ja-jp" if target.app.style is Style.MEXCBT else "ja-JP"
    definition = {"type": kind, "name": {language: name}, **more, "extensions": extensions}
    return {"objectType": "Activity", "id": activity_id, "definition": definition}


def _open_result(fields: dict[str, Any], style: Style) -> bytes:
    if style is Style.MEXCBT:
        fields["extensions"] = {_SCORING_TYPE: "auto"}
    return b',"result":%b,"duration":"PT' % orjson.dumps(fields)[:-1]
