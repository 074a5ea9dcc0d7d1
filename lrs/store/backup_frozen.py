"""A store as of one moment: hard links of everything that an embedded engine has on disk, made in milliseconds.

Parts of a table never change, so a link to one is a copy of it. What the links take on disk is what merges would have
freed meanwhile: whoever copied them calls `thaw`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.kernel.errors import StopError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lrs.store.engine import Engine

_NAME = "backup"
_DATABASE = "SELECT currentDatabase()"
_TABLES = """
SELECT name, data_paths[1] FROM system.tables WHERE database = currentDatabase() AND notEmpty(data_paths)
ORDER BY name != 'tallies', name
"""
_HIGH_WATERS = "SELECT hop, partition, max(last_offset) FROM tallies GROUP BY hop, partition ORDER BY hop, partition"
# What tells two parts of one name apart: the engine's own checksums and the few files that they leave out.
_TELLING = (".txt", ".json")


class Frozen(NamedTuple):
    """`folder` is a whole engine folder as of the moment; `high_waters` are (hop, partition, last offset counted)."""

    folder: Path
    high_waters: list[tuple[str, int, int]]

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a process that has no access to this store."""
        return {"folder": str(self.folder), "high_waters": self.high_waters}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Frozen:
        """The reverse of `to_json`."""
        return cls(Path(data["folder"]), [(hop, partition, last) for hop, partition, last in data["high_waters"]])


def freeze(engine: Engine) -> Frozen:
    """Freeze the engine's database, in place of what was frozen before. Its writers wait for some milliseconds.

    Counts are frozen first: a store may hold more than it has counted, never less.
    """
    if not engine.is_embedded:
        raise StopError("a ClickHouse server is not frozen from here", remedy="Back it up with its own BACKUP command.")
    [(database,)] = engine.query(_DATABASE)
    tables = engine.query(_TABLES.strip())
    if not tables:
        raise StopError(f"the store {database} is empty", remedy="Start the zone once: it makes the tables.")
    root = Path(tables[0][1]).parents[2]
    thaw(root)
    folder = root / "shadow" / _NAME
    high_waters = [(hop, partition, last) for hop, partition, last in engine.query(_HIGH_WATERS)]
    places = [Path(place) for _, place in tables]
    engine.freeze(_NAME, [name for name, _ in tables], lambda: _copy_frame(root, folder, database, places))
    return Frozen(folder, high_waters)


def thaw(root: Path) -> None:
    """Let go of what is frozen in the engine folder `root`."""
    shutil.rmtree(root / "shadow" / _NAME, ignore_errors=True)


def parts_of(frozen: Path) -> Iterator[Path]:
    """The folders of the parts in a frozen engine folder; what else is in it is its frame."""
    for table in sorted((frozen / "store").glob("*/*")):
        yield from sorted(part for part in table.iterdir() if part.is_dir())


def part_key(part: Path) -> str:
    """Two parts of the same key have the same content: every file's name and size, and what the engine says of them."""
    digest = hashlib.sha256()
    for path in sorted(part.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(part)}\0{path.stat().st_size}\0".encode())
            if path.suffix in _TELLING:
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _copy_frame(root: Path, folder: Path, database: str, tables: list[Path]) -> None:
    """Definitions and links: the few small files around the parts."""
    link = Path("metadata", database)
    files = [root / f"{link}.sql", *(root / link).resolve().glob("*.sql")]
    files += [table / "format_version.txt" for table in tables]
    for path in files:
        copy = folder / path.relative_to(root.resolve() if path.is_relative_to(root.resolve()) else root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    for path in (root / link, *(root / "data" / database).iterdir()):
        copy = folder / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.symlink_to(os.readlink(path))  # noqa: PTH115 - as it is written, which is relative
