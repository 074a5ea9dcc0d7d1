"""Whose folder it is: an older one is taken over, a newer one refused, and none without its key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrs import __version__
from lrs.kernel.errors import StopError
from lrs.kernel.settings import ProcessorSettings, Settings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.folder_version import FORMAT, key_check, open_folder, restoring

SETTINGS = Settings()


@pytest.fixture
def folder(tmp_path: Path) -> ZoneFolder:
    """A folder that this release has opened."""
    made = ZoneFolder(tmp_path / "zone")
    open_folder(made, SETTINGS)
    return made


def told(folder: ZoneFolder) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder.root / "folder.json").read_text("utf-8"))
    return found


def write(folder: ZoneFolder, **changes: object) -> None:
    (folder.root / "folder.json").write_text(json.dumps(told(folder) | changes), "utf-8")


def test_a_new_folder_says_whose_it_is_and_tells_no_key(folder: ZoneFolder) -> None:
    assert told(folder) == {"format": FORMAT, "release": __version__, "root_key": key_check(folder.root_key)}
    assert folder.root_key.read_text("ascii") not in (folder.root / "folder.json").read_text("utf-8")


def test_a_folder_from_before_there_was_a_version_is_taken_over(folder: ZoneFolder) -> None:
    key = folder.root_key.read_text("ascii")
    (folder.root / "folder.json").unlink()
    open_folder(folder, SETTINGS)
    assert told(folder)["format"] == FORMAT
    assert folder.root_key.read_text("ascii") == key


def test_an_older_folder_becomes_this_releases(folder: ZoneFolder) -> None:
    write(folder, release="0.0.1")
    open_folder(folder, SETTINGS)
    assert told(folder)["release"] == __version__


def test_a_newer_folder_is_refused_and_left_alone(folder: ZoneFolder) -> None:
    write(folder, format=FORMAT + 1, release="9.0.0")
    with pytest.raises(StopError, match=f"belongs to a newer release, 9.0.0; this is {__version__}"):
        open_folder(folder, SETTINGS)
    assert told(folder)["release"] == "9.0.0"


@pytest.mark.parametrize("text", ["", "[]", '{"format": "1"}'])
def test_a_version_that_cannot_be_read_is_refused(folder: ZoneFolder, text: str) -> None:
    (folder.root / "folder.json").write_text(text, "utf-8")
    with pytest.raises(StopError, match=r"folder\.json"):
        open_folder(folder, SETTINGS)


def test_a_lost_root_key_is_told_and_not_made_anew(folder: ZoneFolder) -> None:
    folder.root_key.unlink()
    with pytest.raises(StopError, match=r"root\.key is missing"):
        open_folder(folder, SETTINGS)
    assert not folder.root_key.exists()


def test_another_root_key_is_told(folder: ZoneFolder) -> None:
    folder.root_key.write_text("ab" * 32, "ascii")
    with pytest.raises(StopError, match="is not the one that this folder's facts were made with"):
        open_folder(folder, SETTINGS)


def test_a_root_key_that_is_kept_elsewhere_is_looked_for_there(folder: ZoneFolder, tmp_path: Path) -> None:
    elsewhere = folder.root_key.rename(tmp_path / "elsewhere.key")
    settings = Settings(processor=ProcessorSettings.model_validate({"root_key_file": elsewhere}))
    open_folder(folder, settings)
    elsewhere.unlink()
    with pytest.raises(StopError, match=r"elsewhere\.key is missing"):
        open_folder(folder, settings)


def test_a_folder_that_is_half_restored_is_refused(folder: ZoneFolder) -> None:
    restoring(folder).touch()
    with pytest.raises(StopError, match="is half restored"):
        open_folder(folder, SETTINGS)
