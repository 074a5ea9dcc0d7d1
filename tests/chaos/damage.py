"""A damaged id index: bytes overwritten in its files while nothing runs."""

from __future__ import annotations

from pathlib import Path
from random import Random


def damage(folder: Path, random: Random, places: int) -> list[str]:
    """Overwrite up to 64 bytes at each of `places` random places of the index in `folder`; the names of those files."""
    # Not those that are for people.
    found = {path for kind in ("*.sst", "*.log", "MANIFEST-*", "CURRENT") for path in folder.rglob(kind)}
    files = sorted(path for path in found if path.stat().st_size)
    if not files:
        return []
    hit: set[str] = set()
    for _ in range(places):
        path = random.choices(files, [path.stat().st_size for path in files])[0]
        with path.open("r+b") as file:
            size = min(random.randint(1, 64), path.stat().st_size)
            file.seek(random.randrange(path.stat().st_size - size + 1))
            file.write(random.randbytes(size))
        hit.add(path.name)
    return sorted(hit)
