"""The board as a part of a zone: an HTTP server on the part's own event loop, from socket to clean stop."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import uvicorn

from lrs.api.board.app import create_app
from lrs.api.board.reader import BoardReader
from lrs.api.board.rendering import Pages
from lrs.api.health import health_routes
from lrs.api.operator import OperatorGate, facts_operator_routes
from lrs.kernel.errors import StopError
from lrs.kernel.logs import get_logger
from lrs.kernel.parts import Check
from lrs.store.aggregates import Aggregates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.routing import BaseRoute

    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder
    from lrs.store.engine import Engine
    from lrs.store.facts import Facts
    from lrs.store.tallies import Tallies

_STOP_SECONDS = 5

_log = get_logger("board")


class BoardPart:
    """Serves the aggregates API, the pages and the operator's accounting of the facts."""

    name = "board"

    def __init__(  # noqa: PLR0913 - what the CLI wires
        self,
        settings: Settings,
        folder: ZoneFolder,
        *,
        facts: Facts,
        tallies: Tallies,
        engine: Engine,
        process_checks: Callable[[], list[Check]] | None = None,
        more_routes: Sequence[BaseRoute] = (),
    ) -> None:
        """`process_checks` are those of all parts of the process, for `/readyz`; the board's own when not given.

        `more_routes` are served beside its own: the operator's page.
        """
        self._settings = settings
        operator = facts_operator_routes(OperatorGate.of(folder), engine=engine, tallies=tallies, facts=facts)
        self._operator = [*operator, *more_routes]
        self._aggregates = Aggregates(engine, min_learners=settings.board.min_learners)
        self._process_checks = process_checks or self.checks
        self._server: uvicorn.Server | None = None
        self.port = settings.board.port
        """The port that is listened on; known once `run` listens where the setting says 0."""

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`. Raises `StopError` when the port is taken."""
        listener = _listen(self._settings.zone.host, self._settings.board.port)
        self.port = listener.getsockname()[1]
        reader = BoardReader(self._aggregates, threads=max(1, self._settings.store.readers - 1))
        pages = Pages(
            min_learners=self._settings.board.min_learners,
            operator=self._settings.zone.operator,
            gateway_url=self._gateway_url(),
        )
        more = [*self._operator, *health_routes(self._process_checks)]
        self._server = uvicorn.Server(
            uvicorn.Config(
                create_app(reader, pages, more),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )
        # The zone's supervisor owns the signals, whichever thread this loop runs in.
        serving = asyncio.create_task(self._server._serve(sockets=[listener]))  # noqa: SLF001
        stopping = asyncio.create_task(stop.wait())
        _log.info("board_listening", host=self._settings.zone.host, port=self.port)
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            self._server.should_exit = True
            await serving
        finally:
            stopping.cancel()
            listener.close()
            reader.close()

    def checks(self) -> list[Check]:
        """Whether the server answers."""
        serving = self._server is not None and self._server.started and not self._server.should_exit
        return [Check("board", serving, "" if serving else "the board does not listen yet")]

    def _gateway_url(self) -> str:
        zone = self._settings.zone
        return zone.public_url or f"http://{zone.host}:{self._settings.gateway.port}/xAPI"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise StopError(
            f"the board cannot listen on {host}:{port}: {error.strerror or error}",
            remedy="End what uses the port, or choose another with AYUMI_BOARD__PORT (0: a free one).",
        ) from error
    # asyncio sets this only where the protocol was named; without it an answer waits 40 ms for a delayed ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
