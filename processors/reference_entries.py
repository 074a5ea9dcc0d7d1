"""Reference data as the processor needs it: small entries, and how records of the compacted topics become them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from lrs.kernel.codec import ContractError, codec
from lrs.kernel.curriculum import curriculum
from lrs.kernel.pseudonyms import learner_key
from lrs.kernel.topics import Noun

# Entries are no containers to the garbage collector: a zone has many, and each full collection would visit all.
_SEPARATOR = "\x1f"
UNTIL_WITHDRAWN = 2**63 - 1


class Item(msgspec.Struct, frozen=True, gc=False):
    """What an activity is about."""

    activity_id: str
    curriculum_code: str
    subject: str


class Learner(msgspec.Struct, frozen=True, gc=False):
    """A learner's place at school and the salt of the pseudonym."""

    key: str
    salt: bytes
    school_code: str
    grade: int


@dataclass(slots=True)
class Views:
    """The reference data of one purpose. Changed only by what reads the topics, on the same event loop as its users."""

    catalogue: dict[str, Item] = field(default_factory=dict)
    roster: dict[str, Learner] = field(default_factory=dict)
    consent: dict[str, int] = field(default_factory=dict)
    """Learners whose latest decision grants, and until when (milliseconds since 1970 UTC, exclusive)."""

    def item(self, activity_id: str) -> Item | None:
        """The entry of an activity, or of its id without query and fragment, where senders put state."""
        found = self.catalogue.get(activity_id)
        if found is None and ("?" in activity_id or "#" in activity_id):
            found = self.catalogue.get(activity_id.partition("#")[0].partition("?")[0])
        return found


Apply = Callable[[bytes, bytes | None], None]
"""Takes a record's key and value into a view; a null value removes. Raises `ContractError` on other bytes."""


def appliers(views: Views, purpose: str) -> dict[Noun, Apply]:
    """What to do with a record of each reference topic."""

    def catalogue(key: bytes, value: bytes | None) -> None:
        activity_id = _text(key)
        if value is None:
            views.catalogue.pop(activity_id, None)
            return
        entry = codec("catalogue").decode(value)
        code = curriculum().get(entry["curriculum_code"])
        if code is None and entry["curriculum_code"]:
            msg = f"no known course-of-study code: {entry['curriculum_code']!r}"
            raise ContractError(msg)
        subject = entry["subject"] or (code.subject if code else "")
        views.catalogue[activity_id] = Item(activity_id, code.code if code else "", sys.intern(subject))

    def roster(key: bytes, value: bytes | None) -> None:
        home_page, name = _parts(key, 2)
        learner = learner_key(home_page, name)
        if value is None:
            views.roster.pop(learner, None)
            return
        entry = codec("roster").decode(value)
        views.roster[learner] = Learner(learner, entry["salt"], sys.intern(entry["school_code"]), entry["grade"])

    def consent(key: bytes, value: bytes | None) -> None:
        home_page, name, decided_for = _parts(key, 3)
        if decided_for != purpose:
            return
        decision = None if value is None else codec("consent").decode(value)
        learner = learner_key(home_page, name)
        if decision is None or not decision["granted"]:
            views.consent.pop(learner, None)
        else:
            until = decision["valid_until_ms"]
            views.consent[learner] = UNTIL_WITHDRAWN if until is None else until

    return {Noun.CATALOGUE: catalogue, Noun.ROSTER: roster, Noun.CONSENT: consent}


def sizes(views: Views) -> dict[Noun, int]:
    """Entries of each view."""
    return {Noun.CATALOGUE: len(views.catalogue), Noun.ROSTER: len(views.roster), Noun.CONSENT: len(views.consent)}


def _text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        msg = "the record's key is not UTF-8"
        raise ContractError(msg) from error


def _parts(key: bytes, count: int) -> list[str]:
    parts = _text(key).split(_SEPARATOR)
    if len(parts) != count:
        msg = f"the record's key has {len(parts)} parts instead of {count}"
        raise ContractError(msg)
    return parts
