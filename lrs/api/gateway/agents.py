"""GET of agents: what is known of one Agent, as a Person (xAPI 1.0.3 Communication 2.4)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from lrs.api.gateway.access import Action
from lrs.api.gateway.agent_parameter import read_agent
from lrs.api.gateway.answers import JSON, Answer, bad_request
from lrs.api.gateway.document_parameters import read_query
from lrs.api.gateway.preconditions import quoted
from lrs.kernel.statements.agents import agent_key
from lrs.store.registry.documents import etag_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor

    from lrs.api.gateway.authorities import Authorities
    from lrs.api.gateway.calls import Call
    from lrs.kernel.statements.shapes import Agent
    from lrs.store.agents import Agents

_SECTION = "(xAPI Communication 2.4)"
_encode = msgspec.json.Encoder().encode


class AgentResource:
    """The agents resource, for GET and HEAD."""

    def __init__(
        self, agents: Agents, threads: Executor, caught_up: Callable[[], Awaitable[object]], authorities: Authorities
    ) -> None:
        """`caught_up` waits until what was acknowledged is readable; then `threads` ask the archive."""
        self._agents = agents
        self._threads = threads
        self._caught_up = caught_up
        self._authorities = authorities

    async def get(self, call: Call) -> Answer:
        """A Person, for every valid Agent: with its identifier and all names that the caller may see."""
        call.access.require(Action.DEFINITIONS)
        given = read_query(call.query, ("agent",), "GET of agents", _SECTION)
        if "agent" not in given:
            raise bad_request("agent", f"GET of agents has the parameter agent {_SECTION}")
        agent = read_agent(given["agent"])
        await self._caught_up()
        access = call.access
        authority = self._authorities.visible_to(access)
        ask = partial(self._agents.names, agent_key(agent), access.visible_app, authority)
        names = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        body = _encode(_person(agent, names))
        return Answer(200, body, JSON, ((b"etag", quoted(etag_of(body))),))


def _person(agent: Agent, names: list[str]) -> dict[str, Any]:
    """Every property is a list; the identifier is the one that was asked for (an Agent is one persona of a Person)."""
    person: dict[str, Any] = {"objectType": "Person"}
    asked = [] if agent.name is UNSET else [agent.name]
    if asked or names:
        person["name"] = list(dict.fromkeys((*names, *asked)))
    for name in ("mbox", "mbox_sha1sum", "openid", "account"):
        value = getattr(agent, name)
        if value is not UNSET:
            person[name] = [value]
    return person
