"""Holds what a zone counted against the truth, and says what retries and restarts may have changed and what not.

Nothing may change what is archived, published, withheld or retracted. But a try whose result stayed unknown (a broken
connection, an unconfirmed write) is sent again and may then lie on the log twice: a duplicate that nobody planned. And
a gateway that was just restarted may not yet know the last statements, so a planned repeat or conflict passes its door
and the recorder settles it: a duplicate or a dead letter instead of a repeat or a rejection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from producers.simulator.truth import Truth

_EXACT = ("archived", "published", "withheld", "loaded", "retracted")


class Settlement(NamedTuple):
    """The two numbers that only the sender's side knows, what was logged beyond the plan, and what does not add up.

    `copies`: statements logged once more by a retry. `slipped`: planned repeats and conflicts that the recorder settled
    instead of the gateway. Both must be 0 when nothing was sent twice. `sent` = rejected + repeated + received.
    """

    sent: int
    repeated: int
    copies: int
    slipped: int
    differences: list[str]


def settle(truth: Truth, observed: Mapping[str, int], *, resent: int) -> Settlement:
    """Compare. `observed` needs `rejected received archived refused duplicate published withheld loaded retracted`."""
    planned = truth.counts()
    conflicts = planned["rejected"] - observed["rejected"]
    beyond = observed["received"] - planned["received"] - conflicts
    copies = min(max(beyond, 0), resent)
    slips = beyond - copies
    differences = [
        f"{name} is {observed[name]}, not {planned[name]}" for name in _EXACT if observed[name] != planned[name]
    ]
    for name, extra in (("refused", conflicts), ("duplicate", beyond)):
        if observed[name] != planned[name] + extra:
            differences.append(f"{name} is {observed[name]}, not {planned[name] + extra}")
    if not 0 <= conflicts <= (truth.rejected.get("conflict", 0) if resent else 0):
        differences.append(f"rejected is {observed['rejected']}, not {planned['rejected']}")
    if not 0 <= slips <= (planned["repeated"] if resent else 0):
        differences.append(f"received is {observed['received']}, not {planned['received']}")
    return Settlement(planned["sent"] + copies, planned["repeated"] - slips, copies, conflicts + slips, differences)
