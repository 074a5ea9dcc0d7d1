"""What one backup consists of: a JSON file that names every content, and carries its own checksum."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from lrs.kernel.errors import StopError
from lrs.store.backup_vault import Content, DamagedError, Vault

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1


class Entry(NamedTuple):
    """A file or a folder of the zone, by its path below the zone folder. `key` tells its content before it is read."""

    path: str
    is_folder: bool
    key: str
    sha256: str
    size: int

    @property
    def content(self) -> Content:
        """Where its bytes are."""
        return Content(self.sha256, self.size)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup. `at` is the moment that it shows: when the archive was frozen (ISO 8601, UTC).

    `new_bytes`: what it added to the target. `high_waters`: for each store the last offset of `received` that each hop
    had counted. `log`: for each topic the first and the next offset of each partition, and the cluster's name.
    `root_key`: by which the root key is known again, without telling it.
    """

    at: str
    release: str
    zone: str
    operator: str
    root_key: str
    seconds: float
    new_bytes: int
    left_out: list[str]
    high_waters: dict[str, list[tuple[str, int, int]]]
    log: dict[str, Any]
    entries: list[Entry] = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes of everything it names."""
        return sum(entry.size for entry in self.entries)

    @property
    def name(self) -> str:
        """Its file name, which sorts by time."""
        return f"{self.at.replace(':', '').replace('-', '').replace('+0000', 'Z')}.json"


def now() -> str:
    """The time as manifests have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def write(vault: Vault, manifest: Manifest) -> None:
    """Make the backup one, at last."""
    body = {"format": FORMAT, **asdict(manifest)}
    vault.write_manifest(manifest.name, json.dumps({**body, "sha256": _checksum(body)}, ensure_ascii=False, indent=1))


def read(path: Path) -> Manifest:
    """Raises `DamagedError` when it is not as it was written, `StopError` when a later release wrote it."""
    name = f"{path.parent.name}/{path.name}"
    try:
        body: dict[str, Any] = json.loads(path.read_bytes())
        told, form = body.pop("sha256"), body.pop("format")
    except (ValueError, KeyError, AttributeError) as error:
        raise DamagedError(name, "is no manifest") from error
    if form != FORMAT:
        raise StopError(f"{name} was written by a later release ({body.get('release')})", remedy="Use that one.")
    if told != _checksum({"format": form, **body}):
        raise DamagedError(name, "has other bytes than were written")
    entries = [Entry(*entry) for entry in body.pop("entries")]
    high_waters = {store: [(h, p, last) for h, p, last in some] for store, some in body.pop("high_waters").items()}
    return Manifest(**body, high_waters=high_waters, entries=entries)


def paths(vault: Vault) -> list[Path]:
    """The manifests of a target, the oldest first. Raises `StopError` when it is none."""
    if not vault.manifests.is_dir():
        raise StopError(f"{vault.folder} holds no backups", remedy="Make one with `ayumi backup DIR TARGET`.")
    return sorted(vault.manifests.glob("*.json"))


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
