"""The process `lrs` of a zone, gateway and recorder over one archive: for tests that speak HTTP to it, and kill it.

`python -m tests.support.lrs_process FOLDER SETTINGS.json`: prints the gateway's port and runs until SIGTERM.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop

from lrs.api.gateway import GatewayPart
from lrs.kernel.handover import Handover
from lrs.kernel.logs import configure_logs
from lrs.kernel.progress import ArchiveProgress
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.archive import Archive
from lrs.store.ids import IdIndex
from lrs.store.registry import open_registry
from lrs.store.tallies import Tallies
from processors.recorder import RecorderPart
from producers.publisher import KafkaPublisher
from tests.support.stream_part import open_store
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def lrs_process(folder: Path, settings: Settings) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The gateway's URL and the process; killed at the end if it still runs."""
    command = [sys.executable, "-m", "tests.support.lrs_process", str(folder), dump(settings)]
    environment = {**os.environ, "TZ": "UTC"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, "the lrs process did not start"
        try:
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()


def dump(settings: Settings) -> str:
    """Settings as JSON; these tests have no secrets in them."""
    return settings.model_dump_json(exclude={"store": {"archive_dsn", "facts_dsn"}, "registry": {"url"}})


async def run(folder: ZoneFolder, settings: Settings, closing: ExitStack) -> None:
    """Run both parts until SIGTERM."""
    folder.prepare()
    engine = open_store("recorder", folder, settings, closing)
    ids = IdIndex.open(folder.ids)
    closing.callback(ids.close)
    registry = open_registry(settings, folder)
    closing.callback(registry.close)
    archive, progress = Archive(engine), ArchiveProgress(settings.broker.partitions)
    tallies = Tallies(engine, settings.zone.operator)
    handover = Handover()
    recorder = RecorderPart(settings, archive=archive, tallies=tallies, ids=ids, progress=progress, handover=handover)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with KafkaPublisher(settings.broker, settings.zone.name) as publisher:
        gateway = GatewayPart(
            settings,
            folder,
            publisher=publisher,
            archive=archive,
            ids=ids,
            progress=progress,
            registry=registry,
            handover=handover,
        )
        parts = asyncio.gather(gateway.run(stop), recorder.run(stop))
        await eventually(lambda: parts.done() or gateway.checks()[0].ok)
        print(gateway.port, flush=True)  # noqa: T201 - how it tells its parent
        await parts


def main(folder: str, settings: str) -> None:
    """Run until SIGTERM."""
    configure_logs("warning")
    with ExitStack() as closing:
        uvloop.run(run(ZoneFolder(Path(folder)), Settings.model_validate_json(settings), closing))


if __name__ == "__main__":
    main(*sys.argv[1:])
