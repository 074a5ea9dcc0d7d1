"""Contexts (xAPI 1.0.3 Data 2.4.6; contextAgents and contextGroups: xAPI 2.0, 4.2.2.5)."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from lrs.kernel.statements.activities import check_activity, check_extensions
from lrs.kernel.statements.agents import check_agent, check_group, check_party
from lrs.kernel.statements.iris import is_iri
from lrs.kernel.statements.languages import is_language_tag
from lrs.kernel.statements.rules import broken
from lrs.kernel.statements.shapes import Context, Context2, ContextActivities
from lrs.kernel.statements.uuids import uuid_bytes


def check_context(context: Context, path: str) -> None:
    """Raise `RefusedError` for the first broken rule that concerns the context alone."""
    if context.registration is not UNSET and uuid_bytes(context.registration) is None:
        raise broken(f"{path}.registration", "a registration is a UUID", "Data 2.4.6.1")
    if context.instructor is not UNSET:
        check_party(context.instructor, f"{path}.instructor")
    if context.team is not UNSET:
        check_group(context.team, f"{path}.team")
    if context.language is not UNSET and not is_language_tag(context.language):
        raise broken(f"{path}.language", "a language is an RFC 5646 language tag", "Data 2.4.6")
    if context.statement is not UNSET and uuid_bytes(context.statement.id) is None:
        raise broken(f"{path}.statement.id", "a StatementRef's id is a UUID", "Data 2.4.4.3")
    if context.contextActivities is not UNSET:
        _check_activities(context.contextActivities, path)
    if context.extensions is not UNSET:
        check_extensions(context.extensions, f"{path}.extensions")
    if isinstance(context, Context2):
        _check_agents_and_groups(context, path)


def _check_activities(activities: ContextActivities, path: str) -> None:
    for name, given in (
        ("parent", activities.parent),
        ("grouping", activities.grouping),
        ("category", activities.category),
        ("other", activities.other),
    ):
        if isinstance(given, list):
            for index, activity in enumerate(given):
                check_activity(activity, f"{path}.contextActivities.{name}[{index}]")
        elif given is not UNSET:
            check_activity(given, f"{path}.contextActivities.{name}")


def _check_agents_and_groups(context: Context2, path: str) -> None:
    if context.contextAgents is not UNSET:
        for index, one in enumerate(context.contextAgents):
            check_agent(one.agent, f"{path}.contextAgents[{index}].agent")
            _check_types(one.relevantTypes, f"{path}.contextAgents[{index}].relevantTypes")
    if context.contextGroups is not UNSET:
        for index, other in enumerate(context.contextGroups):
            check_group(other.group, f"{path}.contextGroups[{index}].group")
            _check_types(other.relevantTypes, f"{path}.contextGroups[{index}].relevantTypes")


def _check_types(types: list[str] | UnsetType, path: str) -> None:
    if types is UNSET:
        return
    if not types:
        raise broken(path, "relevantTypes lists at least one type", "2.0 4.2.2.5")
    for index, iri in enumerate(types):
        if not is_iri(iri):
            raise broken(f"{path}[{index}]", "a relevant type is an IRI with a scheme", "2.0 4.2.2.5")
