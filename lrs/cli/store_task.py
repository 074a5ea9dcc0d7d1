"""One task on one embedded store, in a process of its own: the engine serves one folder in the life of a process.

`python -m lrs.cli.store_task TASK DIR`, with the task's arguments as JSON on its input; it answers with JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrs.kernel.errors import AyumiError, StopError
from lrs.kernel.zone_folder import ZoneFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lrs.kernel.settings import Settings
    from lrs.store.engine import Engine


def run_task(task: str, folder: ZoneFolder, settings: Settings, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What a task answers. Raises `StopError` with what it said, when it could not be done."""
    from lrs.cli.settings_loading import environment_of  # noqa: PLC0415 - it imports as little as it can

    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-P", "-m", "lrs.cli.store_task", task, str(folder.root)],
        input=json.dumps(arguments),
        env=environment_of(settings, folder.root),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        said = (ran.stderr.strip().splitlines() or ["it said nothing"])[-1]
        problem, _, remedy = said.partition("\t")
        raise StopError(problem, remedy=remedy or "Report this.")
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def _freeze(engine: Engine, _settings: Settings, _given: Mapping[str, Any]) -> dict[str, Any]:
    from lrs.store.backup_frozen import freeze  # noqa: PLC0415 - as above

    return freeze(engine).to_json()


def _remember(engine: Engine, settings: Settings, _given: Mapping[str, Any]) -> dict[str, Any]:
    """What a store remembers of the log: (hop, partition, last offset), of letters too, and the last statements."""
    from lrs.store.log_memory import counted, last_archived, letters  # noqa: PLC0415 - as above
    from lrs.store.tallies import Tallies  # noqa: PLC0415

    found = {"counted": _listed(counted(engine, Tallies(engine, settings.zone.operator)))}
    if engine.query("EXISTS TABLE statements") == [(1,)]:
        last = last_archived(engine)
        found["letters"] = _listed(letters(engine))
        found["archived"] = [[number, one.offset, one.statement_id.hex()] for number, one in last.items()]
    return found


def _note(engine: Engine, settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """Write tallies; each is what `Tally` has."""
    from lrs.store.tallies import Tallies, Tally  # noqa: PLC0415 - as above

    tallies = Tallies(engine, settings.zone.operator)
    tallies.insert([Tally(*row) for row in given["rows"]])
    return {}


def _recount(engine: Engine, settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """Count what the archive holds of [partition, first, end] and nobody counted; by partition how many are unknown."""
    from lrs.store.holdings import RECORDER  # noqa: PLC0415 - as above
    from lrs.store.log_memory import uncounted  # noqa: PLC0415
    from lrs.store.tallies import Tallies, Tally  # noqa: PLC0415

    unknown = []
    tallies = Tallies(engine, settings.zone.operator)
    for partition, first, end in given["spans"]:
        found = uncounted(engine, partition, first, end)
        # One that counts nothing says how far it is counted, where the last of them are unknown.
        found = found or [("", 0, "archived", "", 0)]
        tallies.insert(
            [
                Tally(RECORDER, partition, first, end - 1, app, hour, outcome, reason, number)
                for app, hour, outcome, reason, number in found
            ]
        )
        unknown.append([partition, first, end, end - first - sum(row[4] for row in found)])
    return {"unknown": unknown}


def _publish(engine: Engine, settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """Put the archived statements of each [partition, first, end] on `accepted`; how many those are."""
    import asyncio  # noqa: PLC0415 - as above

    from lrs.cli.republishing import republish  # noqa: PLC0415

    broker = settings.broker.model_copy(update={"bootstrap_servers": given["broker"]})
    return {"published": asyncio.run(republish(engine, settings.model_copy(update={"broker": broker}), given["spans"]))}


def _listed(found: Mapping[str, Mapping[int, int]]) -> list[list[Any]]:
    return [[hop, partition, last] for hop, partitions in found.items() for partition, last in partitions.items()]


_TASKS: dict[str, tuple[str, Callable[[Engine, Settings, Mapping[str, Any]], dict[str, Any]]]] = {
    "freeze-archive": ("archive", _freeze),
    "freeze-facts": ("facts", _freeze),
    "remember-archive": ("archive", _remember),
    "remember-facts": ("facts", _remember),
    "note-facts": ("facts", _note),
    "recount": ("archive", _recount),
    "publish": ("archive", _publish),
}


def _main(task: str, folder: ZoneFolder) -> dict[str, Any]:
    from lrs.cli.settings_loading import load_settings  # noqa: PLC0415 - as above
    from lrs.store.engine import archive_engine, facts_engine  # noqa: PLC0415
    from lrs.store.migrate import migrate  # noqa: PLC0415

    given = json.load(sys.stdin)
    settings = load_settings(folder.root)
    store, work = _TASKS[task]
    engine = (archive_engine if store == "archive" else facts_engine)(settings, folder)
    try:
        if not task.startswith("freeze"):
            migrate(engine, "archive" if store == "archive" else "facts")
        return work(engine, settings, given)
    finally:
        engine.close()


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(_main(sys.argv[1], ZoneFolder(Path(sys.argv[2])))))
    except AyumiError as error:
        told = (error.problem, error.remedy) if isinstance(error, StopError) else (str(error), "Try again.")
        sys.stderr.write("\t".join(told) + "\n")
        sys.exit(2)
