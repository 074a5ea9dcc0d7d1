"""What was handed out and is not yet acknowledged, and the count of how sending went. Belongs to one event loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_KEPT_SURPRISES = 20


class Numbered(NamedTuple):
    """An emission on its way: its place in the stream, its body, whether the gateway should reject it, or may only.

    A gateway that was just restarted may let a conflict pass for the recorder to refuse; nothing excuses any other.
    """

    number: int
    body: bytes
    rejectable: bool
    conflict: bool


class Ledger:
    """The open emissions of one run and the numbers of its report."""

    def __init__(self, progress: Callable[[int], None] | None = None) -> None:
        """`progress` is called with the number of emissions settled so far."""
        self._progress = progress
        self._open: set[int] = set()
        self._settled = asyncio.Event()
        self._aborted = False
        self.statuses: Counter[int] = Counter()
        self.answered = 0
        self.confirmed = 0
        self.resent = 0
        self.unsent = 0
        self.surprises: list[str] = []
        self.surprised = 0

    def open(self, number: int) -> None:
        """An emission was taken from the stream."""
        self._open.add(number)

    def is_open(self, number: int) -> bool:
        """Whether an emission is not settled yet."""
        return number in self._open

    async def wait_for(self, number: int) -> None:
        """Wait until an emission is settled, or will never be."""
        while number in self._open and not self._aborted:
            self._settled.clear()
            await self._settled.wait()

    def answer(self, emissions: list[Numbered], status: int) -> None:
        """The gateway answered these with `status`."""
        self.statuses[status] += len(emissions)
        self.answered += len(emissions)
        self._settle(emissions)

    def confirm(self, emissions: list[Numbered]) -> None:
        """The broker acknowledged these."""
        self.confirmed += len(emissions)
        self._settle(emissions)

    def give_up(self, emissions: Iterable[Numbered], why: str) -> None:
        """These are not known to have arrived."""
        lost = list(emissions)
        self.unsent += len(lost)
        self.surprise(why, len(lost))
        self._settle(lost)

    def abort(self) -> None:
        """A way broke down: nobody waits any longer."""
        self._aborted = True
        self._settled.set()

    def surprise(self, what: str, statements: int) -> None:
        """Something that the plan does not explain happened to this many statements."""
        self.surprised += statements
        if len(self.surprises) < _KEPT_SURPRISES:
            self.surprises.append(what)

    def _settle(self, emissions: Iterable[Numbered]) -> None:
        self._open.difference_update(each.number for each in emissions)
        self._settled.set()
        if self._progress is not None:
            self._progress(self.answered + self.confirmed + self.unsent)
