"""What of a statement's parts counts when two statements are compared (xAPI 1.0.3 Data 2.3.1), as bytes.

No part of the immutable statement, so left out: verb display, activity definitions, the order of keys and of Group
members, digits of durations beyond 0.01 s, the case of what is case insensitive, whether a context activity stands in
a list. Attachment metadata counts: another file under the same id must be told as a conflict, not swallowed. Each
function changes the valid shape that it takes.
"""

from __future__ import annotations

from msgspec import UNSET, json

from lrs.kernel.statements.durations import comparable_duration
from lrs.kernel.statements.iris import comparable_mbox
from lrs.kernel.statements.shapes import (
    Activities,
    Activity,
    Agent,
    Attachment,
    Context,
    Context2,
    ContextActivities,
    Group,
    Party,
    Result,
)

_encode = json.Encoder(order="deterministic").encode


def comparable_party(party: Party) -> bytes:
    """An Agent or Group."""
    _reduce_agent(party)
    return _encode(party)


def comparable_activity(activity: Activity) -> bytes:
    """An Activity: its id, and objectType if it was given."""
    activity.definition = UNSET
    return _encode(activity)


def comparable_result(result: Result) -> bytes:
    """A result; the only reduction, of the duration, leaves the number of strings as it is."""
    if result.duration is not UNSET:
        result.duration = comparable_duration(result.duration)
    return _encode(result)


def comparable_attachments(attachments: list[Attachment]) -> bytes:
    """Attachment metadata, in their order."""
    for attachment in attachments:
        attachment.sha2 = attachment.sha2.lower()
    return _encode(attachments)


def comparable_context(context: Context) -> bytes:
    """A context of either version."""
    if context.registration is not UNSET:
        context.registration = context.registration.lower()
    if context.language is not UNSET:
        context.language = context.language.lower()
    if context.statement is not UNSET:
        context.statement.id = context.statement.id.lower()
    if context.instructor is not UNSET:
        _reduce_agent(context.instructor)
    if context.team is not UNSET:
        _reduce_agent(context.team)
    if context.contextActivities is not UNSET:
        _reduce_activities(context.contextActivities)
    if isinstance(context, Context2):
        _reduce_agents_and_groups(context)
    return _encode(context)


def _reduce_agents_and_groups(context: Context2) -> None:
    if context.contextAgents is not UNSET:
        for one in context.contextAgents:
            _reduce_agent(one.agent)
    if context.contextGroups is not UNSET:
        for other in context.contextGroups:
            _reduce_agent(other.group)


def _reduce_activities(activities: ContextActivities) -> None:
    activities.parent = _reduced(activities.parent)
    activities.grouping = _reduced(activities.grouping)
    activities.category = _reduced(activities.category)
    activities.other = _reduced(activities.other)


def _reduced(given: Activities) -> Activities:
    if isinstance(given, Activity):
        given = [given]
    if isinstance(given, list):
        for activity in given:
            activity.definition = UNSET
    return given


def _reduce_agent(agent: Agent | Group | Party) -> None:
    if agent.mbox is not UNSET:
        agent.mbox = comparable_mbox(agent.mbox)
    elif agent.mbox_sha1sum is not UNSET:
        agent.mbox_sha1sum = agent.mbox_sha1sum.lower()
    if not isinstance(agent, Agent) and agent.member is not UNSET:
        for member in agent.member:
            _reduce_agent(member)
        agent.member.sort(key=_encode)
