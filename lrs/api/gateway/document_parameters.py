"""The parameters of the document resources: each known, once, well-formed (xAPI 1.0.3 Communication 2.3, 2.6, 2.7)."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl

from lrs.api.gateway.agent_parameter import read_agent
from lrs.api.gateway.answers import bad_request
from lrs.kernel.statements.agents import agent_key
from lrs.kernel.statements.iris import is_iri
from lrs.kernel.statements.timestamps import timestamp_ms
from lrs.kernel.statements.uuids import uuid_bytes
from lrs.store.registry.documents import Context, DocumentKind

_LONGEST_QUERY = 64 * 1024


class _Resource(NamedTuple):
    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    id_name: str
    section: str


_RESOURCES = {
    DocumentKind.STATE: _Resource(
        "the state resource",
        ("activityId", "agent"),
        ("registration",),
        "stateId",
        "(xAPI Communication 2.3)",
    ),
    DocumentKind.AGENT_PROFILE: _Resource(
        "the agent profile resource",
        ("agent",),
        (),
        "profileId",
        "(xAPI Communication 2.6)",
    ),
    DocumentKind.ACTIVITY_PROFILE: _Resource(
        "the activity profile resource",
        ("activityId",),
        (),
        "profileId",
        "(xAPI Communication 2.7)",
    ),
}


class Asked(NamedTuple):
    """What a request is about: one document, or all of a context when `document_id` is None."""

    context: Context
    document_id: str | None = None
    since_ms: int | None = None


def read_document_parameters(kind: DocumentKind, method: str, query: bytes) -> Asked:
    """What the query string asks for. Raises a 400 that names the parameter and the rule."""
    resource = _RESOURCES[kind]
    is_read = method in {"GET", "HEAD"}
    names = (*resource.required, *resource.optional, resource.id_name, *(("since",) if is_read else ()))
    given = read_query(query, names, f"{method} of {resource.name}", resource.section)
    for name in resource.required:
        if name not in given:
            raise bad_request(name, f"{resource.name} has the parameter {name} {resource.section}")
    if resource.id_name not in given and not (is_read or (method == "DELETE" and kind is DocumentKind.STATE)):
        raise bad_request(resource.id_name, f"a {method} names a document by {resource.id_name} {resource.section}")
    if resource.id_name in given and "since" in given:
        raise bad_request("since", f"since is for a list, so without {resource.id_name} {resource.section}")
    return _asked(kind, resource, given)


def read_query(query: bytes, names: tuple[str, ...], what: str, section: str) -> dict[str, str]:
    """The parameters of a query string. Raises a 400 for one that is not among `names`, repeated or empty."""
    rule = f"a query string is percent-encoded UTF-8, at most {_LONGEST_QUERY} bytes and 50 parameters"
    if len(query) > _LONGEST_QUERY:
        raise bad_request("query", rule)
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError as error:
        raise bad_request("query", rule) from error
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in names:
            raise bad_request(
                name[:80] or "query", f"{what} has the parameters {', '.join(names)}; case matters {section}"
            )
        if name in given:
            raise bad_request(name, f"a parameter is given once {section}")
        if not value:
            raise bad_request(name, f"a parameter is not empty {section}")
        given[name] = value
    return given


def _asked(kind: DocumentKind, resource: _Resource, given: dict[str, str]) -> Asked:
    activity_id = given.get("activityId", "")
    if activity_id and not is_iri(activity_id):
        raise bad_request("activityId", f"activityId is an IRI with a scheme {resource.section}")
    key = agent_key(read_agent(given["agent"])) if "agent" in given else ""
    registration = since_ms = None
    if "registration" in given:
        registration = uuid_bytes(given["registration"])
        if registration is None:
            raise bad_request("registration", f"registration is a UUID {resource.section}")
    if "since" in given:
        since_ms = timestamp_ms(given["since"])
        if since_ms is None:
            rule = f"since is an ISO 8601 timestamp; write the + of an offset as %2B {resource.section}"
            raise bad_request("since", rule)
    return Asked(Context(kind, activity_id, key, registration), given.get(resource.id_name), since_ms)
