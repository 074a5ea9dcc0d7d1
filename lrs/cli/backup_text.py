"""Backups in words and as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lrs.store import backup_manifest as manifests
from lrs.store.backup_vault import DamagedError

if TYPE_CHECKING:
    from lrs.cli.rebuilding import Rebuilt
    from lrs.store.backup_manifest import Manifest
    from lrs.store.backup_vault import Vault

_ROOMS = {
    "archive": "archive",
    "facts": "facts",
    "registry.sqlite": "registry",
    "objects": "attachments",
    "restored": "catalogue, roster, consent",
    "ayumi.toml": "settings",
}


def summary(manifest: Manifest) -> dict[str, Any]:
    """What a backup holds, for programs."""
    return {
        "at": manifest.at,
        "zone": manifest.zone,
        "release": manifest.release,
        "seconds": manifest.seconds,
        "bytes": manifest.size,
        "new_bytes": manifest.new_bytes,
        "left_out": manifest.left_out,
        "high_waters": manifest.high_waters,
        "log": manifest.log,
    }


def lines(manifest: Manifest, freed: int) -> Iterator[str]:
    """What a backup holds, for people."""
    yield f"backup of zone {manifest.zone} as of {manifest.at}, in {manifest.seconds:.1f} s"
    for room, name in _ROOMS.items():
        entries = [entry for entry in manifest.entries if entry.path.partition("/")[0] == room]
        if entries:
            size = sum(entry.size for entry in entries)
            yield f"  {name:<28}{size / 1e6:>12,.1f} MB in {len(entries):,} pieces"
    yield f"  {'new since the last backup':<28}{manifest.new_bytes / 1e6:>12,.1f} MB"
    if freed:
        yield f"  {'given back by --keep':<28}{freed / 1e6:>12,.1f} MB"
    for what in manifest.left_out:
        yield f"  not in it: {what}"


def whole_list(vault: Vault) -> list[dict[str, Any]]:
    """Every backup of a target, the newest first."""
    found: list[dict[str, Any]] = []
    for path in reversed(manifests.paths(vault)):
        try:
            manifest = manifests.read(path)
        except DamagedError as error:
            found.append({"line": f"{path.stem}  DAMAGED: {error.what}", "damaged": error.name})
            continue
        line = f"{manifest.at}  {manifest.size / 1e6:>12,.1f} MB  {manifest.new_bytes / 1e6:>12,.1f} MB new"
        found.append({"line": line, **summary(manifest)})
    return found


def rebuilt_lines(report: Rebuilt) -> Iterator[str]:
    """What was made anew."""
    for topic, partitions in report.filled.items():
        for partition, (before, after) in sorted(partitions.items()):
            yield f"{topic}-{partition} ended at {before}, goes on at {after}"
    yield f"{report.moved:,} records that had come meanwhile were put behind"
    yield f"{report.published:,} archived statements were put on accepted"
    for noun, number in report.references.items():
        yield f"{noun}: {number:,} entries were put back"
    for noun in report.empty:
        yield f"{noun} is empty: load it before you start the zone, or name a backup with --references-from"
    for partition, (first, end, number) in sorted(report.unknown.items()):
        yield (
            f"{number:,} records of received, partition {partition}, offsets {first} to {end - 1}, were not counted "
            "when the log was lost, and are in no store: refused, sent twice, or lost. `ayumi reconcile` shows the gap."
        )
