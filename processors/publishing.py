"""Decides what may be known outside the archive about one accepted statement: an activity, or only that it is withheld.

Pure: what it knows comes in as arguments, and both outcomes are values. An activity is built from literal keys and from
nothing that a sender can write freely: a field nobody listed cannot pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from lrs.kernel.curriculum import Code, curriculum
from lrs.kernel.pseudonyms import Pseudonyms, learner_key
from lrs.kernel.reasons import Withholding
from lrs.kernel.school_year import school_year
from processors.answers import role_of_answered
from processors.measures import duration_seconds, occurred_at_ms, score_scaled
from processors.reference_entries import Item, Learner, Views
from processors.statement_shape import ActivityShape, Context, StatementShape, first, read_shape
from processors.vocabulary import ANSWERED, OTHER, VERBS, VOIDED, Role, is_curriculum_extension

if TYPE_CHECKING:
    from lrs.kernel.records import Accepted, Activity, Withheld

_NO_ITEM = Item("", "", "")


def publish(accepted: Accepted, partition: int, views: Views, keys: Pseudonyms) -> Activity | Withheld:
    """The activity that `accepted` becomes, or why it is withheld. `partition` is that of `received`.

    The purpose is that of `keys` and `views`. Consent counts as of the time of storing, so that a replay decides alike.
    """
    statement = read_shape(accepted["statement"])
    if statement is None:
        return withhold(accepted, partition, Withholding.UNREADABLE)
    if statement.verb.id == VOIDED:
        return withhold(accepted, partition, Withholding.VOIDING, _target_key(statement, keys))
    learner = _learner(statement, accepted["stored_at_ms"], views)
    if isinstance(learner, Withholding):
        return withhold(accepted, partition, learner)
    return _activity(accepted, partition, statement, learner, views, keys)


def _learner(statement: StatementShape, stored_at_ms: int, views: Views) -> Learner | Withholding:
    account = statement.actor.account
    if account is None or statement.actor.object_type != "Agent":
        return Withholding.NOT_A_LEARNER
    key = learner_key(account.home_page, account.name)
    consented_until_ms = views.consent.get(key)
    if consented_until_ms is None or consented_until_ms <= stored_at_ms:
        return Withholding.NO_CONSENT
    learner = views.roster.get(key)
    if learner is None:
        return Withholding.NOT_ON_ROSTER
    return learner if statement.object.object_type == "Activity" else Withholding.NOT_AN_ACTIVITY


def _activity(  # noqa: PLR0913, PLR0917 - a bundle of arguments would be built for every statement
    accepted: Accepted, partition: int, statement: StatementShape, learner: Learner, views: Views, keys: Pseudonyms
) -> Activity:
    occurred_ms = occurred_at_ms(statement.timestamp, accepted["stored_at_ms"])
    year = school_year(occurred_ms)
    context, result = statement.context, statement.result
    verb = VERBS.get(statement.verb.id, OTHER)
    role = role_of_answered(result, context) if verb is ANSWERED else verb.role
    item = views.item(statement.object.id) or _NO_ITEM
    code, subject = item.curriculum_code, item.subject
    if not code and (sent := _sent_code(statement.object, context)) is not None:
        code, subject = sent.code, subject or sent.subject
    sitting = _sitting(context)
    return {
        "partition": partition,
        "offset": accepted["offset"],
        "app": accepted["app"],
        "stored_at_ms": accepted["stored_at_ms"],
        "statement_key": keys.statement_key(accepted["statement_id"]),
        "pseudonym": keys.pseudonym(year, learner.salt, learner.key),
        "registration_key": None if sitting is None else keys.registration_key(year, sitting),
        "key_epoch": year,
        "occurred_at_ms": occurred_ms,
        "verb": verb.name,
        "role": role,
        "activity_key": keys.activity_key(item.activity_id or statement.object.id),
        "activity_id": item.activity_id,
        "curriculum_code": code,
        "subject": subject,
        "grade": learner.grade,
        "school_code": learner.school_code,
        "score_scaled": None if result is None else score_scaled(result.score),
        # `completed` with success is "reached the end" in the Japan profile, "passed" elsewhere: no pass rates on it.
        "success": result.success if result is not None and role is Role.ANSWER else None,
        "completion": None if result is None else result.completion,
        "duration_seconds": None if result is None else duration_seconds(result.duration),
    }


def withhold(accepted: Accepted, partition: int, reason: Withholding, retracts: bytes | None = None) -> Withheld:
    """That `accepted` is withheld: where, whose app, when and why, and nothing of what it says."""
    return {
        "partition": partition,
        "offset": accepted["offset"],
        "app": accepted["app"],
        "stored_at_ms": accepted["stored_at_ms"],
        "reason": reason.value,
        "retracts": retracts,
    }


def _target_key(statement: StatementShape, keys: Pseudonyms) -> bytes | None:
    try:
        return keys.statement_key(UUID(statement.object.id).bytes)
    except ValueError:
        return None


def _sitting(context: Context | None) -> str | None:
    """The registration, or else the first grouping: the Japan profile and MEXCBT name a sitting by it."""
    if context is None:
        return None
    if context.registration is not None:
        return context.registration
    grouping = first(context.activities.grouping) if context.activities is not None else None
    return grouping.id if grouping is not None else None


def _sent_code(activity: ActivityShape, context: Context | None) -> Code | None:
    """The first known course-of-study code that the statement itself gives: of the content, else of the situation."""
    for extensions in (
        activity.definition.extensions if activity.definition is not None else b"",
        context.extensions if context is not None else b"",
    ):
        # A search in bytes spares nearly every statement the decoding of its extensions.
        if b"course-of-study-code" in memoryview(extensions).tobytes() and (found := _code_in(bytes(extensions))):
            return found
    return None


def _code_in(extensions: bytes) -> Code | None:
    values = msgspec.json.decode(extensions)
    for key, value in values.items() if isinstance(values, dict) else ():
        if is_curriculum_extension(key):
            for code in value if isinstance(value, list) else [value]:
                # Only what a published table lists passes: any other 16 characters could be a person's number.
                if isinstance(code, str) and (known := curriculum().get(code)) is not None:
                    return known
    return None
