"""The documents of one app, as the tests ask for them."""

from __future__ import annotations

import json

import httpx

from tests.conformance.lrs import Lrs
from tests.conformance.statements import iri, learner

STATE, ACTIVITY, AGENT = "activities/state", "activities/profile", "agents/profile"
RESOURCES = [STATE, ACTIVITY, AGENT]
PROFILES = [ACTIVITY, AGENT]
ANY = {"If-None-Match": "*"}


class Documents:
    """The documents of one resource about an activity or an agent that nothing else uses."""

    def __init__(self, lrs: Lrs, resource: str, **parameters: str) -> None:
        self.lrs = lrs
        self.resource = resource
        self.id_name = "stateId" if resource == STATE else "profileId"
        about = {} if resource == AGENT else {"activityId": iri()}
        whose = {} if resource == ACTIVITY else {"agent": json.dumps(learner())}
        self.about = {**about, **whose, **parameters}

    def ask(
        self,
        method: str,
        name: str | None = "a",
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """One request about the document `name`, or about all."""
        parameters = self.about | ({self.id_name: name} if name else {}) | (params or {})
        return self.lrs.ask(method, self.resource, params=parameters, headers=headers, content=content)

    def put(self, content: bytes = b"{}", name: str = "a", content_type: str = "application/json") -> None:
        """Make a document."""
        answer = self.ask("PUT", name, content=content, headers={"Content-Type": content_type, **ANY})
        assert answer.status_code == 204, answer.text

    def content(self, name: str = "a") -> bytes:
        """What is in a document, which is there."""
        answer = self.ask("GET", name)
        assert answer.status_code == 200, answer.text
        return answer.content

    def etag(self, name: str = "a") -> str:
        """The ETag of a document, as it is written."""
        tag: str = self.ask("GET", name).headers["ETag"]
        return tag

    def names(self, **parameters: str) -> list[str]:
        """The ids of all documents."""
        answer = self.ask("GET", None, params=parameters)
        assert answer.status_code == 200, answer.text
        found: list[str] = answer.json()
        return sorted(found)


def required(resource: str) -> list[str]:
    """The parameters that every request to a resource has."""
    return {STATE: ["activityId", "agent"], ACTIVITY: ["activityId"], AGENT: ["agent"]}[resource]
