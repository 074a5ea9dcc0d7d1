"""`/operator/archive/flow` and `/operator/facts/flow`: what a hop has counted, for whoever asks every few seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.store.flows import flow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.routing import Route

    from lrs.api.operator import OperatorGate
    from lrs.store.engine import Engine
    from lrs.store.tallies import Tallies

_LATEST_SECONDS = 4_102_448_400


def flow_route(  # noqa: PLR0913 - what the CLI wires
    gate: OperatorGate,
    store: str,
    hop: str,
    *,
    engine: Engine,
    tallies: Tallies,
    quotas: Callable[[], Mapping[str, float]] = dict,
) -> Route:
    """Answers as `Flow.to_json`; `since` (Unix seconds) is where recent hours begin. `quotas` is asked each time."""

    def report(query: Mapping[str, str]) -> dict[str, Any]:
        text = query.get("since", "0")
        if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LATEST_SECONDS):
            rule = f"parameter since must be an integer from 0 to {_LATEST_SECONDS}"
            raise RefusedError(Refusal.INVALID, rule)
        return flow(engine, tallies, hop, since=int(text), quotas=quotas()).to_json()

    return gate.answering(f"/operator/{store}/flow", report)
