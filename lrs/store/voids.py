"""Which statements are voided, and by whom: in memory where this process alone writes the store, else asked each time.

Every read asks it. A look-up among ten million statements takes 2 ms for one id and 5 for a hundred, as long again as
what was asked for; here it takes none.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lrs.store.engine import Engine

_MOST = 200_000
"""How many ids are kept, some 100 bytes each; where there are more, the table is asked."""
_ALL = "SELECT DISTINCT target_id, app FROM statement_references WHERE is_voiding LIMIT {limit:UInt32}"
_SOME = """
SELECT DISTINCT target_id, app FROM statement_references
WHERE is_voiding AND target_id IN {ids:Array(FixedString(16))}
"""


class Voids:
    """(id, app) of what voiding statements name. One `Archive` of a process has it; any thread may ask."""

    def __init__(self, engine: Engine, *, most: int = _MOST) -> None:
        """`engine` is the archive's, migrated. Where it is embedded nobody else writes the table."""
        self._engine = engine
        self._most = most
        self._known: defaultdict[str, set[bytes]] = defaultdict(set)
        self._is_complete = False
        self._fits = engine.is_embedded
        self._lock = threading.Lock()

    def note(self, voided: Iterable[tuple[bytes, str]]) -> None:
        """(target, app) of voiding statements that are about to be written. Call it before they are."""
        if not self._fits:
            return
        with self._lock:
            for target, app in voided:
                self._known[app].add(target)
            if sum(map(len, self._known.values())) > self._most:
                self._fits = False
                self._known.clear()

    def among(self, apps: Mapping[bytes, str]) -> set[bytes]:
        """Which of the statements, each an id with its app, an app has voided that may: the one that sent it."""
        if self._fits and not self._is_complete:
            # What was noted before this query is in memory, what is written after it will be noted.
            self.note(self._engine.query(_ALL, {"limit": self._most + 1}))
            self._is_complete = True
        with self._lock:
            if self._fits:
                return {target for target, app in apps.items() if target in self._known.get(app, ())}
        pairs = set(self._engine.query(_SOME, {"ids": list(apps)}))
        return {target for target, app in pairs if apps[target] == app}
