"""How much may still be written, as metrics: asked at each scrape, and once for each file system."""

from __future__ import annotations

import math
import os
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lrs.kernel import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder


def expose_disk_space(settings: Settings, folder: ZoneFolder) -> None:
    """Set the gauges for every file system that the zone uses. Its folders are prepared."""
    for name, path in file_systems(settings, folder).items():
        metrics.DISK_FREE.labels(name).set_function(partial(_measured, path, "free"))
        metrics.DISK_SIZE.labels(name).set_function(partial(_measured, path, "total"))


def file_systems(settings: Settings, folder: ZoneFolder) -> dict[str, Path]:
    """A folder on each file system, by what it holds: `zone`, and what lies on another one than those before it."""
    found: dict[int, tuple[str, Path]] = {}
    for name, path in _folders(settings, folder):
        found.setdefault(path.stat().st_dev, (name, path))
    return dict(found.values())


def _folders(settings: Settings, folder: ZoneFolder) -> Iterator[tuple[str, Path]]:
    places = {
        "zone": folder.root,
        "broker": folder.broker,
        "archive": folder.archive,
        "facts": folder.facts,
        "ids": folder.ids,
        "objects": settings.store.attachments_folder or folder.objects,
        "registry": folder.registry,
    }
    for name in metrics.DISK_FOLDERS:
        path = places[name]
        # What is not made yet will lie where its parent lies.
        yield name, next(place for place in (path, *path.absolute().parents) if place.exists())


def _measured(path: Path, field: str) -> float:
    """NaN when the folder is gone: a scrape tells everything else nevertheless."""
    try:
        return float(getattr(shutil.disk_usage(os.fspath(path)), field))
    except OSError:
        return math.nan
