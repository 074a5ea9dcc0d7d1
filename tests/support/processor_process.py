"""One processor as a process of its own: something to kill. `python -m tests.support.processor_process SETTINGS`."""

from __future__ import annotations

import asyncio
import signal
import sys

from lrs.kernel.settings import Settings
from processors.processor import ProcessorPart
from tests.support.learning import ROOT_KEY


async def main(settings: str) -> None:
    """Run until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await ProcessorPart(Settings.model_validate_json(settings), root_key=ROOT_KEY).run(stop)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
