"""Putting backups back, and checking them: nothing is overwritten, nothing damaged passes, nothing is half done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lrs.cli.backing_up import prune, write_keys
from lrs.cli.restoring import Damage, choose, lacks_key, restore, verify
from lrs.cli.zone_log import read_lines, write_lines
from lrs.kernel.errors import StopError
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store import backup_manifest as manifests
from lrs.store.backup_manifest import Entry, Manifest
from lrs.store.backup_vault import DamagedError, Vault
from lrs.store.folder_version import key_check, open_folder, restoring
from tests.support.ayumi import ayumi


@pytest.fixture
def origin(tmp_path: Path) -> ZoneFolder:
    """The folder of the zone that was backed up: only its keys are of use here."""
    folder = ZoneFolder(tmp_path / "origin")
    folder.prepare()
    return folder


@pytest.fixture
def vault(tmp_path: Path, origin: ZoneFolder) -> Iterator[Vault]:
    """A target with two backups, a day apart, which share their facts."""
    part = tmp_path / "part"
    part.mkdir()
    (part / "data.bin").write_bytes(bytes(range(256)) * 100)
    with Vault(tmp_path / "target").writing() as vault:
        facts = Entry("facts/store/a/b/all_1_1_0", True, "k", *vault.keep_tree(part, ["data.bin"])[0])  # noqa: FBT003
        for day in (1, 2):
            registry = Entry("registry.sqlite", False, "", *vault.keep_bytes(b"day %d" % day)[0])  # noqa: FBT003
            manifests.write(vault, _manifest(f"2026-04-0{day}T03:00:00.000+00:00", origin, [facts, registry]))
        yield vault


def _manifest(at: str, origin: ZoneFolder, entries: list[Entry]) -> Manifest:
    check = key_check(origin.root_key)
    return Manifest(at, "1", "osaka", "board", check, 1.0, 1, [], {"archive": []}, {}, entries)


def damage(vault: Vault, path: str) -> Path:
    """Flip one byte of what the newest backup has at `path`."""
    entry = next(entry for entry in choose(vault, None).entries if entry.path == path)
    file = vault.folder / vault.name_of(entry.content)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    return file


def test_the_newest_backup_of_a_time_or_before_is_taken(vault: Vault) -> None:
    assert choose(vault, None).at.startswith("2026-04-02")
    assert choose(vault, datetime(2026, 4, 2, 2, 59, tzinfo=UTC)).at.startswith("2026-04-01")
    with pytest.raises(StopError, match="the oldest is of 2026-04-01"):
        choose(vault, datetime(2026, 3, 31, tzinfo=UTC))


def test_a_backup_is_put_back_into_an_empty_folder_and_waits_for_its_key(
    vault: Vault, origin: ZoneFolder, tmp_path: Path
) -> None:
    folder, keys = ZoneFolder(tmp_path / "again"), tmp_path / "osaka.keys"
    restore(vault, choose(vault, None), folder, None)
    assert folder.registry.read_bytes() == b"day 2"
    assert (folder.facts / "store/a/b/all_1_1_0/data.bin").read_bytes() == bytes(range(256)) * 100
    assert lacks_key(folder, choose(vault, None))
    with pytest.raises(StopError, match=r"root\.key is missing"):
        open_folder(folder, Settings())
    write_keys(origin, keys, vault.folder)
    assert keys.stat().st_mode & 0o777 == 0o600
    again = ZoneFolder(tmp_path / "with keys")
    restore(vault, choose(vault, None), again, keys)
    open_folder(again, Settings())
    assert again.root_key.read_text("ascii") == origin.root_key.read_text("ascii")
    assert again.root_key.stat().st_mode & 0o777 == 0o600


def test_keys_are_not_written_beside_the_data(vault: Vault, origin: ZoneFolder) -> None:
    with pytest.raises(StopError, match="keys beside the data are no secret"):
        write_keys(origin, vault.folder / "osaka.keys", vault.folder)


def test_a_folder_that_holds_something_is_refused_by_what_it_holds(vault: Vault, tmp_path: Path) -> None:
    folder = ZoneFolder(tmp_path / "again")
    folder.archive.mkdir(parents=True)
    with pytest.raises(StopError, match="is not empty: it has archive"):
        restore(vault, choose(vault, None), folder, None)
    assert list(folder.root.iterdir()) == [folder.archive]


def test_the_log_and_the_keys_of_a_zone_that_lost_its_stores_stay(vault: Vault, tmp_path: Path) -> None:
    folder = ZoneFolder(tmp_path / "again")
    (folder.broker / "data").mkdir(parents=True)
    folder.settings.write_text("[zone]\nname = 'osaka'\n", "utf-8")
    restore(vault, choose(vault, None), folder, None)
    assert (folder.broker / "data").is_dir()
    assert folder.registry.exists()


def test_a_restore_that_was_cut_off_leaves_no_zone_and_begins_anew(vault: Vault, tmp_path: Path) -> None:
    folder = ZoneFolder(tmp_path / "again")
    file = damage(vault, "registry.sqlite")
    with pytest.raises(DamagedError, match="has other bytes"):
        restore(vault, choose(vault, None), folder, None)
    assert restoring(folder).exists()
    with pytest.raises(StopError, match="is half restored"):
        open_folder(folder, Settings())
    file.write_bytes(b"day 2")
    restore(vault, choose(vault, None), folder, None)
    assert not restoring(folder).exists()
    assert folder.registry.read_bytes() == b"day 2"


def test_a_manifest_cannot_write_outside_of_the_folder(vault: Vault, origin: ZoneFolder, tmp_path: Path) -> None:
    content, _ = vault.keep_bytes(b"evil")
    evil = _manifest("2026-05-01T00:00:00.000+00:00", origin, [Entry("../evil", False, "", *content)])  # noqa: FBT003
    with pytest.raises(DamagedError, match="would be put outside of the folder"):
        restore(vault, evil, ZoneFolder(tmp_path / "again"), None)
    assert not (tmp_path / "evil").exists()


def test_damage_is_named_with_what_it_holds_and_ends_with_an_error(vault: Vault) -> None:
    assert list(verify(vault)) == []
    facts = damage(vault, "facts/store/a/b/all_1_1_0")
    missing = damage(vault, "registry.sqlite")
    missing.unlink()
    found = list(verify(vault))
    assert [(one.name, one.what) for one in found] == [
        (str(facts.relative_to(vault.folder)), "has other bytes than were written"),
        (str(missing.relative_to(vault.folder)), "is missing"),
    ]
    assert found[0].holds == "facts/store/a/b/all_1_1_0 of 2026-04-01T03:00:00.000+00:00 and 1 more"
    told = ayumi("verify", str(vault.folder))
    assert (told.returncode, told.stdout.count("DAMAGED")) == (1, 2)
    assert "2 backups, 2 files damaged." in told.stdout
    told = ayumi("verify", str(vault.folder), "--json")
    assert [Damage(**one) for one in json.loads(told.stdout)["damaged"]] == found


def test_a_damaged_manifest_is_named(vault: Vault) -> None:
    [first, _] = manifests.paths(vault)
    first.write_text(first.read_text("utf-8").replace("osaka", "kyoto"), "utf-8")
    [found] = verify(vault)
    assert (found.name, found.holds) == ("backups/20260401T030000.000Z.json", "a whole backup")


def test_older_backups_go_with_what_only_they_named(vault: Vault) -> None:
    assert prune(vault, 1) == len(b"day 1")
    assert [manifests.read(path).at[:10] for path in manifests.paths(vault)] == ["2026-04-02"]
    assert list(verify(vault)) == []


def test_records_of_a_topic_are_read_as_they_were_written() -> None:
    lines = [(b"key", b"\x00value"), (b"", None)]
    assert list(read_lines(write_lines(lines))) == lines
