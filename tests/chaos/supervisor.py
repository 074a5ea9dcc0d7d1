"""The supervisor of a chaos zone: a program, so that it too can be killed. As `ayumi up`, behind a proxy.

`python -m tests.chaos.supervisor FOLDER PORT`: clients are told to reach the broker on PORT of loopback. Ends as
`ayumi up` does: with 1 when something is away, with 2 when a person has to act.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from lrs.cli.settings_loading import load_settings
from lrs.cli.up import run_until_signal, serve
from lrs.cli.zone import Zone
from lrs.kernel.errors import AyumiError, StopError
from lrs.kernel.logs import configure_logs


def main(folder: Path, port: int) -> int:
    """Run until SIGTERM; the exit code."""
    configure_logs(part="supervisor")
    advertised = {"advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}"}
    try:
        zone = Zone(folder, load_settings(folder), broker_properties=advertised)
        asyncio.run(run_until_signal(lambda stop: serve(zone, stop)))
    except AyumiError as error:
        print(error, flush=True)  # noqa: T201 - its last words
        return 2 if isinstance(error, StopError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
