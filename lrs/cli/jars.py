"""The broker's jars: exactly those of the lock file, each verified by its checksum, kept in the user's cache.

jgo, a Maven resolver in Python, fetches them; a mirror is named in jgo's own configuration file, under [repositories].
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import shutil
import tempfile
import threading
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrs.cli.progress_bars import Advance, Track, bytes_bar
from lrs.kernel.contract import DEPLOY_KAFKA
from lrs.kernel.errors import StopError

LOCK = DEPLOY_KAFKA / "jars.lock.toml"
_PARALLEL = 6
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.5
_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar: `group:artifact:version`, its SHA-256 and its size in bytes."""

    coordinate: str
    sha256: str
    bytes: int

    @property
    def file_name(self) -> str:
        """`artifact-version.jar`."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"

    def is_intact(self, path: Path) -> bool:
        """Whether the file is there and is this jar."""
        try:
            if path.stat().st_size != self.bytes:
                return False
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except OSError:
            return False


def read_lock(path: Path = LOCK) -> list[Jar]:
    """The locked jars, in class path order. Raises `StopError` on a damaged installation."""
    try:
        return [Jar(**entry) for entry in tomllib.loads(path.read_text("utf-8"))["jar"]]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise StopError(f"cannot read the broker's lock file {path}: {error}", remedy="Install ayumi again.") from error


def class_path(
    cache: Path, *, lock: Path = LOCK, track: Track = bytes_bar, repositories: dict[str, str] | None = None
) -> list[Path]:
    """The paths of the locked jars below `cache`, after fetching those that are missing or damaged.

    `repositories` (name → URL) replaces the default Maven repository. Raises `StopError` when a jar cannot be had or
    is not the one that was locked.
    """
    jars = read_lock(lock)
    folder = cache / "jars"
    missing = [jar for jar in jars if not jar.is_intact(folder / jar.file_name)]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        _check_room(folder, sum(jar.bytes for jar in missing))
        with track("Fetching Apache Kafka", sum(jar.bytes for jar in missing)) as advance:
            _fetch_all(missing, folder, advance, repositories)
    return [folder / jar.file_name for jar in jars]


def _sweep(folder: Path) -> None:
    """Remove what interrupted downloads of processes that are gone left."""
    for draft in folder.glob(".fetching-*"):
        owner = draft.name.split("-")[1]
        if not Path("/proc", owner).exists():
            shutil.rmtree(draft, ignore_errors=True)


def _check_room(folder: Path, needed: int) -> None:
    if shutil.disk_usage(folder).free < needed * 2:
        raise StopError(
            f"too little disk in {folder} for the broker's jars ({needed >> 20} MiB)",
            remedy="Free some space, or set XDG_CACHE_HOME to a folder on another disk.",
        )


def _fetch_all(jars: Sequence[Jar], folder: Path, advance: Advance, repositories: dict[str, str] | None) -> None:
    # Each process fetches into a folder of its own and renames a verified jar into place: a second process, a kill or
    # a cut connection never leaves a file under its final name that is not whole.
    waiting: queue.SimpleQueue[Jar] = queue.SimpleQueue()
    results: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    for jar in jars:
        waiting.put(jar)
    prefix = f".fetching-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder, ignore_cleanup_errors=True) as draft:

        def work() -> None:
            with contextlib.suppress(queue.Empty):
                while True:
                    jar = waiting.get_nowait()
                    try:
                        _fetch(jar, Path(draft), folder, repositories)
                    except BaseException as error:  # noqa: BLE001 - raised below
                        results.put(error)
                    else:
                        advance(jar.bytes)
                        results.put(None)

        for _ in range(_PARALLEL):
            # Daemons: a Ctrl-C during the first download does not wait for the network.
            threading.Thread(target=work, name="ayumi-fetch", daemon=True).start()
        for _ in jars:
            if error := results.get():
                while not waiting.empty():
                    waiting.get()
                raise error


def _fetch(jar: Jar, draft: Path, folder: Path, repositories: dict[str, str] | None) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            path = _download(jar, draft / f"{jar.file_name}.{attempt}", repositories)
        except Exception as error:
            if attempt == _ATTEMPTS:
                raise StopError(
                    f"cannot fetch {jar.coordinate}: {_cause(error)}",
                    remedy=f"The first start needs the network (or a mirror named under [repositories] in jgo's "
                    f"configuration); without one, copy the folder {folder} from a machine that has it.",
                ) from error
            time.sleep(attempt * _PAUSE_SECONDS)
            continue
        if not jar.is_intact(path):
            raise StopError(
                f"{jar.coordinate} is not the file that was locked: its SHA-256 differs from {jar.sha256}",
                remedy="Something between here and the Maven repository changed it: check the mirror or proxy.",
            )
        path.replace(folder / jar.file_name)
        return


def _cause(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return " ".join(str(error).split())[:300]


def _download(jar: Jar, draft: Path, repositories: dict[str, str] | None) -> Path:
    from jgo.config import GlobalSettings  # noqa: PLC0415 - 300 ms, only for a download
    from jgo.maven import MavenContext  # noqa: PLC0415
    from jgo.maven._core import DEFAULT_REMOTE_REPOS  # noqa: PLC0415

    if repositories is None:
        repositories = {**GlobalSettings.load().repositories, **DEFAULT_REMOTE_REPOS}
    context: Any = MavenContext(repo_cache=draft, remote_repos=repositories, timeout=_TIMEOUT_SECONDS)
    group, artifact, version = jar.coordinate.split(":")
    path: Path = context.project(group, artifact).at_version(version).artifact().resolve()
    return path
