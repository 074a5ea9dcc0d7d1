"""A part that runs while a test looks on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lrs.kernel.parts import Part


@asynccontextmanager
async def running(part: Part) -> AsyncIterator[asyncio.Task[None]]:
    """Run the part; stop it at the end. A part that fails fails the test, also while it waits for something else."""
    stop = asyncio.Event()
    task = asyncio.get_running_loop().create_task(part.run(stop))
    watcher = asyncio.current_task()
    assert watcher is not None
    failed = False

    def fail(_: asyncio.Task[None]) -> None:
        nonlocal failed
        if not stop.is_set():
            failed = True
            watcher.cancel()

    task.add_done_callback(fail)
    try:
        yield task
    except asyncio.CancelledError:
        if failed:
            watcher.uncancel()
            task.result()
        raise
    finally:
        stop.set()
        if not failed:
            await asyncio.wait_for(task, 15)
