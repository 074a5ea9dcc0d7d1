"""Health and metrics of a process none of whose parts speaks HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from lrs.kernel.errors import StopError
from lrs.kernel.logs import get_logger
from lrs.kernel.parts import Check

log = get_logger("health")


class HealthPart:
    """Serves `/metrics`, `/healthz` and `/readyz` on a port of its own."""

    name = "health"

    def __init__(self, host: str, port: int, checks: Callable[[], list[Check]]) -> None:
        self._host = host
        self.port = port
        """The port that is listened on; known once `run` listens where 0 was asked for."""
        self._checks = checks

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`. Raises `StopError` when the port is taken."""
        import uvicorn  # noqa: PLC0415 - a process with a gateway or a board has its own server
        from starlette.applications import Starlette  # noqa: PLC0415

        from lrs.api.health import health_routes  # noqa: PLC0415

        app = Starlette(routes=health_routes(self._checks))
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        with self._listen() as listener:
            self.port = listener.getsockname()[1]
            log.info("health_listening", host=self._host, port=self.port)
            # `serve` would take over the signals, which are the process's.
            serving = asyncio.create_task(server._serve(sockets=[listener]))  # noqa: SLF001
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            server.should_exit = True
            await serving

    def checks(self) -> list[Check]:
        """None of its own: it tells those of others."""
        return []

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            return socket.create_server((self._host, self.port), family=family)
        except OSError as error:
            raise StopError(
                f"cannot listen on {self._host}:{self.port} for metrics: {error.strerror or error}",
                remedy="End what uses the port, or set the part's METRICS_PORT to another, or to 0 for a free one.",
            ) from error
