"""The owner's share of a backup: its store as of one moment, to be copied by whoever asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrs.store.backup_frozen import freeze

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import Route

    from lrs.api.operator import OperatorGate
    from lrs.store.engine import Engine


def freezing_route(gate: OperatorGate, store: str, engine: Engine) -> Route:
    """`POST /operator/<store>/freeze` answers with `Frozen.to_json`."""

    def report(_query: Mapping[str, str]) -> dict[str, Any]:
        return freeze(engine).to_json()

    return gate.answering(f"/operator/{store}/freeze", report, method="POST")
