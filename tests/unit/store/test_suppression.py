"""What is hidden, against somebody who subtracts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lrs.store.suppression import Node, hidden_cells, too_few

LEAST = 10


def tree(draw: st.DrawFn) -> dict[str, set[int]]:
    """A random tree of cells by dotted name, with the learners behind each; a parent has its children's learners."""
    cells: dict[str, set[int]] = {}

    def grow(name: str, depth: int) -> set[int]:
        children = draw(st.integers(0, 4)) if depth else 0
        learners = set().union(*(grow(f"{name}.{index}", depth - 1) for index in range(children)))
        if not children:
            learners = draw(st.sets(st.integers(0, 40), min_size=1, max_size=25))
        cells[name] = learners
        return learners

    for index in range(draw(st.integers(1, 3))):
        grow(str(index), 3)
    return cells


def nodes(cells: dict[str, set[int]]) -> dict[str, Node]:
    return {name: Node(name.rpartition(".")[0] or None, len(learners)) for name, learners in cells.items()}


@given(st.composite(tree)())
def test_no_small_cell_is_shown_and_none_is_the_difference_of_shown_ones(cells: dict[str, set[int]]) -> None:
    hidden = hidden_cells(nodes(cells), LEAST)
    for name, learners in cells.items():
        children = [child for child in cells if child.rpartition(".")[0] == name]
        if name in hidden:
            assert hidden.issuperset(children)
            continue
        assert len(learners) >= LEAST
        rest = set().union(*(cells[child] for child in children if child in hidden))
        assert not too_few(len(rest), LEAST)


@given(st.composite(tree)())
def test_nothing_is_hidden_without_a_small_cell_beside_or_above(cells: dict[str, set[int]]) -> None:
    hidden = hidden_cells(nodes(cells), LEAST)
    if all(len(learners) >= LEAST for learners in cells.values()):
        assert not hidden
    for name in hidden:
        parent = name.rpartition(".")[0]
        siblings = [other for other in cells if other.rpartition(".")[0] == parent]
        assert parent in hidden or any(too_few(len(cells[other]), LEAST) for other in siblings)


def test_the_smallest_neighbour_goes_with_a_small_cell() -> None:
    cells = {"a": Node(None, 100), "b": Node("a", 9), "c": Node("a", 50), "d": Node("a", 41)}
    assert hidden_cells(cells, LEAST) == {"b", "d"}


def test_cells_without_a_shown_total_need_no_neighbour() -> None:
    cells = {"a": Node(None, 3), "b": Node(None, 30), "c": Node("nobody answered this", 4)}
    assert hidden_cells(cells, LEAST) == {"a", "c"}


def test_nobody_is_not_too_few() -> None:
    assert [too_few(number, LEAST) for number in (0, 1, 9, 10)] == [False, True, True, False]
