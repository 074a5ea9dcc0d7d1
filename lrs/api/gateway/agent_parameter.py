"""The parameter `agent` of documents and of GET agents: one Agent, no Group (xAPI 1.0.3 Communication 2.4, 2.6)."""

from __future__ import annotations

import msgspec

from lrs.api.gateway.answers import bad_request
from lrs.kernel.errors import RefusedError
from lrs.kernel.statements.agents import check_agent
from lrs.kernel.statements.decoding import UNREADABLE, count_strings
from lrs.kernel.statements.explanations import explain, repeated_key
from lrs.kernel.statements.shapes import Agent

_agent = msgspec.json.Decoder(Agent).decode
_encode = msgspec.json.Encoder().encode


def read_agent(value: str) -> Agent:
    """The Agent in `value`. Raises a 400 whose path begins with `agent`."""
    try:
        return _read(value.encode())
    except RefusedError as error:
        raise bad_request(f"agent{error.path[1:]}", error.rule) from error


def _read(raw: bytes) -> Agent:
    try:
        agent = _agent(raw)
        if count_strings(raw) != count_strings(_encode(agent)):
            raise repeated_key(raw)
    except UNREADABLE as error:
        if isinstance(error, msgspec.ValidationError) or not isinstance(error, msgspec.DecodeError):
            raise explain(raw, error, part="member") from error
        rule = f"agent is the JSON of an Agent: {error} (xAPI Communication 2.4)"
        raise bad_request("agent", rule) from error
    check_agent(agent, "$")
    return agent
