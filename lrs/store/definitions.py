"""The distinct definitions of every activity, by app. Written by the recorder, merged by whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrs.kernel.statements.definitions import merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lrs.kernel.statements.definitions import Definition
    from lrs.store.engine import Engine

_COLUMNS = ("activity_id", "app", "digest", "learnt_at", "definition")
_MOST_SEEN = 65_536
_MOST_OF_ONE = 100
"""How many definitions of one activity are merged, the newest; an app that sends more of them sends nonsense."""
_READ = """
SELECT activity_id, definition FROM activity_definitions
WHERE activity_id IN {ids:Array(String)}%s
ORDER BY activity_id, learnt_at DESC, digest LIMIT {most:UInt32} BY activity_id
"""
_OF_EVERY_APP = _READ % ""
_OF_ONE_APP = _READ % " AND app = {app:String}"
_AT_ONCE = 500


class Definitions:
    """The table `activity_definitions`. `learn` is for one thread."""

    def __init__(self, engine: Engine) -> None:
        """`engine` is the archive's, migrated."""
        self._engine = engine
        self._seen: set[tuple[str, bytes]] = set()

    def learn(self, defined: Iterable[tuple[str, int, Sequence[Definition]]]) -> None:
        """Write those definitions of (app, stored_at_ms, definitions) that were not seen lately."""
        new: dict[tuple[str, bytes], tuple[object, ...]] = {}
        seen = self._seen
        for app, stored_at_ms, definitions in defined:
            for one in definitions:
                place = (app, one.digest)
                if place not in seen and place not in new:
                    new[place] = (one.activity_id, app, one.digest, stored_at_ms, one.content)
        if new:
            self._engine.insert("activity_definitions", _COLUMNS, list(new.values()))
            if len(seen) + len(new) > _MOST_SEEN:
                seen.clear()
            seen.update(new)

    def of(self, activity_ids: Iterable[str], app: str | None = None) -> dict[str, dict[str, Any]]:
        """What is known of activities, each made of all definitions that `app` sent; None: that any app sent."""
        wanted = list(dict.fromkeys(activity_ids))
        found: dict[str, list[bytes]] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            params = {"ids": wanted[start : start + _AT_ONCE], "most": _MOST_OF_ONE}
            if app is None:
                rows = self._engine.query(_OF_EVERY_APP, params, as_bytes=("definition",))
            else:
                rows = self._engine.query(_OF_ONE_APP, {**params, "app": app}, as_bytes=("definition",))
            for activity_id, content in rows:
                found.setdefault(activity_id, []).append(content)
        return {activity_id: merged(reversed(contents)) for activity_id, contents in found.items()}
