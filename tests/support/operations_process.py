"""A real board in a process of its own, whose operator's page is shown the zones that standard input describes.

python -m tests.support.operations_process FOLDER
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from lrs.api.board import BoardPart
from lrs.api.operations.latest import Latest
from lrs.api.operations.rendering import OperatorPages
from lrs.api.operations.routes import operation_routes
from lrs.api.operator import OperatorGate
from lrs.kernel.logs import configure_logs
from lrs.kernel.settings import BoardSettings, Settings, ZoneSettings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.engine import facts_engine
from lrs.store.facts import Facts
from lrs.store.migrate import migrate
from lrs.store.tallies import Tallies
from tests.support.operations import Made

OPERATOR = "みどり市教育委員会"


def main(root: Path) -> None:
    """Serve until standard input ends."""
    configure_logs("debug", part="board")
    folder = ZoneFolder(root)
    folder.prepare()
    zone = ZoneSettings.model_validate({"operator": OPERATOR, "name": "osaka"})
    settings = Settings(zone=zone, board=BoardSettings(port=0))
    engine = facts_engine(settings, folder)
    migrate(engine, "facts")
    latest = Latest()
    pages = OperatorPages(zone="osaka", operator=OPERATOR, min_learners=10, gateway=":8080")
    part = BoardPart(
        settings,
        folder,
        facts=Facts(engine),
        tallies=Tallies(engine, OPERATOR),
        engine=engine,
        more_routes=operation_routes(OperatorGate.of(folder), latest, pages),
    )
    asyncio.run(_serve(part, latest))
    engine.close()


async def _serve(part: BoardPart, latest: Latest) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def obey() -> None:
        waiting = threading.Event()
        while not part.checks()[0].ok:
            waiting.wait(0.005)
        _tell({"port": part.port})
        for line in sys.stdin:
            _show(json.loads(line), latest)
            _tell({"done": True})
        latest.close()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=obey, daemon=True).start()
    await part.run(stop)


def _show(order: dict[str, Any], latest: Latest) -> None:
    """`made` are fields of `Made`; `changes` replace fields of the snapshot."""
    seen = Made(**order["made"]).snapshot(order["seconds"])
    latest.put(replace(seen, **order.get("changes", {})))


def _tell(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
