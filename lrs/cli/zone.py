"""A whole zone on one machine: broker, record store, processors and facts as supervised children of this process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from lrs.cli.broker import Broker
from lrs.cli.child import Child, ChildState
from lrs.cli.children import end, spawn
from lrs.cli.log_files import last_sentence, trim_logs
from lrs.cli.plan import ProcessPlan, check_ports, processes, with_ports
from lrs.cli.probing import is_ready
from lrs.cli.progress_bars import Track, bytes_bar
from lrs.cli.settings_loading import cache_folder, environment_of
from lrs.cli.targets import write_targets
from lrs.cli.zone_lock import zone_lock
from lrs.cli.zone_state import write_zone_state
from lrs.kernel.errors import AyumiError, StopError
from lrs.kernel.logs import get_logger
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder

log = get_logger("supervisor")

_START_SECONDS = 180.0
_POLL_SECONDS = 0.05
_TEND_SECONDS = 10.0
# Together less than the 10 s within which Ctrl-C has to end everything.
_PARTS_GRACE_SECONDS = 5.0
_BROKER_GRACE_SECONDS = 3.0


class Zone:
    """The zone in `folder`. `async with Zone(...) as zone` starts it, and leaves no process behind.

    `settings` holds the ports as they are, `children` the processes in the order of their start.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        free_ports: bool = False,
        track: Track = bytes_bar,
        broker_properties: Mapping[str, str] | None = None,
    ) -> None:
        """`broker_properties` replace or join those of deploy/kafka/server.properties."""
        self.folder = ZoneFolder(folder.resolve())
        self.settings = with_ports(settings, free_ports=free_ports)
        self.children: list[Child] = []
        self._broker: Broker | None = None
        self._track = track
        self._broker_properties = broker_properties
        self._exit = contextlib.ExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._began = datetime.now(UTC)
        self._untold = False

    @property
    def addresses(self) -> dict[str, str]:
        """Where each interface is reached: URLs of `gateway`, `board` and each process, host:port of `broker`."""
        host = self.settings.zone.host
        shown = f"[{host}]" if ":" in host else {"0.0.0.0": "127.0.0.1"}.get(host, host)  # noqa: S104 - only shown
        urls = {plan.name: f"http://{shown}:{plan.port}" for plan in self._plans}
        broker = self.settings.broker
        return {
            "gateway": f"http://{shown}:{self.settings.gateway.port}",
            "board": f"http://{shown}:{self.settings.board.port}",
            "broker": broker.bootstrap_servers or f"127.0.0.1:{broker.port}",
            **urls,
        }

    async def start(self) -> None:
        """Start everything and return when every process is ready.

        Raises `StopError`, after stopping what was started, when a person has to act; `RetryError` when the zone is
        not ready in time.
        """
        self._prepare()
        self._exit.enter_context(zone_lock(self.folder))
        self._exit.callback(self._state_file.unlink, missing_ok=True)  # only whoever holds the lock may
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End every process within ten seconds: first the parts, together, then the broker they write to."""
        for child in self.children:
            child.let_go()
        parts = [child.process for child in self.children if child.name != "broker" and child.process]
        await asyncio.gather(*(end(process, _PARTS_GRACE_SECONDS) for process in parts))
        if self._broker:
            await self._broker.stop(_BROKER_GRACE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._exit.close()
        if self.children:
            log.info("zone_stopped", folder=str(self.folder.root))

    async def failure(self) -> None:
        """Return never, but raise what made a child refuse to go on."""
        while True:
            self._raise_failure()
            await asyncio.sleep(_POLL_SECONDS)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def _plans(self) -> list[ProcessPlan]:
        if not hasattr(self, "_planned"):
            self._planned = processes(self.settings)
        return self._planned

    @property
    def _state_file(self) -> Path:
        return self.folder.run / "zone.json"

    def _prepare(self) -> None:
        from lrs.store.folder_version import open_folder  # noqa: PLC0415 - the help text needs no store

        open_folder(self.folder, self.settings)

    async def _start(self) -> None:
        from processors.topic_admin import ensure_topics  # noqa: PLC0415 - 200 ms; the help text needs no Kafka client

        began = time.monotonic()
        check_ports(self.settings)
        write_targets(self.folder, self.settings.zone.name, self._plans, self.addresses)
        self._began = datetime.now(UTC)
        if not self.settings.broker.bootstrap_servers:
            await self._start_broker()
        # They load their libraries and open their stores while the broker starts, and wait for the topics themselves.
        environment = environment_of(self.settings, self.folder.root)
        for plan in self._plans:
            self._supervise(self._child(plan, environment))
        self._tasks.append(asyncio.create_task(self._tend()))
        await self._until(ChildState.READY, [child for child in self.children if child.name == "broker"])
        made = await ensure_topics(self.settings.broker, self.settings.zone.name)
        log.info("topics_ensured", made=len(made))
        await self._until(ChildState.READY, self.children)
        log.info(
            "zone_ready", folder=str(self.folder.root), seconds=round(time.monotonic() - began, 2), **self.addresses
        )

    async def _start_broker(self) -> None:
        broker = self._broker = Broker(
            self.folder.broker,
            self.folder.logs,
            self.settings.broker,
            cache=cache_folder(),
            track=self._track,
            properties=self._broker_properties,
        )
        await broker.start()
        first = True

        async def launch() -> subprocess.Popen[bytes]:
            nonlocal first
            if not first:
                await broker.start()
            first = False
            return broker.running

        child = Child("broker", launch, broker.answers, changed=self._write_state)
        self._supervise(child)

    def _child(self, plan: ProcessPlan, environment: dict[str, str]) -> Child:
        output = self.folder.logs / f"{plan.name}.log"
        command = [
            sys.executable,
            "-P",
            "-m",
            "lrs.cli",
            "run",
            *plan.parts,
            "--dir",
            str(self.folder.root),
            "--migrate",
        ]

        async def launch() -> subprocess.Popen[bytes]:
            return spawn(command, output=output, environment={**environment, **plan.environment}, append=True)

        async def asked() -> bool:
            return await is_ready(self.addresses[plan.name])

        return Child(plan.name, launch, asked, last_words=lambda: last_sentence(output), changed=self._write_state)

    def _supervise(self, child: Child) -> None:
        self.children.append(child)
        self._tasks.append(asyncio.create_task(child.supervise(), name=child.name))

    async def _until(self, state: ChildState, children: list[Child]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while any(child.state is not state for child in children):
            self._raise_failure()
            if time.monotonic() > deadline:
                late = ", ".join(child.name for child in children if child.state is not state)
                raise StopError(
                    f"not ready within {_START_SECONDS:.0f} s: {late}", remedy=f"Read the logs in {self.folder.logs}."
                )
            await asyncio.sleep(_POLL_SECONDS)

    def _raise_failure(self) -> None:
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()):
                if isinstance(error, AyumiError):
                    raise error
                raise StopError(
                    f"the supervisor of {task.get_name()} failed: {error!r}", remedy="Report this."
                ) from error

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(_TEND_SECONDS)
            trim_logs(self.folder.logs)
            if self._broker:
                self._broker.tend()
            if self._untold:
                self._write_state()

    def _write_state(self) -> None:
        """Tell other programs where everything is: whole or not at all, and only while it runs."""
        state = {
            "pid": os.getpid(),
            "zone": self.settings.zone.name,
            "started_at": self._began.isoformat(timespec="milliseconds"),
            "addresses": self.addresses,
            "children": [
                {"name": child.name, "pid": child.pid, "state": child.state.value, "restarts": child.restarts}
                for child in self.children
            ],
        }
        self._untold = not write_zone_state(self._state_file, state)
