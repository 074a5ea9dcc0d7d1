"""A real gateway over made-up dead letters, in a process of its own: what a browser can open of it.

`python -m tests.support.gateway_pages_process FOLDER`: says port, and an app's key and secret, as a line of JSON on
standard output, and ends in order when standard input ends. There is no broker: these pages need none.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from lrs.api.gateway import GatewayPart
from lrs.api.operator import OperatorGate
from lrs.cli.letters_wiring import LettersWiring
from lrs.kernel.logs import configure_logs
from lrs.kernel.progress import ArchiveProgress
from lrs.kernel.reasons import Refusal
from lrs.kernel.settings import GatewaySettings, Settings, ZoneSettings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.archive import Archive
from lrs.store.dead_letters import DeadLetter, DeadLetters, Replay
from lrs.store.ids import IdIndex
from lrs.store.registry import open_registry
from producers.publisher import KafkaPublisher
from tests.support.letters import letter
from tests.support.log import received, statement
from tests.support.rows import key
from tests.support.stream_part import open_store

OPERATOR = "みどり市教育委員会"
APP = "kanji-drill"
QUIET_APP = "music"
HOURS, EACH_HOUR, REPLAYED = 60, 5, 5
HOSTILE = '<img src="https://elsewhere.example/x" onerror="alert(1)">\u202e'

_APPS = (APP, "arithmetic", "reading-aloud-for-the-fifth-and-sixth-grade-of-elementary-school", HOSTILE, "")
_WHERE = {
    Refusal.NOT_JSON: ("$", "the body is not JSON: unexpected end of data at byte 211"),
    Refusal.INVALID: (
        '$.context.contextActivities.grouping[3].definition.extensions["https://drill.example.jp/extensions/unit"]',
        "extension keys are IRIs with a scheme (xAPI Data 4.2)",
    ),
    Refusal.TOO_LARGE: ("$", "a statement has at most 1048576 bytes, this one has 2097152"),
    Refusal.CONFLICT: ("$.id", "the id is taken by a statement with other content (xAPI Data 2.4.1)"),
    Refusal.WRONG_ENVELOPE: ("value", HOSTILE * 3),
    Refusal.WRONG_PARTITION: ("partition", "the id belongs to partition 3"),
}


def main(root: Path) -> None:
    """Serve until standard input ends."""
    configure_logs("error", part="gateway")  # it would warn of the broker all the time
    folder = ZoneFolder(root)
    folder.prepare()
    zone = ZoneSettings.model_validate({"operator": OPERATOR, "name": "osaka"})
    settings = Settings(zone=zone, gateway=GatewaySettings(port=0))
    with ExitStack() as closing:
        engine = open_store("letters", folder, settings, closing)
        _fill(DeadLetters(engine))
        ids = IdIndex.open(folder.ids)
        closing.callback(ids.close)
        registry = open_registry(settings, folder)
        closing.callback(registry.close)
        publisher = KafkaPublisher(settings.broker, zone.name)
        letters = LettersWiring(settings, engine)
        part = GatewayPart(
            settings,
            folder,
            publisher=publisher,
            archive=Archive(engine),
            ids=ids,
            progress=ArchiveProgress(settings.broker.partitions),
            registry=registry,
            operator_routes=letters.operator_routes(OperatorGate.of(folder), publisher, ids),
            vendor_routes=letters.vendor_routes(),
        )
        credentials = {app: registry.credentials.add(app) for app in (APP, QUIET_APP)}
        asyncio.run(_serve(part, credentials))


def _fill(letters: DeadLetters) -> None:
    """A few letters in every hour of the last days, of every app and reason; some of them replayed."""
    made = list(_letters())
    letters.insert(made)
    replayed = made[-REPLAYED - 3 : -3]
    letters.mark_replayed(
        Replay(one.partition, one.offset, one.refused_at_ms, one.refused_at_ms + 5000, "replayed") for one in replayed
    )


def _letters() -> Iterator[DeadLetter]:
    now_ms = time.time_ns() // 1_000_000
    reasons = list(Refusal)
    for number in range(HOURS * EACH_HOUR):
        reason, app = reasons[number % len(reasons)], _APPS[number % len(_APPS)]
        at_ms = now_ms - (HOURS * EACH_HOUR - number) * 3_600_000 // EACH_HOUR
        path, rule = _WHERE[reason]
        one = key("id", number)
        answer = {"success": False, "response": HOSTILE + "鉄" * 300 + "x" * 500}
        yield letter(
            number,
            statement_id=one if app else None,
            app=app,
            reason=reason.value,
            path=path,
            rule=rule,
            stored_at_ms=at_ms,
            refused_at_ms=at_ms + 800,
            original=received(one, statement(one, result=answer), app=app)[1],
        )


async def _serve(part: GatewayPart, credentials: dict[str, tuple[str, str]]) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def obey() -> None:
        waiting = threading.Event()
        while not part.checks()[0].ok:
            waiting.wait(0.005)
        sys.stdout.write(json.dumps({"port": part.port, "credentials": credentials}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=obey, daemon=True).start()
    await part.run(stop)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
