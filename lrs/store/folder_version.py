"""Which release a zone's folder belongs to, and which root key: `folder.json`, looked at before anything is opened.

What is older is migrated by the stores themselves; what is newer, half restored, or without its key is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from typing import TYPE_CHECKING, Any

from lrs import __version__
from lrs.kernel.errors import StopError

if TYPE_CHECKING:
    from pathlib import Path

    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder

FORMAT = 1
"""Of the folder as a whole: what lies where. Tables and topics have versions of their own."""

_RESTORING = "restoring"
_NEW_KEY = "With another key, no learner's old and new facts belong together any more."


def open_folder(folder: ZoneFolder, settings: Settings) -> None:
    """Prepare a folder for this release. Raises `StopError` when it is not one that this release may open."""
    if restoring(folder).exists():
        raise StopError(
            f"{folder.root} is half restored", remedy="Run `ayumi restore` again; it begins anew where it was cut off."
        )
    told = _read(folder)
    if told.get("format", 0) > FORMAT:
        raise StopError(
            f"{folder.root} belongs to a newer release, {told.get('release', 'unknown')}; this is {__version__}",
            remedy="Run that release or a later one. Nothing was changed.",
        )
    key = settings.processor.root_key_file or folder.root_key
    _check_key(folder, key, told.get("root_key", ""))
    folder.prepare()
    write_version(folder, key_check(key))


def write_version(folder: ZoneFolder, root_key: str) -> None:
    """Note that the folder is this release's, and has the root key of that check."""
    wanted = {"format": FORMAT, "release": __version__, "root_key": root_key}
    if _read(folder) == wanted:
        return
    draft = _path(folder).with_suffix(f".{os.getpid()}")  # several parts may start at once
    draft.write_text(json.dumps(wanted, indent=2) + "\n", "utf-8")
    draft.replace(_path(folder))


def key_check(path: Path) -> str:
    """By which a root key is known again, without telling it; empty where there is none."""
    try:
        key = path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
    return hmac.new(key.encode(), b"ayumi: which root key is this", hashlib.sha256).hexdigest()[:16]


def restoring(folder: ZoneFolder) -> Path:
    """The mark of a folder that is being restored."""
    return folder.root / _RESTORING


def _check_key(folder: ZoneFolder, key: Path, expected: str) -> None:
    if not expected or key_check(key) == expected:
        return
    what = "is not the one that this folder's facts were made with" if key.exists() else "is missing"
    raise StopError(
        f"the root key {key} {what}",
        remedy=f"Put it back, or name it to `ayumi restore --keys`. {_NEW_KEY} If it is lost for good, delete "
        f"{_path(folder)}: pseudonyms then begin anew.",
    )


def _path(folder: ZoneFolder) -> Path:
    return folder.root / "folder.json"


def _read(folder: ZoneFolder) -> dict[str, Any]:
    try:
        told = json.loads(_path(folder).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StopError(f"{_path(folder)} cannot be read: {error}", remedy="Restore it, or delete it.") from error
    if not isinstance(told, dict) or not isinstance(told.get("format"), int):
        raise StopError(f"{_path(folder)} names no format", remedy="Restore it, or delete it.")
    return told
