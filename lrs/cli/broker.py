"""One Apache Kafka node as a child process: prepared, started, asked whether it is ready, and stopped.

Decision 0001 tells where it comes from and why. It listens on loopback only and owns its data folder.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shutil
import string
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from lrs.cli.children import end, exited, spawn
from lrs.cli.jars import class_path
from lrs.cli.java import Archiving, Java
from lrs.cli.ports import free_port, is_free
from lrs.cli.progress_bars import Track, bytes_bar
from lrs.cli.threads import in_daemon_thread
from lrs.kernel.contract import DEPLOY_KAFKA
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.logs import get_logger
from lrs.kernel.settings import BrokerSettings

log = get_logger("broker")

_FORMAT_SECONDS = 60.0
_READY_SECONDS = 90.0
_STOP_SECONDS = 6.0
_PORT_SECONDS = 1.0
_POLL_SECONDS = 0.05
_LOG_TAIL_BYTES = 65536
_BATCH_HEAD_BYTES = 17  # of Kafka's record batch: base offset, length, leader epoch, magic
_BATCH_MAGIC = b"\x02"
_KNOWN_ENDS = (
    ("Failed to acquire lock", "Another broker runs on this folder: stop it first."),
    ("Address already in use", "Set AYUMI_BROKER__PORT to a free port, or to 0 for any."),
    ("No space left on device", "Free some space on that disk; nothing is lost, start again afterwards."),
    ("Too small maximum heap", "Give it more memory with AYUMI_BROKER__HEAP_MB."),
    ("java.lang.OutOfMemoryError", "Give it more memory with AYUMI_BROKER__HEAP_MB."),
)


class Broker:
    """A broker whose data lies in `folder` and whose logs go to `logs`.

    `settings.port` 0 becomes a free port, kept for the life of this object; `settings` and `address` tell it. `start`,
    `ready` and `stop` may be repeated: a broker that died is started again on the same data.
    """

    def __init__(  # noqa: PLR0913 - where everything lies, and what differs from the usual node
        self,
        folder: Path,
        logs: Path,
        settings: BrokerSettings,
        *,
        cache: Path,
        track: Track = bytes_bar,
        properties: Mapping[str, str] | None = None,
        cluster: str = "",
    ) -> None:
        """`properties` replace or join those of deploy/kafka/server.properties; `cluster`: the id of a new folder's."""
        port = settings.port or free_port()
        self.settings = settings.model_copy(update={"port": port, "bootstrap_servers": ""})
        self.address = f"127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._folder = folder
        self._logs = logs
        self._cache = cache
        self._track = track
        self._properties = dict(properties or {})
        self._cluster = cluster
        self._archiving: Archiving | None = None
        self._java: Java | None = None
        self._log_from = 0

    @property
    def data(self) -> Path:
        """Where the log segments lie."""
        return self._folder / "data"

    @property
    def log_file(self) -> Path:
        """The broker's own log."""
        return self._logs / "broker.log"

    async def start(self) -> None:
        """Fetch what is missing, check the machine and the folder, format a new one, and start the process.

        Raises `StopError` with what to do: no network for the first download, a port in use, too little disk, a
        damaged data folder.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        self._check_disk()
        await self._check_port()
        formatted = self._is_formatted()
        jars = await in_daemon_thread(lambda: class_path(self._cache, track=self._track))
        java = Java(jars, self._cache)
        properties = self._write_properties(self.data)
        if not formatted:
            await self._format(java)
        self._log_from = self.log_file.stat().st_size if self.log_file.exists() else 0
        command = java.command(
            "kafka.Kafka",
            str(properties),
            heap_mb=self.settings.heap_mb,
            class_list=self._class_list,
            **self._log_options(),
        )
        self._java = java
        self.process = spawn(command, output=self._logs / "broker.out")
        log.info("broker_started", pid=self.process.pid, port=self.settings.port)

    async def ready(self, timeout_seconds: float = _READY_SECONDS) -> None:
        """Wait until a metadata request is answered. Raises `StopError` when the process ends or the time runs out."""
        began = time.monotonic()
        while not await self.answers():
            if self.process is None or self.process.poll() is not None:
                raise self._ended()
            if time.monotonic() - began > timeout_seconds:
                raise StopError(
                    f"the broker did not answer within {timeout_seconds:.0f} s", remedy=f"Read {self.log_file}."
                )
            await asyncio.sleep(_POLL_SECONDS)
        log.info("broker_became_ready", port=self.settings.port, seconds=round(time.monotonic() - began, 2))

    async def answers(self) -> bool:
        """Whether it answers a metadata request now. The first time, it also begins to make the class-data archive."""
        from processors.topic_admin import brokers_alive  # noqa: PLC0415 - 200 ms; the help text needs no Kafka client

        try:  # a bare connection first: the client would log each refusal
            _, writer = await asyncio.open_connection("127.0.0.1", self.settings.port)
            writer.close()
            alive = await brokers_alive(self.settings) > 0
        except (OSError, RetryError):
            return False
        if alive and self._java and not self._archiving:
            self._archiving = self._java.start_archiving(self._class_list, self._logs / "class-archive.out")
            self._java = None
        return alive

    def tend(self) -> None:
        """Put a finished class-data archive in its place; cheap, to be called now and then."""
        if self._archiving and self._archiving.settle():
            self._archiving = None

    @property
    def running(self) -> subprocess.Popen[bytes]:
        """The process that `start` made."""
        if self.process is None:
            raise StopError("the broker was not started", remedy="Call start() first.")
        return self.process

    async def stop(self, grace_seconds: float = _STOP_SECONDS) -> None:
        """End the process: politely, after `grace_seconds` by force. Its data survives either."""
        if self._archiving:
            self._archiving.abandon()
            self._archiving = None
        if self.process is None:
            return
        polite = await end(self.process, grace_seconds)
        log.info("broker_stopped", pid=self.process.pid, killed=not polite)
        self.process = None
        with contextlib.suppress(OSError):
            self._class_list.unlink(missing_ok=True)

    @property
    def _class_list(self) -> Path:
        return self._folder / "classes.list"

    def _log_options(self) -> dict[str, Path]:
        return {"logs": self._logs, "log_settings": DEPLOY_KAFKA / "log4j2.properties"}

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self._folder).free >> 20
        if free < self.settings.min_free_disk_mb:
            raise StopError(
                f"too little disk for the broker: {free} MiB are free in {self._folder}, "
                f"it wants {self.settings.min_free_disk_mb}",
                remedy="Free some space, use a folder on another disk, or lower AYUMI_BROKER__MIN_FREE_DISK_MB.",
            )

    async def _check_port(self) -> None:
        # A moment of patience: the kernel may still be taking down a broker that was killed just now.
        deadline = time.monotonic() + _PORT_SECONDS
        while not is_free(self.settings.port):
            if time.monotonic() < deadline:
                await asyncio.sleep(_POLL_SECONDS)
                continue
            raise StopError(
                f"port {self.settings.port} is in use, the broker cannot listen on it",
                remedy="Stop what listens there, set AYUMI_BROKER__PORT to another port, or to 0 for a free one.",
            )

    def _is_formatted(self) -> bool:
        """Whether the data folder belongs to a broker; False when it is new. Raises `StopError` when it is damaged."""
        if not self.data.exists() or not any(self.data.iterdir()):
            return False
        identity = self.data / "meta.properties"
        try:
            lines = identity.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise self._damaged(f"meta.properties cannot be read ({error})") from error
        values = dict(line.partition("=")[::2] for line in lines if "=" in line and not line.startswith("#"))
        node = self._properties.get("node.id", "1")
        if values.get("version") != "1" or values.get("node.id") != node or len(values.get("cluster.id", "")) != 22:
            raise self._damaged(f"meta.properties does not name version 1, node.id {node} and a cluster.id")
        self._check_metadata_log()
        return True

    def _check_metadata_log(self) -> None:
        """Kafka cuts a metadata log where it cannot read it, forgets the topics behind and counts offsets anew.

        Every sink would take the new records for ones that it has: so look whether segments begin with a record batch.
        """
        segments = [path for path in (self.data / "__cluster_metadata-0").glob("*.log") if path.stat().st_size]
        for path in segments:
            with path.open("rb") as file:
                head = file.read(_BATCH_HEAD_BYTES)
            base, magic = int.from_bytes(head[:8], "big"), head[16:17]
            if len(head) < _BATCH_HEAD_BYTES or base != int(path.stem) or magic != _BATCH_MAGIC:
                raise self._damaged(f"the metadata log {path.name} is not readable")
        if not segments:
            raise self._damaged("the metadata log is missing")

    def _damaged(self, what: str) -> StopError:
        return StopError(
            f"the broker's data folder {self.data} is damaged: {what}",
            remedy="Restore it from a backup. If everything in it was archived, move the folder away and start again: "
            "the archive and the facts keep what they have.",
        )

    def _write_properties(self, data: Path) -> Path:
        template = string.Template((DEPLOY_KAFKA / "server.properties").read_text("utf-8"))
        controller_port = free_port(taken=frozenset({self.settings.port}))
        text = template.substitute(port=self.settings.port, controller_port=controller_port, data=data)
        # Of two lines with one name the later one counts.
        text += "".join(f"{name}={value}\n" for name, value in self._properties.items())
        path = self._folder / "server.properties"
        path.write_text(text, "utf-8")
        return path

    async def _format(self, java: Java) -> None:
        # In a folder of another name, renamed when whole: an interrupted format is no damaged folder.
        draft = self._folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        properties = self._write_properties(draft)
        arguments = ("format", "--cluster-id", self._cluster or new_cluster_id(), "--config", str(properties))
        command = java.command("kafka.tools.StorageTool", *arguments, heap_mb=64, **self._log_options())
        output = self._logs / "broker-format.out"
        process = spawn([command[0], "-XX:TieredStopAtLevel=1", *command[1:]], output=output)
        try:
            done = await exited(process, _FORMAT_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if not done or process.returncode != 0:
            said = " ".join(output.read_text("utf-8", "replace").split())[-300:]
            raise StopError(f"the broker's data folder could not be made: {said}", remedy=f"Read {self.log_file}.")
        if self.data.exists():
            self.data.rmdir()
        draft.replace(self.data)
        self._write_properties(self.data)

    def _ended(self) -> StopError:
        code = self.process.returncode if self.process else None
        said = self._last_error()
        remedy = next((remedy for sign, remedy in _KNOWN_ENDS if sign in said), f"Read {self.log_file}.")
        return StopError(f"the broker ended with code {code}: {said[:400]}", remedy=remedy)

    def _last_error(self) -> str:
        """The last line that Kafka logged as an error since the start, with its cause, or what Java printed."""
        lines: list[str] = []
        for path, begin in ((self._logs / "broker.out", 0), (self.log_file, self._log_from)):
            with contextlib.suppress(OSError), path.open("rb") as file:
                size = path.stat().st_size
                file.seek(max(begin if begin <= size else 0, size - _LOG_TAIL_BYTES))
                lines += file.read().decode("utf-8", "replace").splitlines()
        errors = [at for at, line in enumerate(lines) if " ERROR " in line or " FATAL " in line or "Error: " in line]
        if not errors:
            return lines[-1] if lines else "it said nothing"
        causes = [
            line.strip()
            for line in lines[errors[-1] :]
            if line.startswith(("Caused by", "java.", "org.apache", "kafka."))
        ]
        return " ".join([lines[errors[-1]].strip(), *causes[-1:]])


def new_cluster_id(random: Callable[[], bytes] = lambda: uuid.uuid4().bytes) -> str:
    """16 random bytes as Kafka writes them. Never with a dash at the beginning: its tools take that for an option."""
    while (text := base64.urlsafe_b64encode(random()).decode().rstrip("=")).startswith("-"):
        pass
    return text
