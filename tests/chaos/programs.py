"""Programs beside the zone: run to their end without holding the event loop, on the real clock, with a deadline."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import NamedTuple

from tests.chaos.world import true_time

_ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 240.0


class Ran(NamedTuple):
    """How a program ended: its exit code (-9: killed), what it printed, and the end of what it complained of."""

    code: int
    printed: bytes
    said: str


async def run_program(*words: str) -> Ran:
    """Run it from the repository's root. Raises `AssertionError` when it takes too long."""
    process = await asyncio.create_subprocess_exec(
        *words, cwd=_ROOT, env=true_time(os.environ), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_SECONDS):
            printed, said = await process.communicate()
    except TimeoutError:
        raise AssertionError(f"{' '.join(words[1:4])} took longer than {_SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ran(process.returncode, printed, said.decode("utf-8", "replace")[-2000:])
