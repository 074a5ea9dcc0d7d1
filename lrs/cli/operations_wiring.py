"""Wires the operator's page: what the stores tell, who looks, and who shows it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lrs.store.holdings import LOADER, RECORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.routing import Route

    from lrs.api.operations.latest import Latest
    from lrs.api.operator import OperatorGate
    from lrs.cli.verdicts import Verdicts
    from lrs.kernel.parts import Part
    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder
    from lrs.store.engine import Engine
    from lrs.store.registry import Quota
    from lrs.store.tallies import Tallies


class OperationsWiring:
    """Everything about the operator's page of one process."""

    def __init__(self, settings: Settings, folder: ZoneFolder) -> None:
        self._settings = settings
        self._folder = folder

    def archive_route(
        self, gate: OperatorGate, engine: Engine, tallies: Tallies, quotas: Callable[[], Mapping[str, Quota]]
    ) -> Route:
        """What the recorder counted; on the gateway, which also knows the quotas."""
        from lrs.api.operations.flow_routes import flow_route  # noqa: PLC0415 - a process loads only its own parts

        def rates() -> dict[str, float]:
            return {app: quota.statements_per_second for app, quota in quotas().items()}

        return flow_route(gate, "archive", RECORDER, engine=engine, tallies=tallies, quotas=rates)

    def board_routes(self, engine: Engine, tallies: Tallies) -> list[Route]:
        """What the loader counted, and the page; on the board."""
        from lrs.api.operations.flow_routes import flow_route  # noqa: PLC0415
        from lrs.api.operations.rendering import OperatorPages  # noqa: PLC0415
        from lrs.api.operations.routes import operation_routes  # noqa: PLC0415
        from lrs.api.operator import OperatorGate  # noqa: PLC0415

        gate = OperatorGate.of(self._folder)
        pages = OperatorPages(
            zone=self._settings.zone.name,
            operator=self._settings.zone.operator,
            min_learners=self._settings.board.min_learners,
            gateway=gateway_origin(self._settings),
        )
        flow = flow_route(gate, "facts", LOADER, engine=engine, tallies=tallies)
        return [flow, *operation_routes(gate, self._latest, pages)]

    def observer(self, *, compares: bool) -> Part:
        """The part that looks; beside every board. `compares`: no accountant runs in this process."""
        from lrs.cli.observer import ObserverPart  # noqa: PLC0415

        return ObserverPart(self._settings, self._folder, self._latest, self.verdicts, compares=compares)

    @cached_property
    def verdicts(self) -> Verdicts:
        """Between the accountant, where it runs in this process, and the observer."""
        from lrs.cli.verdicts import Verdicts  # noqa: PLC0415

        return Verdicts()

    @cached_property
    def _latest(self) -> Latest:
        from lrs.api.operations.latest import Latest  # noqa: PLC0415

        return Latest()


def gateway_origin(settings: Settings) -> str:
    """Where an operator's browser finds the gateway: the public URL without its path, else `:port` on the same host."""
    if settings.zone.public_url:
        parts = urlsplit(settings.zone.public_url)
        return f"{parts.scheme}://{parts.netloc}"
    return f":{settings.gateway.port}"
