"""Activities and their definitions (xAPI 1.0.3 Data 2.4.4.1), and extensions (4.1)."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from lrs.kernel.statements.iris import is_iri
from lrs.kernel.statements.languages import check_language_map
from lrs.kernel.statements.rules import broken, step
from lrs.kernel.statements.shapes import Activity, Component, Definition

# The standard sets no limit to extension values. This one is far beyond any use, and below what every JSON library on
# the way writes again (orjson: 254), so that what is accepted here is readable everywhere.
DEEPEST_EXTENSION = 200


def check_activity(activity: Activity, path: str) -> None:
    """Raise `RefusedError` unless `activity` has an IRI for its id and a well-formed definition."""
    if not is_iri(activity.id):
        raise broken(f"{path}.id", "an Activity's id is an IRI with a scheme", "Data 2.4.4.1")
    if activity.definition is not UNSET:
        _check_definition(activity.definition, f"{path}.definition")


def _check_definition(definition: Definition, path: str) -> None:
    if definition.type is not UNSET and not is_iri(definition.type):
        raise broken(f"{path}.type", "an Activity's type is an IRI with a scheme", "Data 2.4.4.1")
    if definition.moreInfo is not UNSET and not is_iri(definition.moreInfo):
        raise broken(f"{path}.moreInfo", "moreInfo is an IRL with a scheme", "Data 2.4.4.1")
    if definition.name is not UNSET:
        check_language_map(definition.name, f"{path}.name")
    if definition.description is not UNSET:
        check_language_map(definition.description, f"{path}.description")
    if definition.extensions is not UNSET:
        check_extensions(definition.extensions, f"{path}.extensions")
    _check_interaction(definition, path)


def _check_interaction(definition: Definition, path: str) -> None:
    """Any list of components may accompany any interactionType: Data 2.4.4.1 leaves that open, refusing loses data."""
    given = [
        (name, components)
        for name, components in (
            ("choices", definition.choices),
            ("scale", definition.scale),
            ("source", definition.source),
            ("target", definition.target),
            ("steps", definition.steps),
        )
        if components is not UNSET
    ]
    if definition.interactionType is UNSET and (given or definition.correctResponsesPattern is not UNSET):
        raise broken(f"{path}.interactionType", "interaction properties need an interactionType", "Data 2.4.4.1")
    for name, components in given:
        _check_components(components, f"{path}.{name}")


def _check_components(components: list[Component], path: str) -> None:
    ids: set[str] = set()
    for index, component in enumerate(components):
        if component.id in ids:
            raise broken(
                f"{path}[{index}].id", "the ids of an array of interaction components are distinct", "Data 2.4.4.1"
            )
        ids.add(component.id)
        if component.description is not UNSET:
            check_language_map(component.description, f"{path}[{index}].description")


def check_extensions(extensions: dict[str, Any], path: str) -> None:
    """Raise `RefusedError` for a key that is no IRI, or a value that not every JSON library reads. Others all pass."""
    for iri, value in extensions.items():
        if not is_iri(iri):
            raise broken(path + step(iri), "an extension's key is an IRI with a scheme", "Data 4.1")
        if type(value) is not str and not _readable(value, 1):
            raise broken(
                path + step(iri),
                f"an extension is nested at most {DEEPEST_EXTENSION} deep, and its numbers fit a double",
                "Data 2.2",
            )


def _readable(value: object, depth: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return not isinstance(value, int) or _fits_double(value)
    if depth > DEEPEST_EXTENSION:
        return False
    return all(type(inner) is str or _readable(inner, depth + 1) for inner in value)


def _fits_double(number: int) -> bool:
    try:
        float(number)
    except OverflowError:
        return False
    return True
