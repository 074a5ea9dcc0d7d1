"""How many dead letters of `received` were kept: what the number of records that the recorder refused is held against.

From the tallies of the part `letters`, so the count stays when the letters themselves have become too old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrs.store.holdings import LETTERS, before

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrs.store.engine import Engine
    from lrs.store.tallies import Tallies

POSITION = f"{LETTERS}.position"
"""The hop under which it is noted before which offset of `refused` all letters are kept."""

# Tallies of one app and hour are merged into one row, and so cannot be cut at an offset; the rows themselves can. What
# lies behind the recorder's account came a moment ago, so none of it is too old.
_BEHIND = """
SELECT partition, groupBitmap(offset) FROM dead_letters
WHERE source = 'received' AND partition < length({reached:Array(UInt64)})
AND offset >= if(partition < length({ends:Array(UInt64)}), {ends:Array(UInt64)}[partition + 1], 0)
AND offset < {reached:Array(UInt64)}[partition + 1]
GROUP BY partition
"""


def letters_kept(engine: Engine, tallies: Tallies, ends: Mapping[int, int]) -> dict[int, int]:
    """For each partition of `received` how many letters were kept of the records before `ends`.

    `ends` must be of a moment ago at most, such as how far the recorder has counted.
    """
    account = tallies.account(LETTERS)
    kept = {partition: sum(counts.values()) for partition, counts in account.counts.items()}
    ahead = {partition: end for partition, (_, end) in account.spans.items() if end > ends.get(partition, 0)}
    if ahead:
        params = {"ends": before(ends), "reached": before(ahead)}
        for partition, letters in engine.query(_BEHIND.strip(), params, maintenance=True):
            kept[int(partition)] -= int(letters)
    return kept
