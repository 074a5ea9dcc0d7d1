"""The parameters of GET /xAPI/statements: each known, once, well-formed (xAPI 1.0.3 Communication 2.1.3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args
from urllib.parse import parse_qsl

import msgspec

from lrs.api.gateway.answers import bad_request
from lrs.api.gateway.cursors import MOST_STATEMENTS, Format, read_cursor
from lrs.kernel.errors import RefusedError
from lrs.kernel.statements.agents import agent_key, check_party
from lrs.kernel.statements.iris import is_iri
from lrs.kernel.statements.relations import Condition, about_activity, about_agent, of_registration, with_verb
from lrs.kernel.statements.shapes import Party
from lrs.kernel.statements.timestamps import timestamp_ms
from lrs.kernel.statements.uuids import uuid_bytes
from lrs.store.archive import StatementFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SECTION = "(xAPI Communication 2.1.3)"
_FORMATS = frozenset(get_args(Format))
_NUMBER = re.compile(r"[0-9]{1,9}").fullmatch
_party = msgspec.json.Decoder(Party).decode


class Wanted(NamedTuple):
    """What a GET asks for: one statement by id, a voided one by id, or a list."""

    filter: StatementFilter
    statement_id: bytes | None = None
    voided_id: bytes | None = None
    format: Format = "exact"
    attachments: bool = False


def read_parameters(query: bytes, app_of: Callable[[str], str | None]) -> Wanted:
    """The request behind a query string. Raises a 400 that names the parameter and the rule.

    `app_of` tells of an agent's key which app's authority it is, if any.
    """
    given = _values(query)
    named = [name for name in ("statementId", "voidedStatementId") if name in given]
    if named and given.keys() - {named[0], "format", "attachments"}:
        raise bad_request(named[0], f"{named[0]} goes only with format and attachments {_SECTION}")
    values = {name: _READERS[name](name, value) for name, value in given.items() if name != "cursor"}
    if "cursor" in given:
        # It holds the whole question; there are clients (Ralph's) that repeat their own parameters beside it.
        wanted, form, attachments = read_cursor(given["cursor"])
        return Wanted(wanted, format=form, attachments=attachments)
    wanted = StatementFilter(
        conditions=tuple(_conditions(values, app_of)),
        since_ms=values.get("since"),
        until_ms=values.get("until"),
        limit=min(values.get("limit", 0) or MOST_STATEMENTS, MOST_STATEMENTS),
        ascending=values.get("ascending", False),
    )
    return Wanted(
        wanted,
        values.get("statementId"),
        values.get("voidedStatementId"),
        values.get("format", "exact"),
        attachments=values.get("attachments", False),
    )


def _conditions(values: dict[str, Any], app_of: Callable[[str], str | None]) -> Iterator[Condition]:
    if "agent" in values:
        key = values["agent"]
        yield about_agent(key, related=values.get("related_agents", False), app=app_of(key))
    if "verb" in values:
        yield with_verb(values["verb"])
    if "activity" in values:
        yield about_activity(values["activity"], related=values.get("related_activities", False))
    if "registration" in values:
        yield of_registration(values["registration"])


def _values(query: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError as error:
        raise bad_request("query", "a query string is percent-encoded UTF-8 with at most 50 parameters") from error
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in _READERS and name != "cursor":
            raise bad_request(name[:80] or "query", f"this is no parameter of GET statements; case matters {_SECTION}")
        if name in given:
            raise bad_request(name, f"a parameter is given once {_SECTION}")
        given[name] = value
    return given


def _uuid(name: str, value: str) -> bytes:
    key = uuid_bytes(value)
    if key is None:
        raise bad_request(name, f"{name} is a UUID {_SECTION}")
    return key


def _iri(name: str, value: str) -> str:
    if not is_iri(value):
        raise bad_request(name, f"{name} is an IRI with a scheme {_SECTION}")
    return value


def _moment(name: str, value: str) -> int:
    moment = timestamp_ms(value)
    if moment is None:
        raise bad_request(name, f"{name} is an ISO 8601 timestamp; write the + of an offset as %2B {_SECTION}")
    return moment


def _count(name: str, value: str) -> int:
    if _NUMBER(value) is None:
        raise bad_request(name, f"{name} is a whole number from 0 {_SECTION}")
    return int(value)


def _truth(name: str, value: str) -> bool:
    if value not in {"true", "false"}:
        raise bad_request(name, f"{name} is true or false {_SECTION}")
    return value == "true"


def _format(name: str, value: str) -> Format:
    if value not in _FORMATS:
        raise bad_request(name, f"format is exact, ids or canonical {_SECTION}")
    return cast("Format", value)


def _agent(name: str, value: str) -> str:
    try:
        party = _party(value.encode("utf-8", "surrogatepass"))
        check_party(party, name)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(name, f"agent is the JSON of an Agent or identified Group {_SECTION}") from error
    except RefusedError as error:
        raise bad_request(error.path, error.rule) from error
    key = agent_key(party)
    if not key:
        raise bad_request(name, f"a Group that is asked for has an identifier {_SECTION}")
    return key


_READERS: dict[str, Callable[[str, str], Any]] = {
    "statementId": _uuid,
    "voidedStatementId": _uuid,
    "agent": _agent,
    "verb": _iri,
    "activity": _iri,
    "registration": _uuid,
    "related_activities": _truth,
    "related_agents": _truth,
    "since": _moment,
    "until": _moment,
    "limit": _count,
    "format": _format,
    "attachments": _truth,
    "ascending": _truth,
}
