"""Numbered migrations of the stores: forward only, never edited, each statement safe to run again."""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lrs.kernel.errors import StopError

if TYPE_CHECKING:
    from lrs.store.engine import Engine

Store = Literal["archive", "facts"]

_FOLDER = Path(__file__).parent / "migrations"
_RECORD = """
CREATE TABLE IF NOT EXISTS migrations
(name String, digest String, applied_at DateTime64(3, 'UTC'))
ENGINE = MergeTree ORDER BY name SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""


def migrate(engine: Engine, store: Store) -> list[str]:
    """Apply what is missing, in order, and return the names applied now.

    Definitions are not transactional in the engine: a migration is recorded after its last statement, and one that
    was cut off runs again from its start. Raises `StopError` when an applied file was edited, or is of a later release.
    """
    engine.command(_RECORD.strip())
    applied = dict(engine.query("SELECT name, any(digest) FROM migrations GROUP BY name"))
    files = migration_files(store)
    unknown = sorted(applied.keys() - {path.stem for path in files})
    if unknown:
        msg = f"the {store} was migrated by a newer release: {', '.join(unknown)}"
        raise StopError(
            msg,
            remedy="Run that release or a later one.",
        )
    done: list[str] = []
    for path in files:
        text = path.read_text("utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        if applied.get(path.stem, digest) != digest:
            msg = f"migration {path.stem} was edited after it was applied"
            raise StopError(msg, remedy="Restore it; add a new migration.")
        if path.stem in applied:
            continue
        for statement in statements_of(text):
            engine.command(statement)
        engine.insert("migrations", ("name", "digest", "applied_at"), [(path.stem, digest, int(time.time() * 1000))])
        done.append(path.stem)
    return done


def migration_files(store: Store) -> list[Path]:
    """The files of a store, `NNNN_verb_noun.sql`, in order."""
    return sorted((_FOLDER / store).glob("[0-9][0-9][0-9][0-9]_*.sql"))


def statements_of(text: str) -> list[str]:
    """The statements of a migration without its comment lines; each ends with a semicolon at the end of a line."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return [part.strip() for part in re.split(r";\s*$", code, flags=re.MULTILINE) if part.strip()]
