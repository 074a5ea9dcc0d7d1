"""Blocks that no engine needs to see: it would read columns of different lengths as something else."""

from __future__ import annotations

import pytest

from lrs.store.native import BlockError, block


def test_columns_of_different_lengths_are_no_block() -> None:
    with pytest.raises(BlockError, match="2 different lengths"):
        block(("a", "b"), ("UInt8", "String"), ((1, 2), ("x",)))


def test_recurring_and_other_strings_are_written_alike() -> None:
    values = ["あ", b"\x00raw", "あ", "", "x" * 20_000]
    plain, recurring = (block(("c",), (wire,), (values,)) for wire in ("String", "LowCardinality(String)"))
    assert recurring == plain
