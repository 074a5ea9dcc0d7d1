"""tincan, or edx-tincan-py35, driven line by line: `python tincan_driver.py ENDPOINT KEY SECRET VERSION`."""

from __future__ import annotations

import json
import sys
from typing import Any

from lines import RefusedError, serve  # type: ignore[import-not-found]  # beside this file
from tincan import (  # type: ignore[import-not-found]  # in an environment of its own
    Activity,
    Agent,
    RemoteLRS,
    Statement,
    StatementRef,
    Verb,
)
from tincan.documents import ActivityProfileDocument, StateDocument  # type: ignore[import-not-found]

Json = Any

endpoint, key, secret, version = sys.argv[1:]
lrs = RemoteLRS(endpoint=endpoint + "/", version=version, username=key, password=secret)


def good(answer: Any) -> Any:  # noqa: ANN401 - the library has no types
    """The answer, unless the record store refused."""
    if not answer.success:
        raise RefusedError(answer.response and answer.response.status, str(answer.data))
    return answer


def agent_of(agent: dict[str, Any]) -> Agent:
    return Agent.from_json(json.dumps(agent))


def statement_of(whole: dict[str, Any]) -> Statement:
    return Statement.from_json(json.dumps(whole))


def write(statements: list[dict[str, Any]]) -> list[str]:
    return [str(one.id) for one in good(lrs.save_statements([statement_of(one) for one in statements])).content]


def read(statement_id: str) -> Json:
    return json.loads(good(lrs.retrieve_statement(statement_id)).data)


def read_voided(statement_id: str) -> Json:
    return json.loads(good(lrs.retrieve_voided_statement(statement_id)).data)


def page(activity: str, limit: int) -> list[str]:
    found = good(lrs.query_statements({"activity": Activity(id=activity), "limit": limit})).content
    ids = [str(one.id) for one in found.statements]
    while found.more:
        found = good(lrs.more_statements(found)).content
        ids += [str(one.id) for one in found.statements]
    return ids


def void(statement_id: str, actor: dict[str, Any]) -> str:
    voiding = Statement(
        actor=agent_of(actor),
        verb=Verb(id="http://adlnet.gov/expapi/verbs/voided"),
        object=StatementRef(id=statement_id),
    )
    return str(good(lrs.save_statement(voiding)).content.id)


def change_profile(activity: str, name: str, content: Json, etag: str) -> None:
    document = ActivityProfileDocument(
        activity=Activity(id=activity), id=name, content=json.dumps(content), content_type="application/json", etag=etag
    )
    good(lrs.save_activity_profile(document))


def read_profile(activity: str, name: str) -> dict[str, Any]:
    answer = good(lrs.retrieve_activity_profile(Activity(id=activity), name))
    return {"content": json.loads(answer.data), "etag": answer.response.getheader("ETag")}


def write_state(activity: str, agent: dict[str, Any], name: str, content: Json) -> None:
    document = StateDocument(
        activity=Activity(id=activity),
        agent=agent_of(agent),
        id=name,
        content=json.dumps(content),
        content_type="application/json",
    )
    good(lrs.save_state(document))


def read_state(activity: str, agent: dict[str, Any], name: str) -> Json:
    answer = good(lrs.retrieve_state(Activity(id=activity), agent_of(agent), name))
    return None if answer.response.status == 404 else json.loads(answer.data)


def states(activity: str, agent: dict[str, Any]) -> Json:
    return json.loads(good(lrs.retrieve_state_ids(Activity(id=activity), agent_of(agent))).data)


def delete_state(activity: str, agent: dict[str, Any], name: str) -> None:
    good(lrs.delete_state(StateDocument(activity=Activity(id=activity), agent=agent_of(agent), id=name)))


serve(
    {
        "write": write,
        "read": read,
        "readVoided": read_voided,
        "page": page,
        "void": void,
        "changeProfile": change_profile,
        "readProfile": read_profile,
        "writeState": write_state,
        "readState": read_state,
        "states": states,
        "deleteState": delete_state,
    }
)
