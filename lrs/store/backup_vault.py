"""Where backups lie: a folder of contents, each named by its SHA-256 and kept once, and one manifest a backup.

A manifest is written last, whole or not at all: what a killed backup leaves behind is contents that nothing names.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import tarfile
from typing import IO, TYPE_CHECKING, NamedTuple, Self

from lrs.kernel.errors import StopError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_PIECE = 1 << 20
_DAMAGED = "Take another backup, and find out what happened to the disk. Earlier backups may be whole: ayumi verify."


class Content(NamedTuple):
    """What is kept: its SHA-256 in hex, and its size in bytes."""

    sha256: str
    size: int


class DamagedError(StopError):
    """A content is missing or is not what it was. `name` is its path below the target."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name} {what}", remedy=_DAMAGED)
        self.name = name
        self.what = what


class Vault:
    """One target. Several backups of one zone share its contents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifests = folder / "backups"
        self._contents = folder / "contents"
        self._drafts = folder / "drafts"

    @contextlib.contextmanager
    def writing(self) -> Iterator[Self]:
        """Prepare the folder and hold it alone. Raises `StopError` when another backup goes there, or it cannot be."""
        try:
            for folder in (self.folder, self.manifests, self._contents):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            problem = f"{self.folder} cannot be written: {error.strerror}"
            raise StopError(problem, remedy="Name a folder that this user may write.") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(self._drafts, ignore_errors=True)
            self._drafts.mkdir(mode=0o700)
            yield self
        except BlockingIOError as error:
            raise StopError(f"another backup goes to {self.folder}", remedy="Wait until it has ended.") from error
        finally:
            os.close(lock)

    @contextlib.contextmanager
    def draft(self) -> Iterator[Path]:
        """A place for a file on its way in, gone afterwards."""
        path = self._drafts / secrets.token_hex(16)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def keep_file(self, path: Path) -> tuple[Content, bool]:
        """Keep a file's bytes; whether they are new here."""
        with path.open("rb") as source:
            return self._keep(lambda sink: shutil.copyfileobj(source, sink, _PIECE))

    def keep_bytes(self, data: bytes) -> tuple[Content, bool]:
        """As `keep_file`."""
        return self._keep(lambda sink: sink.write(data))

    def keep_tree(self, folder: Path, names: Iterable[str]) -> tuple[Content, bool]:
        """Keep files of a folder as one archive, the same for the same content whenever it is made; as `keep_file`."""

        def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
            info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
            return info

        def write(sink: IO[bytes]) -> None:
            with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                for name in sorted(names):
                    archive.add(folder / name, name, recursive=False, filter=plain)

        return self._keep(write)

    def holds(self, content: Content) -> bool:
        """Whether it is here, by name and size; `check` reads it."""
        try:
            return self._path(content).stat().st_size == content.size
        except FileNotFoundError:
            return False

    def read(self, content: Content) -> bytes:
        """A small content as a whole. Raises `DamagedError`."""
        with self._reading(content) as source:
            return source.read()

    def check(self, content: Content) -> None:
        """Read a content to its end. Raises `DamagedError`."""
        with self._reading(content) as source:
            while source.read(_PIECE):
                pass

    def extract_file(self, content: Content, path: Path) -> None:
        """Write a content to a file that only its owner reads. Raises `DamagedError`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._reading(content) as source, path.open("xb") as sink:
            path.chmod(0o600)
            shutil.copyfileobj(source, sink, _PIECE)
            _sync(sink)

    def extract_tree(self, content: Content, folder: Path) -> None:
        """Unpack what `keep_tree` kept. Raises `DamagedError`."""
        folder.mkdir(parents=True, exist_ok=True)
        with self._reading(content) as source:
            try:
                with tarfile.open(fileobj=source, mode="r|") as archive:
                    for member in archive:
                        self._put_back(content, archive, member, folder)
            except tarfile.TarError as error:
                raise DamagedError(self.name_of(content), "cannot be unpacked") from error
            while source.read(_PIECE):
                pass

    def write_manifest(self, name: str, text: str) -> None:
        """Put a manifest in its place, after everything that it names."""
        draft = self._drafts / name
        with draft.open("x", encoding="utf-8") as sink:
            sink.write(text)
            _sync(sink)
        draft.replace(self.manifests / name)
        _sync_folder(self.manifests)

    def sweep(self, named: set[str]) -> int:
        """Remove the contents that no manifest names any more; how many bytes that gave back."""
        freed = 0
        for path in self._contents.glob("*/*"):
            if path.name not in named:
                freed += path.stat().st_size
                path.unlink()
        return freed

    def name_of(self, content: Content) -> str:
        """Where it lies below the target."""
        return str(self._path(content).relative_to(self.folder))

    def _put_back(self, content: Content, archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
        """A file, a folder, or a link that stays below `folder`; nothing else was kept.

        `extractall(filter="data")` does this too, but only since Python 3.11.4.
        """
        path = folder / member.name
        leads_to = path.parent / member.linkname if member.issym() else path
        inside = all(one.resolve().is_relative_to(folder.resolve()) for one in (path.parent, leads_to))
        if not inside or not (member.isfile() or member.isdir() or member.issym()):
            raise DamagedError(self.name_of(content), f"holds {member.name!r}, which no backup of ours has")
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if member.issym():
            path.symlink_to(member.linkname)
            return
        source = archive.extractfile(member)
        assert source is not None  # noqa: S101 - for the type checker: it is a file
        with source, path.open("xb") as sink:
            shutil.copyfileobj(source, sink, _PIECE)
        path.chmod(member.mode & 0o755 | 0o600)

    def _path(self, content: Content) -> Path:
        return self._contents / content.sha256[:2] / content.sha256

    def _keep(self, write: Callable[[IO[bytes]], object]) -> tuple[Content, bool]:
        with self.draft() as draft:
            with draft.open("xb") as file:
                sink = _Hashing(file)
                write(sink)  # type: ignore[arg-type]  # as much of a file as writing takes
                _sync(file)
            content = Content(sink.digest.hexdigest(), sink.size)
            is_new = not self.holds(content)
            if is_new:
                self._path(content).parent.mkdir(mode=0o700, exist_ok=True)
                draft.replace(self._path(content))
                _sync_folder(self._path(content).parent)
        return content, is_new

    @contextlib.contextmanager
    def _reading(self, content: Content) -> Iterator[IO[bytes]]:
        try:
            file = self._path(content).open("rb")
        except FileNotFoundError as error:
            raise DamagedError(self.name_of(content), "is missing") from error
        with file:
            source = _Hashing(file)
            yield source  # type: ignore[misc]  # as much of a file as reading takes
        if (source.digest.hexdigest(), source.size) != content:
            raise DamagedError(self.name_of(content), "has other bytes than were written")


class _Hashing:
    """A file that knows the SHA-256 of what went through it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        self.size += len(data)
        return data


def _sync(file: IO[bytes] | IO[str]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
