"""Changes an embedded store of a zone that does not run, as nobody should: `FOLDER STORE STATEMENT...`.

A process of its own, since one process opens one embedded store in its life.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lrs.cli.settings_loading import load_settings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.engine import archive_engine, facts_engine

_OPEN = {"archive": archive_engine, "facts": facts_engine}


def main(folder: str, store: str, *statements: str) -> None:
    """Run each statement."""
    engine = _OPEN[store](load_settings(Path(folder)), ZoneFolder(Path(folder)))
    for statement in statements:
        engine.command(statement)
    engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
