"""The exact cells of a stopped zone's facts, as JSON: a program, for a process opens one embedded store in its life."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lrs.cli.settings_loading import load_settings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.engine import facts_engine
from lrs.store.exact_cells import code_cells, day_cells


def main() -> None:
    """Of the zone in the folder that the argument names."""
    folder = ZoneFolder(Path(sys.argv[1]))
    engine = facts_engine(load_settings(folder.root), folder)
    try:
        print(json.dumps({"days": day_cells(engine), "codes": code_cells(engine)}))  # noqa: T201 - its answer
    finally:
        engine.close()


if __name__ == "__main__":
    main()
