"""What the archive knows of an agent: the names that it went by, under exactly one identifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrs.kernel.statements.relations import authority_key
from lrs.store.selecting import STATEMENTS

if TYPE_CHECKING:
    from lrs.store.engine import Engine

# The latest statements of an actor lie together and are read backwards; the names are taken out of those only.
_NAMES = """
SELECT JSONExtractString(raw, 'actor', 'name') AS name
FROM
(
    SELECT raw, stored_at FROM statements WHERE {conditions} ORDER BY stored_at DESC LIMIT {{most:UInt32}}
)
WHERE name != '' AND JSONExtractString(raw, 'actor', 'objectType') != 'Group'
GROUP BY name ORDER BY max(stored_at) DESC, name
"""
_MOST_STATEMENTS = 200


class Agents:
    """Reads the table `statements`."""

    def __init__(self, engine: Engine) -> None:
        """`engine` is the archive's, migrated."""
        self._engine = engine

    def names(self, actor_key: str, app: str | None, authority: bytes | None = None) -> list[str]:
        """The names in an agent's latest statements, each once, the latest first.

        `actor_key` is that of `lrs.kernel.statements.agents`; `app` None: of every app's statements; `authority` None:
        whatever authority they have. Groups with the same identifier are not asked.
        """
        conditions = ["actor_key = {actor:String}"]
        params: dict[str, object] = {"actor": actor_key, "most": _MOST_STATEMENTS}
        if app is not None:
            conditions.append("app = {app:String}")
            params["app"] = app
        if authority is not None:
            conditions.append(STATEMENTS.has_authority)
            params["authority"] = authority_key(authority)
        rows = self._engine.query(_NAMES.format(conditions=" AND ".join(conditions)), params)
        return [name for (name,) in rows]
