"""Puts a backup back into a folder, and checks backups without putting them anywhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lrs.cli.backing_up import RESTORED
from lrs.cli.progress_bars import Track, bytes_bar
from lrs.kernel.errors import StopError
from lrs.kernel.zone_folder import ZoneFolder, write_secret
from lrs.store import backup_manifest as manifests
from lrs.store.backup_manifest import Entry, Manifest
from lrs.store.backup_vault import Content, DamagedError, Vault
from lrs.store.folder_version import key_check, restoring, write_version

if TYPE_CHECKING:
    from collections.abc import Sequence

# A folder that has these and nothing else is a zone without its stores: its log goes on.
_MAY_STAY = frozenset({"broker", "keys", "logs", "run", "ayumi.toml", "folder.json", "targets.json"})
# One connection's worth of leftovers that belong to a database file.
_OURS = ("archive", "facts", "objects", "ids", RESTORED, "registry.sqlite")


class Damage(NamedTuple):
    """A file of the target that is not what it was, what is wrong with it, and what of which backups it holds."""

    name: str
    what: str
    holds: str


def choose(vault: Vault, at: datetime | None) -> Manifest:
    """The newest backup, or the newest that was taken at `at` or before. Raises `StopError` when there is none."""
    found = [manifests.read(path) for path in reversed(manifests.paths(vault))]
    for manifest in found:
        if at is None or datetime.fromisoformat(manifest.at) <= at:
            return manifest
    oldest = f"the oldest is of {found[-1].at}" if found else "there is none at all"
    raise StopError(f"no backup in {vault.folder} is as old as that; {oldest}", remedy="List them with --list.")


def restore(vault: Vault, manifest: Manifest, folder: ZoneFolder, keys: Path | None, track: Track = bytes_bar) -> None:
    """Put a backup into a folder without stores. Raises `StopError`, before anything is changed if that can be told.

    Whoever is cut off leaves a folder that refuses to start; restoring again begins anew.
    """
    mark = restoring(folder)
    check_place(folder)
    secrets = _read_keys(keys)
    _check_room(manifest, folder.root)
    mark.touch()
    for name in _OURS:
        path = folder.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    with track("restoring", manifest.size) as advance:
        for entry in sorted(manifest.entries, key=lambda entry: entry.path):
            _extract(vault, entry, folder.root)
            advance(entry.size)
    if secrets:
        folder.root_key.parent.mkdir(mode=0o700, exist_ok=True)
        for name, secret in secrets.items():
            write_secret(folder.root_key.parent / name, secret)
    write_version(folder, manifest.root_key)
    mark.unlink()


def lacks_key(folder: ZoneFolder, manifest: Manifest) -> bool:
    """Whether the restored folder has not yet the root key that its facts were made with."""
    return bool(manifest.root_key) and key_check(folder.root_key) != manifest.root_key


def verify(vault: Vault, track: Track = bytes_bar) -> Iterator[Damage]:
    """Read every manifest, and every content that one of them names once."""
    named: dict[Content, list[str]] = {}
    for path in manifests.paths(vault):
        try:
            manifest = manifests.read(path)
        except DamagedError as error:
            yield Damage(error.name, error.what, "a whole backup")
            continue
        for entry in manifest.entries:
            named.setdefault(entry.content, []).append(f"{entry.path} of {manifest.at}")
    with track("verifying", sum(content.size for content in named)) as advance:
        for content, holds in named.items():
            try:
                vault.check(content)
            except DamagedError as error:
                more = f" and {len(holds) - 1} more" if len(holds) > 1 else ""
                yield Damage(error.name, error.what, holds[0] + more)
            advance(content.size)


def parse_time(text: str) -> datetime:
    """ISO 8601; without offset: UTC. Raises `ValueError`."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _extract(vault: Vault, entry: Entry, root: Path) -> None:
    path = root / entry.path
    if not path.resolve().is_relative_to(root.resolve()):
        raise DamagedError(vault.name_of(entry.content), f"would be put outside of the folder: {entry.path}")
    if entry.path == "ayumi.toml" and path.exists():
        return  # the one that is there knows this machine
    if entry.is_folder:
        vault.extract_tree(entry.content, path)
    else:
        vault.extract_file(entry.content, path)


def check_place(folder: ZoneFolder) -> None:
    """Make the folder, if it is not there. Raises `StopError` when it holds what a restore would replace."""
    folder.root.mkdir(parents=True, exist_ok=True)
    names = {path.name for path in folder.root.iterdir()}
    in_the_way = sorted(names - _MAY_STAY)
    if in_the_way and not restoring(folder).exists():
        raise StopError(
            f"{folder.root} is not empty: it has {', '.join(in_the_way[:5])}",
            remedy="Name an empty folder, or move these away. What may stay: broker (the log), keys, logs, ayumi.toml.",
        )


def _check_room(manifest: Manifest, root: Path) -> None:
    free = shutil.disk_usage(root).free
    if free < manifest.size:
        raise StopError(
            f"the backup has {manifest.size >> 20} MiB, and {root} has {free >> 20} MiB free",
            remedy="Free some space, or use a folder on another disk.",
        )


def _read_keys(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    remedy = "Name the file that `ayumi backup --keys` wrote."
    try:
        found = json.loads(path.read_text("ascii"))
    except (OSError, ValueError) as error:
        raise StopError(f"{path} cannot be read: {type(error).__name__}", remedy=remedy) from error
    names: Sequence[str] = ("root.key", "operator.token")
    if not isinstance(found, dict) or not all(isinstance(found.get(name, ""), str) for name in names):
        raise StopError(f"{path} holds no keys", remedy=remedy)
    return {name: found[name] for name in names if name in found}
