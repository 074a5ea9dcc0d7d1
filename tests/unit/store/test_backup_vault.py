"""The backups' folder: every content once, no byte of it unwatched, and no half backup."""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lrs.kernel.errors import StopError
from lrs.store import backup_manifest as manifests
from lrs.store.backup_manifest import Entry, Manifest
from lrs.store.backup_vault import Content, DamagedError, Vault

MANIFEST = Manifest(
    at="2026-04-01T09:00:00.000+00:00",
    release="1",
    zone="osaka",
    operator="board",
    root_key="",
    seconds=1.5,
    new_bytes=3,
    left_out=["keys"],
    high_waters={"archive": [("recorder", 0, 41)]},
    log={"received": [[0, 42]]},
    entries=[],
)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    """A target that is being written to."""
    with Vault(tmp_path / "target").writing() as found:
        yield found


def tree(folder: Path) -> list[str]:
    """A folder with content, and its names."""
    (folder / "by_id.proj").mkdir(parents=True)
    (folder / "by_id.proj" / "data.bin").write_bytes(os.urandom(100_000))
    (folder / "checksums.txt").write_text("児童", "utf-8")
    (folder / "link").symlink_to("checksums.txt")
    return ["by_id.proj", "by_id.proj/data.bin", "checksums.txt", "link"]


def flip(path: Path) -> None:
    """Change one byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def entry(path: str, content: Content) -> Entry:
    return Entry(path, is_folder=False, key="", sha256=content.sha256, size=content.size)


def test_a_folder_is_got_again_as_it_was(vault: Vault, tmp_path: Path) -> None:
    names = tree(tmp_path / "part")
    content, is_new = vault.keep_tree(tmp_path / "part", names)
    vault.extract_tree(content, tmp_path / "again")
    assert is_new
    assert {str(path.relative_to(tmp_path / "again")) for path in (tmp_path / "again").rglob("*")} == set(names)
    for name in names[1:]:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "part" / name).read_bytes()


@pytest.mark.parametrize(
    "name", ["../outside", "/outside", "inside/../../outside", "link-out", "link-up", "device", "hard"]
)
def test_nothing_is_put_back_outside_the_folder(vault: Vault, tmp_path: Path, name: str) -> None:
    member = tarfile.TarInfo(name)
    kinds = {
        "link-out": tarfile.SYMTYPE,
        "link-up": tarfile.SYMTYPE,
        "device": tarfile.CHRTYPE,
        "hard": tarfile.LNKTYPE,
    }
    member.type = kinds.get(name, tarfile.REGTYPE)
    member.linkname = {"link-out": "/etc/passwd", "link-up": "../outside", "hard": "../outside"}.get(name, "")
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(member, io.BytesIO())
    content, _ = vault.keep_bytes(made.getvalue())
    with pytest.raises(DamagedError, match="which no backup of ours has"):
        vault.extract_tree(content, tmp_path / "again" / "deep")
    assert list((tmp_path / "again").rglob("*")) == [tmp_path / "again" / "deep"]


def test_the_same_content_is_kept_once_whenever_it_was_made(vault: Vault, tmp_path: Path) -> None:
    names = tree(tmp_path / "part")
    content, _ = vault.keep_tree(tmp_path / "part", names)
    os.utime(tmp_path / "part" / "checksums.txt", (1, time.time() + 1000))
    assert vault.keep_tree(tmp_path / "part", reversed(names)) == (content, False)
    assert [vault.keep_bytes(b"one")[1] for _ in range(2)] == [True, False]


def test_a_flipped_byte_and_a_missing_file_are_told_by_name(vault: Vault, tmp_path: Path) -> None:
    names = tree(tmp_path / "part")
    content, _ = vault.keep_tree(tmp_path / "part", names)
    vault.check(content)
    path = vault.folder / vault.name_of(content)
    flip(path)
    with pytest.raises(DamagedError, match=f"{content.sha256} has other bytes"):
        vault.check(content)
    with pytest.raises(DamagedError, match="has other bytes"):
        vault.extract_tree(content, tmp_path / "again")
    path.unlink()
    with pytest.raises(DamagedError, match=f"{content.sha256} is missing"):
        vault.check(content)


def test_a_restored_file_is_its_owners_alone(vault: Vault, tmp_path: Path) -> None:
    content, _ = vault.keep_bytes(b"registry")
    vault.extract_file(content, tmp_path / "again" / "registry.sqlite")
    assert (tmp_path / "again" / "registry.sqlite").stat().st_mode & 0o777 == 0o600
    assert vault.read(content) == b"registry"


def test_a_manifest_is_read_as_it_was_written(vault: Vault) -> None:
    content, _ = vault.keep_bytes(b"one")
    written = replace(MANIFEST, entries=[entry("registry.sqlite", content)])
    manifests.write(vault, written)
    [path] = manifests.paths(vault)
    assert manifests.read(path) == written
    assert (path.name, written.size) == ("20260401T090000.000Z.json", 3)


def test_a_manifest_with_another_byte_or_of_a_later_release_is_refused(vault: Vault) -> None:
    manifests.write(vault, MANIFEST)
    [path] = manifests.paths(vault)
    text = path.read_text("utf-8")
    path.write_text(text.replace("osaka", "Osaka"), "utf-8")
    with pytest.raises(DamagedError, match="has other bytes"):
        manifests.read(path)
    path.write_text(text[:-20], "utf-8")
    with pytest.raises(DamagedError, match="is no manifest"):
        manifests.read(path)
    path.write_text(json.dumps(json.loads(text) | {"format": 2}), "utf-8")
    with pytest.raises(StopError, match="by a later release"):
        manifests.read(path)


def test_what_no_manifest_names_is_swept_away(vault: Vault) -> None:
    kept, _ = vault.keep_bytes(b"kept")
    vault.keep_bytes(b"left by a backup that was killed")
    assert vault.sweep({kept.sha256}) == 32
    assert vault.holds(kept)


def test_two_backups_never_write_to_one_target_at_once(vault: Vault) -> None:
    with pytest.raises(StopError, match="another backup goes to"), Vault(vault.folder).writing():
        pass


def test_a_folder_without_backups_is_told(tmp_path: Path) -> None:
    with pytest.raises(StopError, match="holds no backups"):
        manifests.paths(Vault(tmp_path))
