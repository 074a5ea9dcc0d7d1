"""The authority of a statement: the app whose credential brought it, with the person when a token names one.

An Agent for an app alone; an anonymous Group of exactly two members for an app and its user (xAPI 1.0.3 Data 2.4.9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from lrs.api.gateway.access import Access


class Authorities:
    """Authorities by app, made once each. Apps are few: the registry names them."""

    def __init__(self, home_page: str) -> None:
        self._home_page = home_page
        self._known: dict[str, bytes] = {}

    def of(self, app: str) -> bytes:
        """The JSON of the Agent that stands for `app`."""
        known = self._known.get(app)
        if known is None:
            known = self._known[app] = orjson.dumps(_agent(self._home_page, app))
        return known

    def app_of(self, agent_key: str) -> str | None:
        """The app that an agent, by its key, stands for; None for any other agent."""
        prefix = f"account\x1f{self._home_page}\x1f"
        return agent_key.removeprefix(prefix) if agent_key.startswith(prefix) else None

    def of_caller(self, access: Access) -> bytes:
        """The JSON of the authority of what this caller writes."""
        app = access.credential.app
        user = access.token.user if access.token else None
        if user is None:
            return self.of(app)
        # Users are many: theirs is not kept.
        members = [_agent(self._home_page, app), _agent(user.home_page, user.name)]
        return orjson.dumps({"objectType": "Group", "member": members})

    def visible_to(self, access: Access) -> bytes | None:
        """The authority that statements have which this caller may see; None when its app decides, or nothing does.

        With statements/read/mine a person's token reads what the same app wrote for the same person: its holder is
        that person, who is not to read about others (xAPI 1.0.3 Communication 4.2).
        """
        by_user = access.token is not None and access.token.user is not None
        return self.of_caller(access) if by_user and access.visible_app is not None else None


def _agent(home_page: str, name: str) -> dict[str, Any]:
    return {"objectType": "Agent", "account": {"homePage": home_page, "name": name}}
