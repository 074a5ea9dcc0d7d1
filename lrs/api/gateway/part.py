"""The gateway as a part of a zone: from socket to clean stop."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvicorn

from lrs.api.gateway.app import Gateway
from lrs.api.gateway.authentication import Authentication
from lrs.api.gateway.authorities import Authorities
from lrs.api.gateway.batches import Limits
from lrs.api.gateway.id_authority import IdAuthority
from lrs.api.gateway.reading import Reading
from lrs.api.gateway.requests import Bodies
from lrs.api.gateway.writing import Writing
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.logs import get_logger
from lrs.kernel.parts import Check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.routing import BaseRoute

    from lrs.kernel.progress import ArchiveProgress
    from lrs.kernel.publishing import Publisher
    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder
    from lrs.store.archive import Archive
    from lrs.store.ids import IdIndex
    from lrs.store.registry import Registry

_MIB = 1024 * 1024
_BODIES_TOGETHER = 8  # largest bodies that may be in memory at once
_STOP_SECONDS = 4
_BEHIND = "the recorder is reading the log to its end"
_log = get_logger("gateway")


class GatewayPart:
    """The part `gateway`. `publisher` is started on the event loop that runs this part."""

    name = "gateway"

    def __init__(  # noqa: PLR0913 - what a gateway stands on, all by name
        self,
        settings: Settings,
        folder: ZoneFolder,  # noqa: ARG002 - documents and attachments will lie there
        *,
        publisher: Publisher,
        archive: Archive,
        ids: IdIndex,
        progress: ArchiveProgress,
        registry: Registry,
        process_checks: Callable[[], list[Check]] | None = None,
        operator_routes: Sequence[BaseRoute] = (),
    ) -> None:
        """`process_checks` are those of all parts of the process, for `/readyz`; the gateway's own when not given.

        `operator_routes` are served beside xAPI.
        """
        self._settings = settings
        self._publisher = publisher
        self._archive = archive
        self._ids = ids
        self._progress = progress
        self._registry = registry
        self._process_checks = process_checks or self.checks
        self._operator_routes = operator_routes
        self._server: uvicorn.Server | None = None
        self._knows_all = False
        self.port = settings.gateway.port
        """The port that is listened on; known once `run` listens where the setting says 0."""

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then answer what is under way. Raises `StopError` when the port is taken."""
        listener = _listen(self._settings.zone.host, self._settings.gateway.port)
        self.port = listener.getsockname()[1]
        authentication = Authentication(self._registry.credentials)
        writing, reading = self._resources()
        config = uvicorn.Config(
            self._application(authentication, writing, reading),
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        self._server = uvicorn.Server(config)
        # The zone's supervisor owns the signals, whichever thread this loop runs in.
        serving = asyncio.create_task(self._server._serve(sockets=[listener]))  # noqa: SLF001
        stopping = asyncio.create_task(stop.wait())
        learning = asyncio.create_task(self._learn())
        _log.info("gateway_listening", host=self._settings.zone.host, port=self.port)
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            self._server.should_exit = True
            await serving
            await writing.finish()
        finally:
            stopping.cancel()
            learning.cancel()
            listener.close()
            authentication.close()
            reading.close()

    def checks(self) -> list[Check]:
        """Whether the server answers, and whether it knows every id that was acknowledged before it started."""
        serving = self._server is not None and self._server.started and not self._server.should_exit
        return [
            Check("gateway_listening", serving, "" if serving else "the gateway does not listen yet"),
            Check("gateway_ids", self._knows_all, "" if self._knows_all else _BEHIND),
        ]

    async def _learn(self) -> None:
        """Wait until the recorder, and with it the id index, has passed what was on the log when this part started."""
        ends: dict[int, int] | None = None
        while ends is None:
            try:
                ends = await self._publisher.log_ends()
            except RetryError as error:
                _log.warning("log_end_unknown", error=str(error))
                await asyncio.sleep(error.after_seconds)
        while not await self._progress.wait_for(ends, 60):
            _log.warning("recorder_behind", ends=sum(ends.values()))
        self._knows_all = True
        _log.info("gateway_ready", ends=sum(ends.values()))

    def _ready(self) -> None:
        if not self._knows_all:
            raise RetryError("the id index", _BEHIND)

    def _resources(self) -> tuple[Writing, Reading]:
        limits = self._settings.gateway
        url = self._public_url()
        authorities = Authorities(url)
        writing = Writing(
            self._publisher,
            IdAuthority(self._ids, self._progress),
            limits=Limits(limits.max_statements, limits.max_statement_kb * 1024),
            publish_seconds=limits.publish_seconds,
            authorities=authorities,
        )
        reading = Reading(
            self._archive,
            self._publisher,
            self._progress,
            read_wait_seconds=limits.read_wait_seconds,
            threads=self._settings.store.readers,
            prefix=urlsplit(url).path.rstrip("/"),
            authorities=authorities,
        )
        return writing, reading

    def _application(self, authentication: Authentication, writing: Writing, reading: Reading) -> Gateway:
        max_body = self._settings.gateway.max_body_mb * _MIB
        return Gateway(
            authentication=authentication,
            writing=writing,
            reading=reading,
            bodies=Bodies(max_body, _BODIES_TOGETHER * max_body),
            progress=self._progress,
            ready=self._ready,
            checks=self._process_checks,
            operator_routes=self._operator_routes,
        )

    def _public_url(self) -> str:
        zone = self._settings.zone
        host = f"[{zone.host}]" if ":" in zone.host else zone.host
        return zone.public_url or f"http://{host}:{self.port}"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        problem = f"the gateway cannot listen on {host}:{port}: {error.strerror or error}"
        remedy = "End what uses the port, or choose another with AYUMI_GATEWAY__PORT (0: a free one)."
        raise StopError(problem, remedy=remedy) from error
