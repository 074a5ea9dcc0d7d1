"""The closed vocabulary of activities: verbs by their short names, what each says about the learner, and IRI aliases.

IRIs of the Japanese profiles have changed from draft to draft, and some verbs of cmi5 occur under two bases; all forms
lead to one name here. Whatever is not listed is `other`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """How an activity counts."""

    ANSWER = "answer"  # one answer to one question
    PART = "part"  # one input of a composite answer, or an answer that nobody has scored yet
    SITTING = "sitting"  # beginning, interrupting or ending a piece of work
    VIEW = "view"  # everything else


class Verb(NamedTuple):
    """A listed verb; `role` is that of everything but answers, which `processors.answers` decides."""

    name: str
    role: Role


OTHER = Verb("other", Role.VIEW)
ANSWERED = Verb("answered", Role.ANSWER)
VOIDED = "http://adlnet.gov/expapi/verbs/voided"

_ADL = "adlnet.gov/expapi/verbs/"
_ADL_CONCEPTS = "w3id.org/xapi/adl/verbs/"
_STREAMS = "activitystrea.ms/schema/1.0/"
_TINCAN = "id.tincanapi.com/verb/"

_SITTINGS = {
    "attempted": (_ADL,), "completed": (_ADL, _STREAMS), "passed": (_ADL,), "failed": (_ADL,), "mastered": (_ADL,),
    "initialized": (_ADL,), "terminated": (_ADL,), "launched": (_ADL,), "scored": (_ADL,), "progressed": (_ADL,),
    "suspended": (_ADL,), "resumed": (_ADL,), "abandoned": (_ADL, _ADL_CONCEPTS),
    "satisfied": (_ADL, _ADL_CONCEPTS), "waived": (_ADL, _ADL_CONCEPTS),
}  # fmt: skip
_VIEWS = {
    "viewed": (_TINCAN,), "experienced": (_ADL,), "interacted": (_ADL,), "responded": (_ADL,), "shared": (_ADL,),
    "played": ("w3id.org/xapi/video/verbs/",), "paused": ("w3id.org/xapi/video/verbs/",),
    "seeked": ("w3id.org/xapi/video/verbs/",), "evaluated": ("w3id.org/xapi/acrossx/verbs/",),
    "bookmarked": (_TINCAN,), "annotated": ("risc-inc.com/annotator/verbs/",),
}  # fmt: skip
# ActivityStreams names its verbs in the infinitive.
_INFINITIVES = {"opened": "open", "closed": "close", "created": "create", "shared": "share", "deleted": "delete"}


def _table() -> dict[str, Verb]:
    paths = {f"{_ADL}answered": ANSWERED}
    for role, verbs in ((Role.SITTING, _SITTINGS), (Role.VIEW, _VIEWS)):
        paths |= {f"{base}{name}": Verb(name, role) for name, bases in verbs.items() for base in bases}
    paths |= {f"{_STREAMS}{infinitive}": Verb(name, Role.VIEW) for name, infinitive in _INFINITIVES.items()}
    # Senders mix the two schemes; the IRI of record is the one that its profile prints.
    return {f"{scheme}://{path}": verb for path, verb in paths.items() for scheme in ("http", "https")}


VERBS = _table()

QUESTION_TYPES = frozenset(
    {"http://adlnet.gov/expapi/activities/question", "https://adlnet.gov/expapi/activities/question"}
)

# The drafts: japan-xapi/extensions/…, xapi-japan-profiles/<domain>/extensions/…, jp…/extensions/…
_CURRICULUM = re.compile(
    r"https?://w3id\.org/(japan-xapi|xapi-japan-profiles(/[a-z-]{1,40}){1,2}|jp[a-z-]{0,40})(/v[0-9.]{1,12})?"
    r"/extensions/course-of-study-code/?"
)


def is_curriculum_extension(key: str) -> bool:
    """Whether an extension's IRI is one of the forms under which course-of-study codes are sent."""
    return _CURRICULUM.fullmatch(key) is not None
