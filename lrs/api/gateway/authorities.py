"""The authority of a statement: the app whose credential brought it, as an Agent (xAPI 1.0.3 Data 2.4.9)."""

from __future__ import annotations

import orjson


class Authorities:
    """Authorities by app, made once each. Apps are few: the registry names them."""

    def __init__(self, home_page: str) -> None:
        self._home_page = home_page
        self._known: dict[str, bytes] = {}

    def of(self, app: str) -> bytes:
        """The JSON of the Agent that stands for `app`."""
        known = self._known.get(app)
        if known is None:
            account = {"homePage": self._home_page, "name": app}
            known = self._known[app] = orjson.dumps({"objectType": "Agent", "account": account})
        return known
