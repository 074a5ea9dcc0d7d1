"""The gateway as a part of a zone: from socket to clean stop."""

from __future__ import annotations

import asyncio
import math
import socket
import time
from typing import TYPE_CHECKING

import uvicorn

from lrs.api.gateway.admission import Admission
from lrs.api.gateway.answering import Answering
from lrs.api.gateway.app import Gateway
from lrs.api.gateway.authentication import Authentication
from lrs.api.gateway.backlog import Backlog
from lrs.api.gateway.bearer import open_bearer
from lrs.api.gateway.connections import connection_class
from lrs.api.gateway.cors import Cors
from lrs.api.gateway.requests import Bodies
from lrs.api.gateway.resources import Resources
from lrs.api.gateway.waiting import Waiting
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.logs import get_logger
from lrs.kernel.parts import Check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.routing import BaseRoute

    from lrs.api.letters.vendor import Authenticate
    from lrs.kernel.handover import Handover
    from lrs.kernel.progress import ArchiveProgress
    from lrs.kernel.publishing import EncodingPublisher
    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder
    from lrs.store.archive import Archive
    from lrs.store.ids import IdIndex
    from lrs.store.registry import Registry

_MIB = 1024 * 1024
_STOP_SECONDS = 4
_BEHIND = "the recorder is reading the log to its end"
_log = get_logger("gateway")


class GatewayPart:
    """The part `gateway`. `publisher` is started on the event loop that runs this part."""

    name = "gateway"

    def __init__(  # noqa: PLR0913 - what a gateway stands on, all by name
        self,
        settings: Settings,
        folder: ZoneFolder,
        *,
        publisher: EncodingPublisher,
        archive: Archive,
        ids: IdIndex,
        progress: ArchiveProgress,
        registry: Registry,
        handover: Handover | None = None,
        process_checks: Callable[[], list[Check]] | None = None,
        operator_routes: Sequence[BaseRoute] = (),
        vendor_routes: Callable[[Authenticate], Sequence[BaseRoute]] = lambda _: (),
    ) -> None:
        """`process_checks` are those of all parts of the process, for `/readyz`; the gateway's own when not given.

        `operator_routes` are served beside xAPI, and what `vendor_routes` makes, given who checks credentials.
        """
        self._settings = settings
        self._folder = folder
        self._publisher = publisher
        self._archive = archive
        self._ids = ids
        self._progress = progress
        self._registry = registry
        self._handover = handover
        self._process_checks = process_checks or self.checks
        self._operator_routes = operator_routes
        self._vendor_routes = vendor_routes
        self._backlog = Backlog(
            publisher,
            progress,
            max_statements=settings.gateway.max_backlog_statements,
            max_seconds=settings.gateway.max_backlog_seconds,
        )
        self._server: uvicorn.Server | None = None
        self._knows_all = False
        self.port = settings.gateway.port
        """The port that is listened on; known once `run` listens where the setting says 0."""

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then answer what is under way. Raises `StopError` when the port is taken."""
        authentication = Authentication(self._registry.credentials, open_bearer(self._settings.oidc))
        listener = _listen(self._settings.zone.host, self._settings.gateway.port)
        self.port = listener.getsockname()[1]
        resources = self._resources()
        settings = self._settings.gateway
        waiting = Waiting(
            settings.max_connections, header_seconds=settings.header_seconds, idle_seconds=settings.idle_seconds
        )
        config = uvicorn.Config(
            self._application(authentication, resources),
            http=connection_class(waiting),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=math.ceil(settings.idle_seconds),
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        self._server = uvicorn.Server(config)
        # The zone's supervisor owns the signals, whichever thread this loop runs in.
        serving = asyncio.create_task(self._server._serve(sockets=[listener]))  # noqa: SLF001
        stopping = asyncio.create_task(stop.wait())
        beside = asyncio.create_task(self._beside(waiting))
        _log.info("gateway_listening", host=self._settings.zone.host, port=self.port)
        try:
            await asyncio.wait((serving, stopping, beside), return_when=asyncio.FIRST_COMPLETED)
            self._server.should_exit = True
            await serving
            await resources.finish()
            if beside.done():
                beside.result()
        finally:
            stopping.cancel()
            beside.cancel()
            listener.close()
            authentication.close()
            resources.close()

    def checks(self) -> list[Check]:
        """Whether the server answers, and whether it knows every id that was acknowledged before it started."""
        serving = self._server is not None and self._server.started and not self._server.should_exit
        return [
            Check("gateway_listening", serving, "" if serving else "the gateway does not listen yet"),
            Check("gateway_ids", self._knows_all, "" if self._knows_all else _BEHIND),
        ]

    async def _beside(self, waiting: Waiting) -> None:
        """What goes on beside serving. Raises what ends one of it: without it nobody would be let in, or everybody."""
        await asyncio.gather(self._learn(), waiting.sweep(), self._backlog.watch())

    async def _learn(self) -> None:
        """Wait until the recorder, and with it the id index, has passed what was on the log when this part started."""
        ends: dict[int, int] | None = None
        while ends is None:
            asked_at_ms = time.time_ns() // 1_000_000
            try:
                ends = await self._publisher.log_ends()
            except RetryError as error:
                _log.warning("log_end_unknown", error=str(error))
                await asyncio.sleep(error.after_seconds)
        while not await self._progress.wait_for(ends, 60):
            _log.warning("recorder_behind", ends=sum(ends.values()))
        self._progress.passed(asked_at_ms)
        self._knows_all = True
        _log.info("gateway_ready", ends=sum(ends.values()))

    def _ready(self) -> None:
        if not self._knows_all:
            raise RetryError("the id index", _BEHIND)
        self._backlog.check()

    def _resources(self) -> Resources:
        return Resources(
            self._settings,
            self._folder,
            url=self._public_url(),
            handover=self._handover,
            publisher=self._publisher,
            archive=self._archive,
            ids=self._ids,
            progress=self._progress,
            registry=self._registry,
            ready=self._ready,
            taken=self._backlog.take,
        )

    def _application(self, authentication: Authentication, resources: Resources) -> Gateway:
        settings = self._settings.gateway
        max_body = settings.max_body_mb * _MIB
        cors = Cors(settings.cors_origins)
        return Gateway(
            routes=resources.routes,
            admission=Admission(authentication, Bodies(max_body, max(2 * max_body, settings.max_bodies_mb * _MIB))),
            answering=Answering(cors),
            cors=cors,
            consistency=resources.consistency,
            checks=self._process_checks,
            operator_routes=[*self._operator_routes, *self._vendor_routes(authentication.authenticate)],
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
