"""One app's view of the zone in one version of xAPI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx

JSON = {"Content-Type": "application/json"}


class Zone(NamedTuple):
    """A running zone: the URL of its gateway, two apps of it, as key and secret, its broker and its name."""

    url: str
    drill: tuple[str, str]
    other: tuple[str, str]
    broker: str
    name: str


class Lrs:
    """Requests of an app, and what is said about their answers."""

    def __init__(self, http: httpx.Client, version: str) -> None:
        self.http = http
        self.version = version

    @property
    def is_v2(self) -> bool:
        """Whether this is xAPI 2.0."""
        return self.version.startswith("2")

    def ask(
        self,
        method: str,
        resource: str,
        *,
        headers: Mapping[str, str] | None = None,
        **options: Any,  # noqa: ANN401 - httpx's own
    ) -> httpx.Response:
        """One request to a resource such as `statements`."""
        versioned = {"X-Experience-API-Version": self.version, **(headers or {})}
        return self.http.request(method, f"/xAPI/{resource}", headers=versioned, **options)

    def post(self, *statements: Mapping[str, Any]) -> httpx.Response:
        """POST one statement, or several as a batch."""
        return self.ask("POST", "statements", json=statements[0] if len(statements) == 1 else list(statements))

    def store(self, *statements: Mapping[str, Any]) -> list[str]:
        """POST what is right; the ids."""
        answer = self.post(*statements)
        assert answer.status_code == 200, answer.text
        ids: list[str] = answer.json()
        return ids

    def find(self, statement_id: str, **parameters: str) -> dict[str, Any]:
        """The statement of an id, which is there."""
        answer = self.ask("GET", "statements", params={"statementId": statement_id, **parameters})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def stored(self, statement: Mapping[str, Any]) -> dict[str, Any]:
        """POST a statement, and what is then found of it."""
        return self.find(self.store(statement)[0])

    def select(self, **parameters: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - an Agent is an object
        """The statements of the first page."""
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}
        answer = self.ask("GET", "statements", params=texts)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["statements"]
        return found

    def refused(self, statement: Mapping[str, Any]) -> str:
        """POST what is wrong: the path that the refusal names."""
        return refusal(self.post(statement))["path"]


def refusal(answer: httpx.Response, status: int = 400) -> dict[str, str]:
    """The body of a refusal, which names a path or parameter and a rule."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    body: dict[str, str] = answer.json()
    assert body["path"]
    assert body["rule"]
    return body
