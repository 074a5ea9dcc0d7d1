"""How large the folders of a zone are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from lrs.kernel.zone_folder import ZoneFolder


def folder_sizes(folder: ZoneFolder) -> dict[str, int]:
    """Bytes below each folder of the zone that has any."""
    places = {
        "broker": folder.broker,
        "archive": folder.archive,
        "facts": folder.facts,
        "ids": folder.ids,
        "objects": folder.objects,
        "logs": folder.logs,
    }
    sizes = {name: size_of(path) for name, path in places.items()}
    return {name: size for name, size in sizes.items() if size}


def size_of(path: Path | str) -> int:
    """Bytes in all files below `path`. Files come and go meanwhile: what is gone counts nothing."""
    size = 0
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                try:
                    if entry.is_dir(follow_symlinks=False):
                        size += size_of(entry.path)
                    else:
                        # Blocks, not the length: the log's index files are long and mostly empty.
                        size += entry.stat(follow_symlinks=False).st_blocks * 512
                except OSError:
                    continue
    except OSError:
        return size
    return size
