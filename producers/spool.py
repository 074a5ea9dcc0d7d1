"""Statements that wait on this machine's disk for the broker, in the order in which they were sent.

A folder of numbered segments, each a row of frames: a mark, the length, a checksum, the Kafka value. A segment that was
sent is deleted whole; one that was cut short by a kill is sent again from its beginning, which the ids make harmless.
Why no database: docs/decisions/0015-spool.md.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from lrs.kernel import metrics
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_log = get_logger(__name__)

_MARK = b"\xa5Ay\x01"
_HEAD = struct.Struct("<4sII")
_SEGMENT_BYTES = 4 << 20
_SUFFIX, _DAMAGED = ".spool", ".damaged"
_NAME = re.compile(r"(\d{20})(\.spool|\.damaged)")
_MIB = 1 << 20


class Segment(NamedTuple):
    """What a segment holds: the values of all whole frames in order, and how many bytes belong to none."""

    values: list[bytes]
    lost_bytes: int


class Spool:
    """One folder, one process, one thread at a time."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        """`max_bytes`: what all files of the folder may have together.

        Raises `StopError` when another process has the folder, or it cannot be written.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = _locked(folder)
        self._writing: BinaryIO | None = None
        self._written = 0
        names = [found for path in folder.iterdir() if (found := _NAME.fullmatch(path.name))]
        self._segments = sorted(int(name[1]) for name in names if name[2] == _SUFFIX)
        self._last = max((int(name[1]) for name in names), default=0)
        self._tell()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._segments

    @property
    def size(self) -> int:
        """Bytes of all files, damaged ones too."""
        return sum(entry.stat().st_size for entry in os.scandir(self._folder))

    def append(self, values: Sequence[bytes]) -> None:
        """Keep the values; they are on the disk, synced, when this returns.

        Raises `RetryError` when the spool or the disk is full: then none of them is kept.
        """
        frames = b"".join(_HEAD.pack(_MARK, len(value), zlib.crc32(value)) + value for value in values)
        if self.size + len(frames) > self._max_bytes:
            rule = f"{self.size / _MIB:.1f} MiB of at most {self._max_bytes / _MIB:.1f} wait in {self._folder}"
            raise RetryError("room in the spool", rule, after_seconds=5.0)
        if self._writing is None or self._written >= _SEGMENT_BYTES:
            self._begin()
        self._write(frames)
        self._tell()

    def oldest(self) -> Segment:
        """What was appended first and is not discarded; at most about 4 MiB, or one call of `append`.

        Nothing is appended to it any more. What is damaged is told, and left out.
        """
        number = self._segments[0]
        if self._writing is not None and number == self._last:
            self._seal()
        found = _scan(self._path(number).read_bytes())
        if found.lost_bytes:
            metrics.PUBLISHER_SPOOL_LOST.inc(found.lost_bytes)
            _log.error(
                "spool_damaged",
                file=str(self._path(number)),
                lost_bytes=found.lost_bytes,
                whole_statements=len(found.values),
                remedy="What is whole is sent; the file is kept beside, as .damaged. Delete it when you have seen it.",
            )
        return found

    def discard_oldest(self, segment: Segment) -> None:
        """The segment that `oldest` gave is on the log: give its room back. A damaged one is put aside instead."""
        path = self._path(self._segments.pop(0))
        if segment.lost_bytes:
            path.rename(path.with_suffix(_DAMAGED))
        else:
            path.unlink()
        _sync_folder(self._folder)
        self._tell()

    def close(self) -> None:
        """Let go of the folder."""
        self._seal()
        os.close(self._lock)

    def _begin(self) -> None:
        self._seal()
        number = self._last + 1
        try:
            self._writing = self._path(number).open("xb", buffering=0)
            _sync_folder(self._folder)
        except OSError as error:
            raise _cannot(self._folder, error) from error
        self._last, self._written = number, 0
        self._segments.append(number)

    def _write(self, frames: bytes) -> None:
        file = self._writing
        assert file is not None  # noqa: S101 - for the type checker: `append` has just begun one
        try:
            rest = memoryview(frames)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError as error:
            # What is cut off would be left out when it is read; without it the room is free again.
            with suppress(OSError):
                file.truncate(self._written)
            self._seal()
            if not self._written:
                self._segments.remove(self._last)
                self._path(self._last).unlink(missing_ok=True)
            raise _cannot(self._folder, error) from error
        self._written += len(frames)

    def _seal(self) -> None:
        if self._writing is not None:
            self._writing.close()
            self._writing = None

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:020d}{_SUFFIX}"

    def _tell(self) -> None:
        metrics.PUBLISHER_SPOOL_BYTES.set(self.size)


def _scan(data: bytes) -> Segment:
    """Whole frames, in order; behind a broken one reading goes on at the next mark."""
    values: list[bytes] = []
    at, lost = 0, 0
    while at < len(data):
        value = _frame(data, at)
        if value is None:
            found = data.find(_MARK, at + 1)
            behind = len(data) if found < 0 else found
            lost += behind - at
            at = behind
        else:
            values.append(value)
            at += _HEAD.size + len(value)
    return Segment(values, lost)


def _frame(data: bytes, at: int) -> bytes | None:
    if len(data) - at < _HEAD.size:
        return None
    mark, length, checksum = _HEAD.unpack_from(data, at)
    value = data[at + _HEAD.size : at + _HEAD.size + length]
    return value if mark == _MARK and len(value) == length and zlib.crc32(value) == checksum else None


def _locked(folder: Path) -> int:
    """An open file that is locked for as long as this process lives, however it ends."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        problem = f"the spool {folder} cannot be written: {error.strerror or error}"
        raise StopError(problem, remedy="Name a folder that this app may write to.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        remedy = "Give every process a folder of its own."
        raise StopError(f"another process uses the spool {folder}", remedy=remedy) from error
    return lock


def _cannot(folder: Path, error: OSError) -> RetryError:
    return RetryError("the spool", f"{folder}: {error.strerror or error}", after_seconds=5.0)


def _sync_folder(folder: Path) -> None:
    """A file that was made or deleted is so after a power cut too only when its folder is synced."""
    where = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(where)
    finally:
        os.close(where)
