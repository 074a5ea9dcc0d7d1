"""Takes a backup of a zone, whether it runs or not: what is new since the last one goes to the target.

The order is what makes it one: facts before the archive, so that no fact is without its statement; attachments and
registry after it, so that no statement is without its attachments.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrs import __version__
from lrs.cli.progress_bars import Track, bytes_bar
from lrs.cli.zone_asking import Asking
from lrs.kernel.errors import StopError
from lrs.store import backup_manifest as manifests
from lrs.store.backup_frozen import Frozen, part_key, parts_of, thaw
from lrs.store.backup_manifest import Entry, Manifest
from lrs.store.backup_vault import Vault
from lrs.store.folder_version import key_check

if TYPE_CHECKING:
    from lrs.cli.zone_log import ZoneLog
    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder

STORES = ("facts", "archive")
RESTORED = "restored"
"""Folder of a restored zone for what belongs on the log."""


class BackingUp:
    """One backup. `run` once."""

    def __init__(self, folder: ZoneFolder, settings: Settings, vault: Vault, track: Track = bytes_bar) -> None:
        self._folder = folder
        self._settings = settings
        self._vault = vault
        self._track = track
        self._known: dict[tuple[str, str], Entry] = {}
        self._entries: list[Entry] = []
        self._new_bytes = 0
        self._left_out = [
            "keys: a root key beside the data would undo the pseudonyms; --keys FILE copies them elsewhere"
        ]

    def run(self, asking: Asking, log: ZoneLog) -> Manifest:
        """Take it. Raises `StopError`, `RetryError`; then the target holds no new backup."""
        began = time.monotonic()
        self._remember()
        positions = log.positions()
        with self._frozen(asking) as (frozen, at):
            for store, one in frozen.items():
                self._keep_store(store, one)
        self._keep_registry()
        self._keep_attachments()
        for noun, lines in log.references().items():
            self._keep(f"{RESTORED}/{noun}.lines", lines)
        if self._folder.settings.exists():
            self._keep("ayumi.toml", self._folder.settings.read_bytes())
        manifest = Manifest(
            at=at,
            release=__version__,
            zone=self._settings.zone.name,
            operator=self._settings.zone.operator,
            root_key=key_check(self._settings.processor.root_key_file or self._folder.root_key),
            seconds=round(time.monotonic() - began, 2),
            new_bytes=self._new_bytes,
            left_out=self._left_out,
            high_waters={store: one.high_waters for store, one in frozen.items()},
            log=positions,
            entries=self._entries,
        )
        manifests.write(self._vault, manifest)
        return manifest

    def _remember(self) -> None:
        """What earlier backups of this target know by its key, and the target still has."""
        for path in manifests.paths(self._vault):
            earlier = manifests.read(path)
            if earlier.zone != self._settings.zone.name:
                problem = f"{self._vault.folder} holds backups of the zone {earlier.zone}"
                raise StopError(problem, remedy="Give each zone a target of its own.")
            self._known |= {(_room(entry.path), entry.key): entry for entry in earlier.entries if entry.key}
        self._known = {key: entry for key, entry in self._known.items() if self._vault.holds(entry.content)}

    @contextmanager
    def _frozen(self, asking: Asking) -> Iterator[tuple[dict[str, Frozen], str]]:
        frozen: dict[str, Frozen] = {}
        at = manifests.now()
        try:
            for store in STORES:
                dsn = getattr(self._settings.store, f"{store}_dsn").get_secret_value()
                if dsn and not dsn.startswith("chdb:"):
                    self._left_out.append(f"{store}: on a ClickHouse server, which has BACKUP DATABASE of its own")
                    continue
                at = manifests.now()
                frozen[store] = asking.freeze(store)
            yield frozen, at
        finally:
            for one in frozen.values():
                thaw(one.folder.parents[1])

    def _keep_store(self, store: str, frozen: Frozen) -> None:
        root = frozen.folder
        parts = list(parts_of(root))
        sizes = {part: sum(path.stat().st_size for path in part.rglob("*") if path.is_file()) for part in parts}
        with self._track(f"{store}", sum(sizes.values())) as advance:
            for part in parts:
                self._keep_part(f"{store}/{part.relative_to(root)}", part)
                advance(sizes[part])
        names = [str(path.relative_to(root)) for path in sorted(root.rglob("*")) if not _is_within(path, root, 3)]
        self._keep_tree(store, "", root, names)

    def _keep_part(self, path: str, part: Path) -> None:
        key = part_key(part)
        known = self._known.get((_room(path), key))
        if known is not None:
            self._entries.append(known._replace(path=path))
            return
        self._keep_tree(path, key, part, [str(found.relative_to(part)) for found in part.rglob("*")])

    def _keep_tree(self, path: str, key: str, folder: Path, names: list[str]) -> None:
        content, is_new = self._vault.keep_tree(folder, names)
        self._add(Entry(path, is_folder=True, key=key, sha256=content.sha256, size=content.size), is_new=is_new)

    def _keep_registry(self) -> None:
        url = self._settings.registry.url.get_secret_value()
        if url and not url.startswith("sqlite:"):
            self._left_out.append("registry: on PostgreSQL, for which there is pg_dump")
            return
        path = Path(url.removeprefix("sqlite:///")) if url else self._folder.registry
        if not path.exists():
            return
        with self._vault.draft() as copy:
            source, target = sqlite3.connect(f"file:{path}?mode=ro", uri=True), sqlite3.connect(copy)
            try:
                source.backup(target)
                target.execute("PRAGMA journal_mode=DELETE")
            finally:
                source.close()
                target.close()
            content, is_new = self._vault.keep_file(copy)
        self._add(Entry("registry.sqlite", False, "", *content), is_new=is_new)  # noqa: FBT003 - a file

    def _keep_attachments(self) -> None:
        """Contents are named by their hash and never change: a name that is known needs no reading."""
        root = self._settings.store.attachments_folder or self._folder.objects
        found = sorted(path for path in (root / "apps").glob("*/*/*") if path.is_file())
        with self._track("attachments", sum(path.stat().st_size for path in found)) as advance:
            for path in found:
                name = f"objects/{path.relative_to(root)}"
                known = self._known.get((_room(name), name))
                if known is not None:
                    self._entries.append(known)
                else:
                    content, is_new = self._vault.keep_file(path)
                    self._add(Entry(name, False, name, *content), is_new=is_new)  # noqa: FBT003 - a file
                advance(path.stat().st_size)

    def _keep(self, path: str, data: bytes) -> None:
        content, is_new = self._vault.keep_bytes(data)
        self._add(Entry(path, False, "", *content), is_new=is_new)  # noqa: FBT003 - a file

    def _add(self, entry: Entry, *, is_new: bool) -> None:
        self._entries.append(entry)
        self._new_bytes += entry.size if is_new else 0


def prune(vault: Vault, keep: int) -> int:
    """Leave the `keep` newest backups, and remove every content that none of them names; bytes given back."""
    paths = manifests.paths(vault)
    for path in paths[:-keep]:
        path.unlink()
    return vault.sweep({entry.sha256 for path in paths[-keep:] for entry in manifests.read(path).entries})


@contextmanager
def one_at_a_time(folder: ZoneFolder) -> Iterator[None]:
    """Raises `StopError` while another backup of the zone is being taken."""
    folder.run.mkdir(exist_ok=True)
    descriptor = os.open(folder.run / "backup.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise StopError("another backup of this zone is being taken", remedy="Wait until it has ended.") from error
    finally:
        os.close(descriptor)


def write_keys(folder: ZoneFolder, path: Path, target: Path) -> None:
    """Copy the zone's secrets to a file that only its owner reads, apart from the data that they open."""
    import json  # noqa: PLC0415 - only here

    from lrs.kernel.zone_folder import write_secret  # noqa: PLC0415

    if path.resolve().is_relative_to(target.resolve()):
        raise StopError(
            f"{path} lies in {target}, and keys beside the data are no secret",
            remedy="Name a file elsewhere, best on another machine.",
        )
    keys: dict[str, Any] = {}
    for secret in (folder.root_key, folder.operator_token):
        with suppress(FileNotFoundError):
            keys[secret.name] = secret.read_text("ascii").strip()
    write_secret(path, json.dumps(keys) + "\n")


def _room(path: str) -> str:
    return path.partition("/")[0]


def _is_within(path: Path, root: Path, depth: int) -> bool:
    """Whether a path of a frozen folder is a part's: store/<three letters>/<table>/<part>."""
    names = path.relative_to(root).parts
    return names[0] == "store" and len(names) > depth and (root / Path(*names[: depth + 1])).is_dir()
