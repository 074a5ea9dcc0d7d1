"""Disks that can be filled up and emptied at any moment: small file systems in memory, in a mount namespace of our own.

A namespace needs root or user namespaces, and goes with its last process: whatever is killed, no mount stays behind.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_MARK = "CHAOS_NAMESPACE"


def enter_namespace(arguments: list[str]) -> None:
    """Run `python` with these arguments, which are our own, anew in a mount namespace, unless we are in one already.

    Returns in that namespace. Raises `SystemExit` where the machine allows none, for then no disk can be made full.
    """
    if os.environ.get(_MARK) == str(os.getpid()):
        return
    ways = (["--mount"], ["--mount", "--user", "--map-root-user"])
    for way in ways:
        unshare = ["unshare", *way, "--propagation", "private"]
        tried = subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
        if tried.returncode == 0:
            # `unshare` becomes the program it starts: the process id stays ours.
            os.environ[_MARK] = str(os.getpid())
            os.execvp("unshare", [*unshare, sys.executable, *arguments])  # noqa: S606 - ourselves
    sys.exit(
        "A full disk can only be made as root, or where users may have namespaces (sysctl user.max_user_namespaces)."
    )


class SmallDisk:
    """A file system of `size_mb` at `folder`."""

    def __init__(self, folder: Path, size_mb: int) -> None:
        self.folder = folder
        self._size = size_mb << 20
        folder.mkdir(parents=True, exist_ok=True)
        _mount("-t", "tmpfs", "-o", f"size={self._size},mode=0700", "ayumi-chaos", str(folder))

    @property
    def used(self) -> int:
        """Bytes."""
        found = os.statvfs(self.folder)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def fill(self, spare_bytes: int) -> None:
        """Let it have no more room than `spare_bytes` beyond what lies on it now."""
        for extra in (0, 1 << 20, 4 << 20, 16 << 20):  # it may be growing at this moment
            try:
                self._resize(self.used + spare_bytes + extra)
            except subprocess.CalledProcessError:
                continue
            return
        raise OSError(f"{self.folder} could not be made full")

    def free(self) -> None:
        """Give it its room again."""
        self._resize(self._size)

    def close(self) -> None:
        """Take it away with all that is on it."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True, capture_output=True)

    def _resize(self, size: int) -> None:
        _mount("-o", f"remount,size={max(size, 4096)}", str(self.folder))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
