"""A zone with several apps: `drill-a` writes something of everything, each with a mark in it; others ask for it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from lrs.kernel.settings import BrokerSettings, GatewaySettings, Settings, ZoneSettings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.registry import open_registry
from processors.topic_admin import ensure_topics
from tests.support.broker import complete, new_zone_name
from tests.support.lrs_process import lrs_process
from tests.support.waiting import eventually

VERSIONS = ["1.0.3", "2.0.0"]
WRITER = "drill-a"
SPY = "spy"
"""Tries out what one can write about foreign statements; nothing is said of what it lists."""
MARK = "mark-of-drill-a"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
FILE = b"the file of drill-a: mark-of-drill-a"
SHA2 = hashlib.sha256(FILE).hexdigest()
AGENT = {"account": {"homePage": "https://board.example.jp", "name": "pupil"}}
NAMED = {"objectType": "Agent", "name": MARK, **AGENT}
TEACHER = {"objectType": "Agent", "mbox": "mailto:teacher@board.example.jp"}
VERB = "http://adlnet.gov/expapi/verbs/answered"
ACTIVITY = "https://drill.example.jp/items/7"
PARENT = "https://drill.example.jp/books/1"
REGISTRATION = str(uuid.uuid4())
STATE = {"activityId": ACTIVITY, "agent": json.dumps(AGENT), "stateId": "bookmark"}
ACTIVITY_PROFILE = {"activityId": ACTIVITY, "profileId": "hints"}
AGENT_PROFILE = {"agent": json.dumps(AGENT), "profileId": "preferences"}
DOCUMENTS = {
    "/xAPI/activities/state": STATE,
    "/xAPI/activities/profile": ACTIVITY_PROFILE,
    "/xAPI/agents/profile": AGENT_PROFILE,
}

# Scopes of a reader of another app.
NARROW: dict[str, tuple[str, ...]] = {
    "default": (),
    "mine": ("statements/read/mine",),
    "mine and documents": ("statements/read/mine", "state", "profile"),
    "all its own": ("statements/write", "statements/read/mine", "state", "profile"),
}
WIDE: dict[str, tuple[str, ...]] = {
    "statements": ("statements/read",),
    "statements and documents": ("statements/read", "state", "profile"),
    "all/read": ("all/read",),
    "all": ("all",),
}
BLIND: dict[str, tuple[str, ...]] = {
    "writer": ("statements/write",),
    "state": ("state",),
    "profile": ("profile",),
    "both documents": ("state", "profile"),
}
LISTS: dict[str, dict[str, str]] = {
    "everything": {},
    "agent": {"agent": json.dumps(AGENT)},
    "agent anywhere": {"agent": json.dumps(TEACHER), "related_agents": "true"},
    "authority": {
        "agent": json.dumps({"account": {"homePage": "https://lrs.example.jp/a", "name": "drill-a"}}),
        "related_agents": "true",
    },
    "verb": {"verb": VERB},
    "voiding": {"verb": VOIDED},
    "activity": {"activity": ACTIVITY},
    "activity anywhere": {"activity": PARENT, "related_activities": "true"},
    "registration": {"registration": REGISTRATION},
    "since": {"since": "2020-01-01T00:00:00Z"},
    "until": {"until": "2100-01-01T00:00:00Z"},
    "ascending": {"ascending": "true"},
    "ids": {"format": "ids"},
    "canonical": {"format": "canonical"},
    "attachments": {"attachments": "true"},
    "together": {"agent": json.dumps(AGENT), "verb": VERB, "activity": ACTIVITY, "registration": REGISTRATION},
}


class Tenants(NamedTuple):
    """A zone with what `drill-a` wrote, and clients of it by the name of their scopes (`WRITER`: of `drill-a`)."""

    url: str
    clients: dict[tuple[str, str], httpx.Client]
    ids: dict[str, str]
    more: str

    def client(self, name: str, version: str = "1.0.3") -> httpx.Client:
        """Made once: a client takes longer to make than to use."""
        return self.clients[name, version]


def _client(url: str, auth: tuple[str, str], version: str) -> httpx.Client:
    return httpx.Client(base_url=url, auth=auth, headers={"X-Experience-API-Version": version}, timeout=60)


def marked(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
    return {
        "id": str(uuid.uuid4()),
        "actor": NAMED,
        "verb": {"id": VERB},
        "object": {"id": ACTIVITY, "definition": {"name": {"ja": MARK}, "description": {"en": MARK}}},
        "context": {
            "registration": REGISTRATION,
            "instructor": TEACHER,
            "contextActivities": {"parent": [{"id": PARENT, "definition": {"name": {"ja": MARK}}}]},
        },
        **changes,
    }


def own(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
    """What a reader writes itself: about the same learner and activity, without the mark."""
    return {"id": str(uuid.uuid4()), "actor": AGENT, "verb": {"id": VERB}, "object": {"id": ACTIVITY}, **changes}


def attachment(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
    return {
        "usageType": "https://drill.example.jp/usage/sheet",
        "display": {"ja": "用紙"},
        "contentType": "text/plain",
        "length": len(FILE),
        "sha2": SHA2,
        **changes,
    }


def parcel(statement: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    head = "Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: " + SHA2
    body = b"\r\n".join(
        (
            b"--edge\r\nContent-Type: application/json\r\n",
            json.dumps(statement).encode(),
            b"--edge",
            head.encode() + b"\r\n",
            FILE,
            b"--edge--\r\n",
        )
    )
    return body, {"Content-Type": "multipart/mixed; boundary=edge"}


def void(target: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "actor": TEACHER,
        "verb": {"id": VOIDED},
        "object": {"objectType": "StatementRef", "id": target},
    }


def _write_something_of_everything(client: httpx.Client) -> tuple[dict[str, str], str]:
    """The ids by what they are, and a `more` link."""
    attached, plain, gone, other = marked(attachments=[attachment()]), marked(), marked(), marked()
    voiding = void(gone["id"])
    body, headers = parcel(attached)
    answers = [client.post("/xAPI/statements", content=body, headers=headers)]
    answers += [client.post("/xAPI/statements", json=one) for one in (plain, gone, other, voiding)]
    for path, named in DOCUMENTS.items():
        answers.append(client.put(path, params=named, json={"secret": MARK}, headers={"If-None-Match": "*"}))
    assert [answer.is_success for answer in answers] == [True] * 8, [answer.text for answer in answers]
    listed = client.get("/xAPI/statements", params={"limit": "1"}).json()
    ids = {"attached": attached, "plain": plain, "gone": gone, "other": other, "void": voiding}
    return {name: one["id"] for name, one in ids.items()}, listed["more"]


@contextmanager
def tenants_of(broker: BrokerSettings, root: Path) -> Iterator[Tenants]:
    """A running zone in which `drill-a` has written something of everything."""
    name = new_zone_name()
    complete(ensure_topics(broker, name))
    settings = Settings(
        zone=ZoneSettings(name=name, operator="osaka", host="127.0.0.1", public_url="https://lrs.example.jp/a"),
        broker=broker,
        gateway=GatewaySettings(port=0, read_wait_seconds=30, publish_seconds=30),
    )
    folder = ZoneFolder(root)
    folder.prepare()
    registry = open_registry(settings, folder)
    readers = {**NARROW, **WIDE, **BLIND}
    keys = {name: registry.credentials.add(f"reader-{n}", scopes=readers[name]) for n, name in enumerate(readers)}
    keys[SPY] = registry.credentials.add("spy")
    keys[WRITER] = registry.credentials.add("drill-a")
    registry.close()
    with lrs_process(folder.root, settings) as (url, _), ExitStack() as closing:
        clients = {
            (name, version): closing.enter_context(_client(url, keys[name], version))
            for name in keys
            for version in VERSIONS
        }
        writer = clients[WRITER, "1.0.3"]
        complete(eventually(lambda: writer.get("/readyz").status_code == 200))
        ids, more = _write_something_of_everything(writer)
        yield Tenants(url, clients, ids, more)


def sees(text: str, tenants: Tenants) -> set[str]:
    """Which of the marked statements an answer speaks of."""
    return {name for name, statement_id in tenants.ids.items() if statement_id in text}
