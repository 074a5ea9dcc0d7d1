"""Ways in which vendors get statements wrong, each with the reason and the place that a refusal must name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from lrs.kernel.reasons import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from producers.simulator.emissions import Way

Fields = dict[str, Any]


class Malformed(NamedTuple):
    """A broken statement. `path` is empty where only the decoder knows how far it came.

    Without an id the SDK cannot tell which record it is, and refuses it before the log.
    """

    kind: str
    reason: Refusal
    path: str
    body: bytes
    has_id: bool


class _Kind(NamedTuple):
    name: str
    path: str
    spoil: Callable[[Fields], object]


def _needs_result(fields: Fields) -> Fields:
    result: Fields = fields.setdefault("result", {})
    return result


# Each breaks one rule of the xAPI statement data model, at the path that is named.
KINDS = (
    _Kind("no verb", "$.verb", lambda s: s.pop("verb")),
    _Kind("verb id is no IRI", "$.verb.id", lambda s: s["verb"].update(id="answered")),
    _Kind("property in wrong case", "$.Context", lambda s: s.update(Context=s.pop("context"))),
    _Kind("account without home page", "$.actor.account.homePage", lambda s: s["actor"]["account"].pop("homePage")),
    _Kind("two identifiers", "$.actor", lambda s: s["actor"].update(mbox="mailto:sensei@school.example")),
    _Kind("null value", "$.context.platform", lambda s: s["context"].update(platform=None)),
    _Kind(
        "no such language tag",
        "$.verb.display.nihongo_jp",
        lambda s: s["verb"]["display"].update(nihongo_jp="回答した"),
    ),
    _Kind("timestamp of offset -00:00", "$.timestamp", lambda s: s.update(timestamp=s["timestamp"][:19] + "-00:00")),
    _Kind(
        "score above its maximum", "$.result.score.raw", lambda s: _needs_result(s).update(score={"raw": 7, "max": 5})
    ),
    _Kind("scaled above 1", "$.result.score.scaled", lambda s: _needs_result(s).update(score={"scaled": 1.5})),
    _Kind("success as text", "$.result.success", lambda s: _needs_result(s).update(success="true")),
    _Kind("weeks with days", "$.result.duration", lambda s: _needs_result(s).update(duration="P4W1D")),
    # The January 2026 draft of the Japan profile has this in its own example.
    _Kind(
        "extensions among context activities",
        "$.context.contextActivities.extensions",
        lambda s: s["context"].setdefault("contextActivities", {}).update(extensions={"https://example.jp/e": 1}),
    ),
)


def _cut_short(body: bytes) -> bytes:
    return body[: len(body) * 2 // 3]


def _wrong_encoding(body: bytes) -> bytes:
    return body.decode().encode("shift_jis", "replace")


def _not_an_object(_: bytes) -> bytes:
    return b'"answered"'


def _broken_id(body: bytes) -> bytes:
    return body[:7] + b"drill-" + body[13:]


# Only over HTTP: the SDK reads the id of the object, so these never get as far as the log.
_WITHOUT_ID = (
    ("cut short", Refusal.NOT_JSON, "", _cut_short),
    ("Shift_JIS instead of UTF-8", Refusal.NOT_JSON, "", _wrong_encoding),
    ("not an object", Refusal.NOT_JSON, "$", _not_an_object),
    ("id is no UUID", Refusal.INVALID, "$.id", _broken_id),
)


def spoil(random: Random, body: bytes, way: Way) -> Malformed:
    """A broken copy of a good statement."""
    choices = len(KINDS) + (len(_WITHOUT_ID) if way == "http" else 0)
    number = random.randrange(choices)
    if number >= len(KINDS):
        name, reason, path, transform = _WITHOUT_ID[number - len(KINDS)]
        return Malformed(name, reason, path, transform(body), has_id=False)
    kind = KINDS[number]
    fields = orjson.loads(body)
    kind.spoil(fields)
    return Malformed(kind.name, Refusal.INVALID, kind.path, orjson.dumps(fields), has_id=True)
