"""A board over made-up facts as a process of its own: `python -m tests.support.board_process FOLDER PORT MIN_LEARNERS`.

One process owns one embedded engine, and the test process has one already. Says its port on standard output, then obeys
lines of JSON on standard input, each answered by a line; ends in order when the input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path
from typing import Any

from lrs.api.board import BoardPart
from lrs.kernel.errors import AyumiError
from lrs.kernel.logs import configure_logs
from lrs.kernel.settings import BoardSettings, Settings, ZoneSettings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.engine import Engine, facts_engine
from lrs.store.facts import Facts
from lrs.store.migrate import migrate
from lrs.store.tallies import Tallies
from tests.support.activities import PARTITIONS, made_activities, small_day
from tests.support.rows import records

OPERATOR = "みどり市教育委員会"


def main(root: Path, port: int, min_learners: int) -> None:
    """Serve until standard input ends."""
    configure_logs("debug", part="board")
    folder = ZoneFolder(root)
    folder.prepare()
    zone = ZoneSettings.model_validate({"operator": OPERATOR})
    settings = Settings(zone=zone, board=BoardSettings(port=port, min_learners=min_learners))
    engine = facts_engine(settings, folder)
    migrate(engine, "facts")
    facts, tallies = Facts(engine), Tallies(engine, OPERATOR)
    part = BoardPart(settings, folder, facts=facts, tallies=tallies, engine=engine)
    try:
        asyncio.run(_serve(part, facts, engine))
    except AyumiError as error:
        _tell({"error": str(error)})
    engine.close()


async def _serve(part: BoardPart, facts: Facts, engine: Engine) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def obey() -> None:
        while not part.checks()[0].ok and not stop.is_set():
            stop_seen.wait(0.005)
        if not stop.is_set():
            _tell({"port": part.port})
        for line in sys.stdin:
            _obey(json.loads(line), facts, engine)
            _tell({"done": True})
        loop.call_soon_threadsafe(stop.set)

    stop_seen = threading.Event()
    threading.Thread(target=obey, daemon=True).start()
    try:
        await part.run(stop)
    finally:
        stop.set()


def _obey(order: dict[str, Any], facts: Facts, engine: Engine) -> None:
    if "sql" in order:
        engine.command(order["sql"])
        return
    rows = small_day() if order.get("small_day") else made_activities(**order["load"])
    for row in rows:
        row["offset"] += order.get("shift", 0)
    for partition in range(PARTITIONS):
        facts.insert(records([row for row in rows if row["partition"] == partition]))


def _tell(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
