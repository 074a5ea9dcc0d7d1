"""Migrates one store of a zone that does not run, and kills itself in the middle: a program for the chaos runs.

`python -m tests.chaos.migrating FOLDER STORE N`: SIGKILL after the N-th statement. A store that does not exist yet is
first made as the first release left it; of one that has every migration, the newest is forgotten, as if it had been cut
off before it was recorded.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import sqlalchemy as sa

from lrs.cli.settings_loading import load_settings
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store import migrate as engine_migrations
from lrs.store.engine import Engine, archive_engine, facts_engine
from lrs.store.migrate import migrate, migration_files
from lrs.store.registry import migrations as registry_migrations
from lrs.store.registry import open_registry

_APPLIED = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'migrations'"


def main() -> None:
    """What the arguments say."""
    folder, store, kill_after = ZoneFolder(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
    folder.prepare()
    settings = load_settings(folder.root)
    if store == "registry":
        _registry(settings, folder, kill_after)
    else:
        _engine(settings, folder, "archive" if store == "archive" else "facts", kill_after)


def _engine(settings: Settings, folder: ZoneFolder, store: Literal["archive", "facts"], kill_after: int) -> None:
    engine = (archive_engine if store == "archive" else facts_engine)(settings, folder)
    if engine.query(_APPLIED) == [(0,)]:
        with _first_release(engine_migrations, store):
            migrate(engine, store)
    else:
        newest = migration_files(store)[-1].stem
        engine.command("ALTER TABLE migrations DELETE WHERE name = {name:String}", {"name": newest})
    command, done = Engine.command, 0

    def counted(self: Engine, *arguments: Any) -> None:  # noqa: ANN401 - passed on
        nonlocal done
        command(self, *arguments)
        done += 1
        _kill_at(done, kill_after)

    Engine.command = counted  # type: ignore[assignment, method-assign]
    migrate(engine, store)


def _registry(settings: Settings, folder: ZoneFolder, kill_after: int) -> None:
    with _first_release(registry_migrations, ""):
        open_registry(settings, folder).close()
    done = 0

    def counted(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal done
        done += statement.lstrip().upper().startswith("CREATE")
        _kill_at(done, kill_after)

    sa.event.listen(sa.Engine, "after_cursor_execute", counted)
    open_registry(settings, folder).close()


@contextmanager
def _first_release(module: ModuleType, store: str) -> Iterator[None]:
    """The first migration is the only one that there is."""
    folder: Path = module._FOLDER  # noqa: SLF001 - where a release keeps its migrations
    with tempfile.TemporaryDirectory() as name:
        only = Path(name, store)
        only.mkdir(exist_ok=True)
        shutil.copy(min((folder / store).glob("*.sql")), only)
        module._FOLDER = Path(name)  # type: ignore[attr-defined]  # noqa: SLF001
        yield
        module._FOLDER = folder  # type: ignore[attr-defined]  # noqa: SLF001


def _kill_at(done: int, kill_after: int) -> None:
    if done >= kill_after:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
