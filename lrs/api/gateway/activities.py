"""GET of activities: an Activity with all that is known of it (xAPI 1.0.3 Communication 2.5)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from lrs.api.gateway.access import Action
from lrs.api.gateway.answers import JSON, Answer, bad_request
from lrs.api.gateway.document_parameters import read_query
from lrs.api.gateway.preconditions import quoted
from lrs.kernel.statements.iris import is_iri
from lrs.store.registry.documents import etag_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor

    from lrs.api.gateway.calls import Call
    from lrs.store.definitions import Definitions

_SECTION = "(xAPI Communication 2.5)"
_encode = msgspec.json.Encoder().encode


class ActivityResource:
    """The activities resource, for GET and HEAD."""

    def __init__(self, definitions: Definitions, threads: Executor, caught_up: Callable[[], Awaitable[object]]) -> None:
        """`caught_up` waits until what was acknowledged is readable; then `threads` ask the archive."""
        self._definitions = definitions
        self._threads = threads
        self._caught_up = caught_up

    async def get(self, call: Call) -> Answer:
        """The Activity, with the definition made of all that the caller may see; one nobody defined has only its id."""
        call.access.require(Action.DEFINITIONS)
        given = read_query(call.query, ("activityId",), "GET of activities", _SECTION)
        activity_id = given.get("activityId")
        if activity_id is None or not is_iri(activity_id):
            raise bad_request("activityId", f"GET of activities has the parameter activityId, an IRI {_SECTION}")
        await self._caught_up()
        ask = partial(self._definitions.of, [activity_id], call.access.visible_app)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        activity: dict[str, Any] = {"objectType": "Activity", "id": activity_id}
        if activity_id in found:
            activity["definition"] = found[activity_id]
        body = _encode(activity)
        return Answer(200, body, JSON, ((b"etag", quoted(etag_of(body))),))
