"""Attachment bytes: a folder of files named by their SHA-2 hash, apart for each app. Written once, never changed.

Apart for each app, because whoever declares a hash may read its bytes: declaring must not reach what another app sent.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from typing import TYPE_CHECKING

from lrs.kernel.errors import RetryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MIB = 1024 * 1024
_PIECE_BYTES = 256 * 1024
_LEFT_OVER_SECONDS = 3600
_APP = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}").fullmatch
_HASH = re.compile(r"(?:[0-9a-f]{2}){28,64}").fullmatch


class Objects:
    """The store; several processes may share its folder. Thread-safe. Every function blocks on the disk."""

    def __init__(self, folder: Path, *, min_free_mb: int) -> None:
        """With less than `min_free_mb` MiB of free disk nothing is taken any more."""
        self._folder = folder
        self._min_free = min_free_mb * _MIB
        folder.mkdir(parents=True, exist_ok=True)
        self._drafts = folder / "drafts"
        self._drafts.mkdir(exist_ok=True)
        self._sweep()

    def put(self, app: str, sha2: str, content: bytes | memoryview) -> None:
        """Keep `content`, whose hash the caller has checked. When this returns it survives a loss of power.

        Raises `RetryError` when the disk does not take it. What is there already is not written again.
        """
        path = self._path(app, sha2)
        try:
            if not path.exists():
                self._write(path, content)
            _sync_folder(path.parent)
        except OSError as error:
            raise RetryError("the attachment store", error.strerror or "the disk failed", after_seconds=30) from error

    def size(self, app: str, sha2: str) -> int | None:
        """Bytes of an object, None when there is none."""
        try:
            return self._path(app, sha2).stat().st_size
        except FileNotFoundError:
            return None

    def pieces(self, app: str, sha2: str) -> Iterator[bytes]:
        """An object's bytes in order. Raises `FileNotFoundError`."""
        with self._path(app, sha2).open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece

    def _path(self, app: str, sha2: str) -> Path:
        if not _APP(app) or not _HASH(sha2):
            raise ValueError(f"no name for an object: {app!r} {sha2!r}")
        return self._folder / "apps" / app / sha2[:2] / sha2

    def _write(self, path: Path, content: bytes | memoryview) -> None:
        if shutil.disk_usage(self._folder).free < self._min_free:
            raise RetryError("the attachment store", "its disk is full", after_seconds=30)
        missing = [folder for folder in (path.parent, *path.parents[1:3]) if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in reversed(missing):
            _sync_folder(folder.parent)
        draft = self._drafts / secrets.token_hex(16)
        try:
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what a killed process left half written."""
        oldest = time.time() - _LEFT_OVER_SECONDS
        for draft in self._drafts.iterdir():
            if draft.stat().st_mtime < oldest:
                draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a file whose name is lost is lost."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
