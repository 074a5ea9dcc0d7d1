"""Which file systems a zone uses, by the names of its metrics."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lrs.cli.disk_space import expose_disk_space, file_systems
from lrs.kernel import metrics
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder


@pytest.fixture
def folder(tmp_path: Path) -> ZoneFolder:
    found = ZoneFolder(tmp_path / "zone")
    found.prepare()
    return found


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system."""
    place = Path("/dev/shm") / f"ayumi-{os.getpid()}"  # noqa: S108 - what else is surely another one?
    place.mkdir()
    try:
        assert place.stat().st_dev != tmp_path.stat().st_dev
        yield place
    finally:
        for path in place.iterdir():
            path.unlink()
        place.rmdir()


def test_on_one_disk_there_is_one(folder: ZoneFolder) -> None:
    assert file_systems(Settings(), folder) == {"zone": folder.root}


def test_an_id_index_on_a_disk_of_its_own_has_a_metric(folder: ZoneFolder, elsewhere: Path) -> None:
    folder.ids.rmdir()
    folder.ids.symlink_to(elsewhere)
    assert file_systems(Settings(), folder) == {"zone": folder.root, "ids": folder.ids}
    expose_disk_space(Settings(), folder)
    free = metrics.DISK_FREE.labels("ids")._value.get()  # noqa: SLF001 - what a scrape would tell
    assert metrics.DISK_FREE.labels("ids").collect()
    assert free is not None


def test_a_registry_on_a_disk_of_its_own_is_one_more(folder: ZoneFolder, elsewhere: Path) -> None:
    (elsewhere / "registry.sqlite").touch()
    folder.registry.symlink_to(elsewhere / "registry.sqlite")
    assert list(file_systems(Settings(), folder)) == ["zone", "registry"]
