"""The log files of a zone's children: kept small, and read for a last sentence."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

_LARGEST_BYTES = 32 * 1024 * 1024
_TAIL_BYTES = 8192


def trim_logs(folder: Path, largest_bytes: int = _LARGEST_BYTES) -> None:
    """Move the content of each large `*.log` to `*.log.1`, in place: the children append to the same open file.

    Lines that are written during the copy are lost; the alternative, a pipe through the supervisor, costs every line.
    On a full disk the older half of a log is worth less than the room.
    """
    for path in folder.glob("*.log"):
        if path.stat().st_size > largest_bytes:
            try:
                shutil.copyfile(path, path.with_suffix(".log.1"))
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                path.with_suffix(".log.1").unlink(missing_ok=True)
            os.truncate(path, 0)


def last_sentence(path: Path) -> str:
    """What the program said last to a person (`ayumi: …`), or nothing."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.removeprefix("ayumi: ") for line in reversed(lines) if line.startswith("ayumi: ")), "")
