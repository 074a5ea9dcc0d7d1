"""Until when everything stored can be read: X-Experience-API-Consistent-Through (xAPI 1.0.3 Communication 2.1.3).

Clients ask for what is new `since` the time that the last answer told, which means later than that: so everything up to
and at that millisecond must be there, and a time that is too late costs them statements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrs.kernel.statements.timestamps import timestamp_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrs.api.gateway.answers import Header
    from lrs.kernel.progress import Progress

_NAME = b"x-experience-api-consistent-through"


class Consistency:
    """Of one gateway."""

    def __init__(self, progress: Progress, settled_ms: Callable[[], int]) -> None:
        """`settled_ms`: no statement that this gateway stamped as stored before then is still on its way to the log."""
        self._progress = progress
        self._settled_ms = settled_ms

    def begin(self) -> int:
        """The time to tell of what is read from now on, once the archive has passed the log's end as of after this."""
        return self._settled_ms() - 1  # this millisecond is not over

    def passed(self, at_ms: int) -> None:
        """The archive has passed the end that the log had after `at_ms` was begun."""
        self._progress.passed(at_ms)

    def headers(self, own: tuple[Header, ...]) -> tuple[Header, ...]:
        """What to add to an answer with headers of its `own`: nothing where they tell already."""
        if any(name == _NAME for name, _ in own):
            return ()
        through_ms = min(self._progress.consistent_through_ms(), self._settled_ms()) - 1
        return (self.header(max(0, through_ms)),)

    @staticmethod
    def header(through_ms: int) -> Header:
        """The header of an answer whose body holds everything that was stored until `through_ms`."""
        return _NAME, timestamp_text(through_ms).encode()
