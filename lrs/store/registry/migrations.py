"""Numbered migrations of the registry: forward only, never edited, each in one transaction."""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path

import sqlalchemy as sa

from lrs.kernel.errors import StopError
from lrs.store.registry.tables import MIGRATIONS

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x4159554D49  # "AYUMI": the advisory lock under which one process at a time migrates


def migrate(engine: sa.Engine) -> list[str]:
    """Apply what is missing, in order; returns the names applied now.

    Raises `StopError` when the database was migrated by a later release, or an applied file was edited.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        MIGRATIONS.create(connection, checkfirst=True)
        applied = {row.name: row.digest for row in connection.execute(sa.select(MIGRATIONS))}
        files = {path.stem: path.read_text("utf-8") for path in sorted(_FOLDER.glob("*.sql"))}
        _refuse_unknown(applied, files)
        done = [name for name in files if name not in applied]
        for name in done:
            for statement in _statements(files[name]):
                connection.exec_driver_sql(statement)
            row = {"name": name, "digest": _digest(files[name]), "applied_at_ms": time.time_ns() // 1_000_000}
            connection.execute(sa.insert(MIGRATIONS).values(row))
    return done


def _refuse_unknown(applied: dict[str, str], files: dict[str, str]) -> None:
    later = sorted(applied.keys() - files.keys())
    if later:
        problem = f"the registry was migrated by a later release: {', '.join(later)}"
        raise StopError(problem, remedy="Run that release or a later one.")
    edited = [name for name, digest in applied.items() if digest != _digest(files[name])]
    if edited:
        problem = f"registry migrations were edited after they were applied: {', '.join(edited)}"
        raise StopError(problem, remedy="Restore the files; write a new migration for a change.")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _statements(text: str) -> list[str]:
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return [part.strip() for part in re.split(r";\s*$", code, flags=re.MULTILINE) if part.strip()]
