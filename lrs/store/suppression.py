"""Which cells stand on too few learners to be shown, and which more must go so that these are not found by subtraction.

Pure: all that is read here are counts of distinct learners. Covered are one answer and those above and below it in the
curriculum tree, under the same filters. The difference of two answers with different filters is
the business of frozen releases; a live page cannot promise anything about it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Node(NamedTuple):
    """A cell's place: `parent` is the cell whose numbers include this one's, None where no such cell is ever shown."""

    parent: Hashable | None
    learners: int


def too_few(learners: int, least: int) -> bool:
    """Whether somebody stands behind the cell, but fewer than `least`. Nobody at all is no secret about anybody."""
    return 0 < learners < least


def hidden_cells(cells: Mapping[Key, Node], least: int) -> set[Key]:
    """The cells that may not be shown: those under `least`, and what would give them away.

    * Under one shown parent, the visible sibling with the fewest learners is hidden as well as soon as any sibling is
      under `least`: parent minus visible siblings then stands on at least `least` learners.
    * A cell below a hidden one is hidden: else its siblings' sum would show the parent again.

    Published totals are always a cell's own `parent`; a table without a total needs only the first threshold.
    """
    families: defaultdict[Hashable | None, list[Key]] = defaultdict(list)
    for key, node in cells.items():
        families[node.parent].append(key)
    hidden: set[Key] = set()
    for parent in _top_down(families, cells):
        family = families[parent]
        if parent in hidden:
            hidden.update(family)
            continue
        small = {key for key in family if too_few(cells[key].learners, least)}
        hidden |= small
        if small and parent is not None:
            visible = [key for key in family if cells[key].learners >= least]
            hidden.update(sorted(visible, key=lambda key: (cells[key].learners, str(key)))[:1])
    return hidden


def _top_down(families: Mapping[Hashable | None, Iterable[Key]], cells: Mapping[Key, Node]) -> list[Hashable | None]:
    """Parents before their children's parents; a parent that is no cell itself (nobody answered it) comes first."""
    order: list[Hashable | None] = [parent for parent in families if parent is None or parent not in cells]
    for parent in order:
        order.extend(key for key in families[parent] if key in families)
    return order
